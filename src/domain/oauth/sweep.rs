//! Tidying up: rows that have ended and that nothing asks about any more. Validity never depends on it.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::oauth::sweep_store;
use crate::infra::db::Conn;
use time::{Duration, OffsetDateTime};

/// Rows that go at once: a lock that nobody waits for long.
const BATCH: i64 = 1000;
/// Batches of one kind that go in one run; the next run takes the rest.
const MOST_BATCHES: u32 = 100;
/// How long a row stays after its end. Clocks of nodes differ, and whoever comes a little late is told that something has
/// expired, not that it was never there.
const LINGER: Duration = Duration::hours(1);

/// Removes what has ended; answers how many rows went, without those that went along with them.
///
/// A used code and a used refresh token stay as long as their grant, whatever their own time: they are what a second use is
/// recognised by. A grant stays until its last access token has died and no code or refresh token could give another one.
/// From then on there is nothing left that a second use would have to end.
pub async fn sweep(ctx: &Ctx) -> Result<u64> {
    let requests = in_batches(ctx, sweep_store::authorization_requests).await?;
    let devices = in_batches(ctx, sweep_store::device_codes).await?;
    let assertions = in_batches(ctx, sweep_store::client_assertions).await?;
    let codes = in_batches(ctx, sweep_store::unused_codes).await?;
    let grants = in_batches(ctx, sweep_store::grants).await?;
    // Last: a grant that has just gone needs no revocation, since its tokens had died.
    let revocations = in_batches(ctx, sweep_store::revocations).await?;
    Ok(requests + devices + assertions + codes + grants + revocations)
}

async fn in_batches(ctx: &Ctx, remove: impl AsyncFn(&mut Conn, OffsetDateTime, i64) -> Result<u64>) -> Result<u64> {
    let ended_before = ctx.clock.now() - LINGER;
    let mut removed = 0;
    for _ in 0..MOST_BATCHES {
        let mut tx = ctx.db.begin().await?;
        let rows = remove(&mut tx, ended_before, BATCH).await?;
        tx.commit().await?;
        removed += rows;
        if i64::try_from(rows).is_ok_and(|rows| rows < BATCH) {
            break;
        }
    }
    Ok(removed)
}
