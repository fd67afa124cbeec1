//! Removes usage that is older than the operator wants to keep it.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::usage::{hour_store, store};
use time::Duration;

/// A process that has written no usage for so long is forgotten.
pub const FORGOTTEN: Duration = Duration::days(30);

/// Rows that one statement removes, and how many statements one sweep makes: others want to write meanwhile.
const CHUNK: i64 = 5000;
const CHUNKS: u32 = 200;

/// Removes minutes and hours that are older than so many days, and processes that are gone; says how many rows.
pub async fn sweep(ctx: &Ctx, keep_days: u32) -> Result<u64> {
    let now = ctx.clock.now();
    let mut conn = ctx.conn().await?;
    let mut removed = store::forget_writers(&mut conn, now - FORGOTTEN).await?;
    let before = now - Duration::days(keep_days.into());
    for _ in 0..CHUNKS {
        let minutes = store::remove_before(&mut conn, before, CHUNK).await?;
        let hours = hour_store::remove_before(&mut conn, before, CHUNK).await?;
        removed += minutes + hours;
        if minutes + hours == 0 {
            break;
        }
    }
    Ok(removed)
}
