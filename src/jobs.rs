//! Every background loop in one place: what it does and how often.

use crate::base::error::{Error, Result};
use crate::domain::Ctx;
use crate::domain::accounts::delivery::Delivery;
use crate::domain::accounts::sessions::{self, Lifetime};
use crate::domain::credentials::testing;
use crate::domain::mail::outbox;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::sweep;
use crate::domain::publishing::reread;
use crate::domain::usage::{quotas, refusals, retention};
use crate::infra::watch::Follower;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often ended sessions, links, grants, old usage and old log rows are removed. Nothing depends on it: validity is computed from the
/// time, the job only keeps tables small.
const TIDY_EVERY: Duration = Duration::from_mins(15);
/// How long reading what has changed may take.
const TAKE: Duration = Duration::from_secs(10);
/// How often it is looked whether a rotation of the signing keys is due.
const KEYS_EVERY: Duration = Duration::from_mins(1);

/// How often it is looked whether a mail is due.
const MAIL_EVERY: Duration = Duration::from_secs(2);

/// How long records of calls are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Days after which usage goes.
    pub usage_days: u32,
    /// Days after which refused calls go.
    pub refusals_days: u16,
}

/// Removes what has ended, until `stop` says true.
pub async fn tidy(ctx: Ctx, lifetime: Lifetime, keep: Keep, mut stop: watch::Receiver<bool>) {
    loop {
        match tidy_once(&ctx, lifetime, keep).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "removed {rows} rows that had ended"),
            Err(error) => tracing::warn!(%error, "could not remove what has ended; trying again later"),
        }
        tokio::select! {
            () = tokio::time::sleep(TIDY_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Reads OpenAPI files once more that an older release has published.
pub async fn reread_definitions(ctx: Ctx) {
    match reread::all(&ctx).await {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "read {files} OpenAPI files once more for the reference"),
        Err(error) => tracing::error!(%error, "could not read OpenAPI files once more; the next start tries again"),
    }
}

/// Keeps what the issuer remembers as the database has it, until `stop` says true.
pub async fn follow_changes(ctx: Ctx, issuer: Arc<Issuer>, mut stop: watch::Receiver<bool>) {
    let mut follower = Follower::new(ctx.db.pool().clone());
    let mut is_well = true;
    loop {
        let news = tokio::select! {
            news = follower.next() => news,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let taken = match news {
            Ok(news) => match tokio::time::timeout(TAKE, issuer.take(&ctx, &news)).await {
                Ok(taken) => taken.map(|()| news.revision),
                Err(_elapsed) => Err(Error::internal("reading what has changed takes too long")),
            },
            Err(error) => Err(error.into()),
        };
        match taken {
            Ok(revision) => {
                follower.done(revision);
                is_well = true;
            }
            Err(error) if is_well => {
                tracing::error!(%error, "the token endpoint hears of no change and asks the database every time");
                is_well = false;
            }
            Err(_) => {}
        }
    }
}

/// Sends the mails that are due, until `stop` says true.
pub async fn send_mail(ctx: Ctx, delivery: Arc<Delivery>, mut stop: watch::Receiver<bool>) {
    let mut is_well = true;
    loop {
        let sent = tokio::select! {
            sent = delivery.run(&ctx) => sent,
            // What is under way is tried again after the next start.
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match sent {
            Ok(_) => is_well = true,
            Err(error) if is_well => {
                tracing::warn!(%error, "could not look for mails to send; trying again");
                is_well = false;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(MAIL_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Rotates the signing keys when that is due, until `stop` says true.
pub async fn rotate_signing_keys(ctx: Ctx, issuer: Arc<Issuer>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(KEYS_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = issuer.refresh(&ctx).await {
            tracing::error!(%error, "could not read the signing keys; signing with those from before");
        }
    }
}

async fn tidy_once(ctx: &Ctx, lifetime: Lifetime, keep: Keep) -> Result<u64> {
    let sessions = sessions::sweep(ctx, lifetime).await?;
    let grants = sweep::sweep(ctx).await?;
    let changes = crate::infra::watch::prune(ctx.db.pool()).await?;
    let quotas = quotas::sweep(ctx).await?;
    let refused = refusals::sweep(ctx, keep.refusals_days).await?;
    let usage = retention::sweep(ctx, keep.usage_days).await?;
    let tests = testing::sweep(ctx).await?;
    let asked = outbox::sweep(ctx).await?;
    Ok(asked + sessions + grants + changes + quotas + refused + usage + tests)
}
