//! The time, as an argument: the system's, or one that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use time::{Duration, OffsetDateTime};

/// Where `now` comes from. Cheap to clone; clones of a fixed clock move together.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Microseconds since the epoch, moved only by [`Clock::advance`].
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still at `at`.
    pub fn fixed(at: OffsetDateTime) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(micros(at))))
    }

    /// The time now, in UTC, to the microsecond (what Postgres keeps).
    pub fn now(&self) -> OffsetDateTime {
        let micros = match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system for the time")]
            Self::System => micros(OffsetDateTime::now_utc()),
            Self::Fixed(at) => at.load(Ordering::SeqCst),
        };
        OffsetDateTime::UNIX_EPOCH + Duration::microseconds(micros)
    }

    /// Moves a fixed clock forward. Does nothing to the system's.
    pub fn advance(&self, by: Duration) {
        if let Self::Fixed(at) = self {
            at.fetch_add(i64::try_from(by.whole_microseconds()).unwrap_or(0), Ordering::SeqCst);
        }
    }
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}
