//! Calls added up: how many, how they were answered, how long they took, why they were refused.

use crate::base::latency::Latency;
use crate::domain::usage::window::Stretch;
use sqlx::postgres::types::PgInterval;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// How many calls, and how they were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// All of them.
    pub requests: u64,
    /// Answered with 4xx.
    pub client_errors: u64,
    /// Answered with 5xx.
    pub server_errors: u64,
}

/// An hour or a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its first moment.
    pub at: OffsetDateTime,
    /// Its calls.
    pub sums: Sums,
    /// How long they took.
    pub latency: Latency,
}

/// Calls that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The label of the reason.
    pub reason: String,
    /// How many, of those that are kept one by one.
    pub calls: u64,
}

impl Sums {
    /// Answered with neither 4xx nor 5xx.
    pub fn succeeded(self) -> u64 {
        self.requests.saturating_sub(self.errors())
    }

    /// Answered with 4xx or 5xx.
    pub fn errors(self) -> u64 {
        self.client_errors.saturating_add(self.server_errors)
    }

    pub(super) fn from_columns(requests: i64, client_errors: Option<i64>, server_errors: Option<i64>) -> Self {
        Self {
            requests: number(requests),
            client_errors: number(client_errors.unwrap_or(0)),
            server_errors: number(server_errors.unwrap_or(0)),
        }
    }

    fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.client_errors = self.client_errors.saturating_add(other.client_errors);
        self.server_errors = self.server_errors.saturating_add(other.server_errors);
    }
}

/// Every hour or day of a stretch, those without a call too.
pub(super) fn every(stretch: Stretch, mut counted: BTreeMap<OffsetDateTime, Point>) -> Vec<Point> {
    let empty = |at| Point { at, sums: Sums::default(), latency: Latency::default() };
    stretch.steps().map(|at| counted.remove(&at).unwrap_or_else(|| empty(at))).collect()
}

/// All of them together.
pub(super) fn together(points: &[Point]) -> (Sums, Latency) {
    let (mut sums, mut latency) = (Sums::default(), Latency::default());
    for point in points {
        sums.add(point.sums);
        latency.add(&point.latency);
    }
    (sums, latency)
}

/// A number of a column that never is below 0.
pub(super) fn number(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

/// The hour or day of a stretch, for Postgres.
pub(super) fn interval(stretch: Stretch) -> PgInterval {
    let microseconds = i64::try_from(stretch.step.whole_microseconds()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}
