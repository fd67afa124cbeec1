//! Every background loop in one place: what it does and how often.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::accounts::sessions::{self, Lifetime};
use crate::domain::oauth::issuer::Issuer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often ended sessions, links and old log rows are removed. Nothing depends on it: validity is computed from the
/// time, the job only keeps tables small.
const TIDY_EVERY: Duration = Duration::from_mins(15);
/// How often the signing keys are read again: how far behind a node may be when another one has rotated them.
const KEYS_EVERY: Duration = Duration::from_mins(1);

/// Removes what has ended, until `stop` says true.
pub async fn tidy(ctx: Ctx, lifetime: Lifetime, mut stop: watch::Receiver<bool>) {
    loop {
        match tidy_once(&ctx, lifetime).await {
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

/// Rotates the signing keys when that is due, and takes over what other nodes have rotated, until `stop` says true.
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

async fn tidy_once(ctx: &Ctx, lifetime: Lifetime) -> Result<u64> {
    let sessions = sessions::sweep(ctx, lifetime).await?;
    let changes = crate::infra::watch::prune(ctx.db.pool()).await?;
    Ok(sessions + changes)
}
