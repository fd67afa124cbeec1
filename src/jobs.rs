//! Every background loop in one place: what it does and how often.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::accounts::sessions::{self, Lifetime};
use std::time::Duration;
use tokio::sync::watch;

/// How often ended sessions, links and old log rows are removed. Nothing depends on it: validity is computed from the
/// time, the job only keeps tables small.
const TIDY_EVERY: Duration = Duration::from_secs(15 * 60);

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

async fn tidy_once(ctx: &Ctx, lifetime: Lifetime) -> Result<u64> {
    let sessions = sessions::sweep(ctx, lifetime).await?;
    let changes = crate::infra::watch::prune(ctx.db.pool()).await?;
    Ok(sessions + changes)
}
