//! Removes usage that is older than the operator wants to keep it.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::usage::store;
use time::Duration;

/// A process that has written no usage for so long is forgotten.
pub const FORGOTTEN: Duration = Duration::days(30);

/// Rows that one statement removes, and how many statements one sweep makes: others want to write meanwhile.
const CHUNK: i64 = 5000;
const CHUNKS: u32 = 200;

/// Removes minutes that are older than so many days, and processes that are gone; says how many rows.
pub async fn sweep(ctx: &Ctx, keep_days: u32) -> Result<u64> {
    let now = ctx.clock.now();
    let mut conn = ctx.conn().await?;
    let mut removed = store::forget_writers(&mut conn, now - FORGOTTEN).await?;
    for _ in 0..CHUNKS {
        let rows = store::remove_before(&mut conn, now - Duration::days(keep_days.into()), CHUNK).await?;
        removed += rows;
        if rows == 0 {
            break;
        }
    }
    Ok(removed)
}
