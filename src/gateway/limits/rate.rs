//! How fast somebody may call: the generic cell rate algorithm (GCRA), one number for each subject.
//!
//! A rate of `count` calls a `unit` with a `burst` lets calls through `unit / count` apart on average, and up to `burst` of
//! them at once after a pause. There is no window, so there is no edge at which twice as many get through: in any span of
//! time `s` at most `burst + s × count / unit` calls pass. What is kept is the time at which the subject will have
//! paid for all its calls; a call that is refused costs nothing. All threads of a process share the number, so the limit
//! is exact within a process. It begins anew with the process, and with each further process, unless they share a counter.

use crate::gateway::limits::standing::{Label, Standing};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use time::OffsetDateTime;

/// So many calls per unit of time, and how many of them may come at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Rate {
    /// Between two calls at an even pace, in nanoseconds; never 0.
    period: u64,
    /// Calls at once, at most; never 0.
    burst: u64,
    /// What callers know it by.
    pub(super) label: Label,
}

impl Rate {
    /// `count` calls in `unit`, `burst` at once. None where the numbers cannot be those of a rate.
    pub(super) fn new(name: &str, count: u64, unit: Duration, burst: u64) -> Option<Self> {
        let nanos = u64::try_from(unit.as_nanos()).ok()?;
        let label = Label::new(name, count, Some(unit))?;
        Some(Self { period: nanos.checked_div(count)?.max(1), burst: burst.max(1), label })
    }

    /// Between two calls at an even pace.
    pub(super) const fn period(&self) -> Duration {
        Duration::from_nanos(self.period)
    }

    /// What a subject may owe, in nanoseconds.
    const fn credit(&self) -> u64 {
        self.period.saturating_mul(self.burst)
    }

    /// What a subject may owe.
    pub(super) const fn most(&self) -> Duration {
        Duration::from_nanos(self.credit())
    }

    /// Where somebody stands who owes so much; `wait` if a call is refused.
    pub(super) fn standing(&self, owed: Duration, wait: Option<Duration>) -> Standing {
        let nanos = u64::try_from(owed.as_nanos()).unwrap_or(u64::MAX);
        let remaining = self.credit().saturating_sub(nanos).checked_div(self.period).unwrap_or(0);
        Standing { limit: self.burst, remaining, reset: owed, wait }
    }
}

/// When a subject will have paid for its calls, in nanoseconds since the epoch.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    /// Whether there is something to remember at `now`.
    pub(super) fn owes(&self, now: OffsetDateTime) -> bool {
        self.0.load(Ordering::Acquire) > nanos(now)
    }

    /// Lets a call through at `now`, or not; the standing says which.
    pub(super) fn take(&self, rate: &Rate, now: OffsetDateTime) -> Standing {
        let now = nanos(now);
        let mut known = self.0.load(Ordering::Acquire);
        loop {
            let owed = match self.owed(rate, now, known) {
                Ok(owed) => owed,
                Err(seen) => {
                    known = seen;
                    continue;
                }
            };
            let after = owed.saturating_add(rate.period);
            if after > rate.credit() {
                return rate.standing(Duration::from_nanos(owed), Some(Duration::from_nanos(after - rate.credit())));
            }
            match self.0.compare_exchange_weak(known, now.saturating_add(after), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return rate.standing(Duration::from_nanos(after), None),
                Err(seen) => known = seen,
            }
        }
    }

    /// Whether a call would be let through at `now`; nothing is taken.
    pub(super) fn look(&self, rate: &Rate, now: OffsetDateTime) -> Standing {
        let now = nanos(now);
        let mut known = self.0.load(Ordering::Acquire);
        let owed = loop {
            match self.owed(rate, now, known) {
                Ok(owed) => break owed,
                Err(seen) => known = seen,
            }
        };
        let over = owed.saturating_add(rate.period).checked_sub(rate.credit()).filter(|over| *over > 0);
        rate.standing(Duration::from_nanos(owed), over.map(Duration::from_nanos))
    }

    /// What is owed at `now`; otherwise what to look at instead.
    fn owed(&self, rate: &Rate, now: u64, known: u64) -> Result<u64, u64> {
        let most = now.saturating_add(rate.credit());
        if known <= most {
            return Ok(known.saturating_sub(now));
        }
        // Nobody can owe more than the credit. The clock was set back, or the rate became smaller: from now on it is all
        // of the credit and no more, so that the wait is bounded.
        let set = self.0.compare_exchange_weak(known, most, Ordering::AcqRel, Ordering::Acquire);
        Err(set.map_or_else(|seen| seen, |_| most))
    }

    /// Gives back what a call has taken that another limit refused. Of its cost, what time has paid since stays paid: a
    /// pause in between may have been somebody else's.
    pub(super) fn give_back(&self, rate: &Rate, since: Duration) {
        let back = rate.period.saturating_sub(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |known| Some(known.saturating_sub(back))).ok();
    }

    /// The shared counter says that so much is owed at `now`: should it go away, this is where to go on.
    pub(super) fn note(&self, owed: Duration, now: OffsetDateTime) {
        let owed = u64::try_from(owed.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_max(nanos(now).saturating_add(owed), Ordering::AcqRel);
    }
}

