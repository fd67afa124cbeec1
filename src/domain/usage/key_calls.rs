//! How much an API key was called with of late: what deleting it would stop.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::credentials::model::ApiKey;
use crate::domain::usage::key_calls_store;
use time::Duration;

/// The calls with a key that the caller has found, in the last 24 hours, to the minute.
pub async fn of_last_day(ctx: &Ctx, key: &ApiKey) -> Result<u64> {
    let since = ctx.clock.now() - Duration::DAY;
    let calls = key_calls_store::since(&mut *ctx.conn().await?, (key.application, key.id), since).await?;
    Ok(u64::try_from(calls).unwrap_or(0))
}
