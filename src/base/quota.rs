//! What crosses between the gateway and usage about quotas: whose, for which period, and how many calls are handed out.

use crate::base::id::{ApiId, SubscriptionId};
use crate::base::policy::Period;
use sha2::{Digest as _, Sha256};
use std::fmt;
use time::{Date, Duration, Month, OffsetDateTime, UtcOffset};

/// What limits are counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A subscription, all its credentials together.
    Subscription(SubscriptionId),
    /// An API, all its callers together.
    Api(ApiId),
    /// An operation of an API (`GET /pets/{id}`), all its callers together.
    Operation(ApiId, Box<str>),
}

/// Longer names of operations are kept as their digest, so that keys are bounded.
const LONGEST: usize = 200;

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(id) => write!(f, "subscription:{id}"),
            Self::Api(id) => write!(f, "api:{id}"),
            Self::Operation(api, name) if name.len() <= LONGEST => write!(f, "operation:{api}:{name}"),
            Self::Operation(api, name) => {
                write!(f, "operation:{api}:")?;
                Sha256::digest(name.as_bytes()).iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// A calendar day or month, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which of the two.
    pub per: Period,
    /// Its first day.
    pub first: Date,
    /// When the next one begins.
    pub end: OffsetDateTime,
}

impl Span {
    /// The one that `now` is in.
    pub fn of(per: Period, now: OffsetDateTime) -> Self {
        let today = now.to_offset(UtcOffset::UTC).date();
        // The first of a month is a day of every month, and the last day that can be told has no morrow.
        let (first, next) = match per {
            Period::Day => (today, today.next_day()),
            Period::Month => {
                let first = today.replace_day(1).unwrap_or(today);
                let year = first.year() + i32::from(first.month() == Month::December);
                (first, Date::from_calendar_date(year, first.month().next(), 1).ok())
            }
        };
        let end = next.map_or(now + Duration::DAY, |next| next.midnight().assume_utc());
        Self { per, first, end }
    }

    /// When it began.
    pub fn start(&self) -> OffsetDateTime {
        self.first.midnight().assume_utc()
    }
}

/// A question for calls of a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whose quota, as [`Subject`] writes it.
    pub subject: String,
    /// Which day or month.
    pub per: Period,
    /// Its first day.
    pub first: Date,
    /// The quota.
    pub limit: u64,
    /// How many calls are wanted.
    pub calls: u64,
    /// How many from earlier leases come back.
    pub back: u64,
    /// How many were let through without a lease.
    pub spent: u64,
}

/// The answer: calls that nobody else gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// How many; none when the quota is used up.
    pub calls: u64,
    /// How many of the quota are used now, with these.
    pub used: u64,
}

/// Calls of a lease that were not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// Whose quota.
    pub subject: String,
    /// Which day or month.
    pub per: Period,
    /// Its first day.
    pub first: Date,
    /// How many.
    pub calls: u64,
}

/// The key under which a subject's day or month is counted.
pub fn key(subject: &str, per: Period) -> String {
    format!("{subject}:{}", per.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};
    use uuid::Uuid;

    #[test]
    fn days_and_months_are_those_of_utc() {
        for (per, now, first, end) in [
            (Period::Day, datetime!(2026-11-24 12:00 UTC), date!(2026 - 11 - 24), datetime!(2026-11-25 0:00 UTC)),
            (Period::Day, datetime!(2026-12-31 23:59:59 UTC), date!(2026 - 12 - 31), datetime!(2027-01-01 0:00 UTC)),
            (Period::Day, datetime!(2026-11-24 23:30 -2), date!(2026 - 11 - 25), datetime!(2026-11-26 0:00 UTC)),
            (Period::Month, datetime!(2026-11-24 12:00 UTC), date!(2026 - 11 - 01), datetime!(2026-12-01 0:00 UTC)),
            (Period::Month, datetime!(2028-02-29 0:00 UTC), date!(2028 - 02 - 01), datetime!(2028-03-01 0:00 UTC)),
            (Period::Month, datetime!(2026-12-31 23:59 UTC), date!(2026 - 12 - 01), datetime!(2027-01-01 0:00 UTC)),
        ] {
            assert_eq!(Span::of(per, now), Span { per, first, end });
        }
    }

    #[test]
    fn the_key_of_a_subject_is_short_and_its_own() {
        let api = ApiId(Uuid::from_u128(1));
        let long = |end: &str| Subject::Operation(api, format!("GET /{}{end}", "x".repeat(3000)).into()).to_string();
        assert!(long("a").len() < 200 && long("a") != long("b"));
        let short = Subject::Operation(api, "GET /pets".into()).to_string();
        assert_eq!(key(&short, Period::Day), format!("operation:{api}:GET /pets:day"));
        assert_ne!(Subject::Api(api).to_string(), Subject::Subscription(SubscriptionId(api.0)).to_string());
    }
}