/// Since the epoch.
fn nanos(at: OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp_nanos()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use time::macros::datetime;

    const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn rate(count: u64, burst: u64) -> Rate {
        Rate::new("gold", count, Duration::from_secs(1), burst).unwrap()
    }

    fn passes(pace: &Pace, rate: &Rate, at: OffsetDateTime) -> bool {
        pace.take(rate, at).wait.is_none()
    }

    #[test]
    fn a_burst_passes_at_once_and_then_one_call_a_period() {
        let (pace, rate) = (Pace::default(), rate(10, 5));
        assert_eq!((0..10).filter(|_| passes(&pace, &rate, NOON)).count(), 5);
        assert!(!passes(&pace, &rate, NOON + Duration::from_nanos(99_999_999)));
        assert!(passes(&pace, &rate, NOON + Duration::from_millis(100)));
        assert!(
            !passes(&pace, &rate, NOON + Duration::from_millis(100)),
            "what was refused cost nothing, what passed did"
        );
    }

    #[test]
    fn the_wait_that_is_told_is_enough_and_no_shorter_one_is() {
        let (pace, rate) = (Pace::default(), rate(3, 2));
        while passes(&pace, &rate, NOON) {}
        let wait = pace.take(&rate, NOON).wait.unwrap();
        assert!(!passes(&pace, &rate, NOON + wait - Duration::from_nanos(1)));
        assert!(passes(&pace, &rate, NOON + wait));
    }

    #[test]
    fn a_clock_that_was_set_back_delays_a_caller_by_one_burst_at_most() {
        let (pace, rate) = (Pace::default(), rate(10, 5));
        assert!(passes(&pace, &rate, NOON));
        let earlier = NOON - time::Duration::hours(1);
        assert!(!passes(&pace, &rate, earlier));
        let wait = pace.take(&rate, earlier).wait.unwrap();
        assert!(wait <= Duration::from_millis(500));
        assert!(passes(&pace, &rate, earlier + wait));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(256)
        })]

        /// The promise of the algorithm, for every span of every sequence of calls.
        #[test]
        fn no_span_of_time_lets_more_through_than_its_share_and_one_burst(
            count in 1_u64..50, burst in 1_u64..20, gaps in proptest::collection::vec(0_u64..400, 1..120),
        ) {
            let (pace, rate) = (Pace::default(), rate(count, burst));
            let mut at = NOON;
            let mut passed = Vec::new();
            for gap in gaps {
                at += Duration::from_millis(gap);
                if passes(&pace, &rate, at) {
                    passed.push(at);
                }
            }
            for (first, start) in passed.iter().enumerate() {
                for (last, end) in passed.iter().enumerate().skip(first) {
                    let calls = u64::try_from(last - first + 1).unwrap();
                    let span = u64::try_from((*end - *start).whole_nanoseconds()).unwrap();
                    prop_assert!(calls <= burst + span / rate.period, "{calls} calls in {span} ns");
                }
            }
        }
    }
}
