//! What an application has called, by API and day.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::latency::Latency;
use crate::domain::Ctx;
use crate::domain::usage::store;
use time::{Date, Duration};

/// Days that are added up at most.
pub const MOST_DAYS: i64 = 92;
/// Totals that are given at most, the latest days first.
pub const MOST: i64 = 5000;

/// The calls of an application to one API in one environment on one day, UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayTotal {
    /// Which API. It may be gone by now.
    pub api: ApiId,
    /// Where.
    pub environment: Environment,
    /// When.
    pub day: Date,
    /// How many.
    pub requests: u64,
    /// How many of them were answered with 4xx.
    pub client_errors: u64,
    /// How many of them were answered with 5xx.
    pub server_errors: u64,
    /// Bytes of request bodies.
    pub request_bytes: u64,
    /// Bytes of response bodies.
    pub response_bytes: u64,
    /// How long they took.
    pub latency: Latency,
}

impl DayTotal {
    /// Microseconds that half of the calls did not exceed.
    pub fn p50(&self) -> Option<u64> {
        self.latency.percentile(50)
    }

    /// Microseconds that 95 of a hundred calls did not exceed.
    pub fn p95(&self) -> Option<u64> {
        self.latency.percentile(95)
    }
}

/// The totals of an application from the first day to the last, both included, at most [`MOST_DAYS`] to the last.
pub async fn of_application(
    ctx: &Ctx,
    application: ApplicationId,
    (first, last): (Date, Date),
) -> Result<Vec<DayTotal>> {
    let first = first.max(last.saturating_sub(Duration::days(MOST_DAYS - 1)));
    let end = last.saturating_add(Duration::days(1));
    let span = (first.midnight().assume_utc(), end.midnight().assume_utc());
    store::totals(&mut *ctx.conn().await?, application, span, MOST).await
}
