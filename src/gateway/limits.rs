//! How fast a subscription may call: the generic cell rate algorithm (GCRA), one number for each subscription.
//!
//! A plan of `count` calls a `unit` with a `burst` lets calls through `unit / count` apart on average, and up to `burst` of
//! them at once after a pause. There is no window, so there is no edge at which twice as many get through: in any span of
//! time `s` at most `burst + s × count / unit` calls pass. What is kept is the time at which the subscription will have
//! paid for all its calls; a call that is refused costs nothing. All threads of a process share the number, so the limit
//! is exact within a process. It begins anew with the process, and with each further process.

use crate::base::clock::Clock;
use crate::base::id::SubscriptionId;
use http::HeaderMap;
use http::{HeaderName, HeaderValue};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;

/// Headers of `draft-ietf-httpapi-ratelimit-headers`.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Headers that older clients read.
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The rate of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// Between two calls at an even pace, in nanoseconds; never 0.
    period: u64,
    /// Calls at once, at most; never 0.
    burst: u64,
    /// The policy as a header: name, calls, window in seconds.
    policy: HeaderValue,
    /// The plan's name, as a string of structured fields (RFC 9651 §3.3.3).
    name: Box<str>,
}

impl Rate {
    /// `count` calls in `unit`, `burst` at once. None where the numbers cannot be those of a plan.
    pub(super) fn new(name: &str, count: u64, unit: Duration, burst: u64) -> Option<Self> {
        let nanos = u64::try_from(unit.as_nanos()).ok()?;
        let policy = format!("\"{name}\";q={count};w={}", unit.as_secs());
        Some(Self {
            period: nanos.checked_div(count)?.max(1),
            burst: burst.max(1),
            policy: policy.try_into().ok()?,
            name: format!("\"{name}\"").into(),
        })
    }

    /// What a subscription may owe, in nanoseconds.
    fn credit(&self) -> u64 {
        self.period.saturating_mul(self.burst)
    }
}

/// When a subscription will have paid for its calls, in nanoseconds since the epoch.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

/// Where a caller stands after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    remaining: u64,
    /// Until all is paid for.
    reset: Duration,
    /// For a call that was refused: until the next one passes.
    pub(super) wait: Option<Duration>,
}

impl Counter {
    fn owes(&self, now: OffsetDateTime) -> bool {
        self.0.load(Ordering::Acquire) > nanos(now)
    }

    /// Lets a call through at `now`, or not; the standing says which.
    pub(super) fn take(&self, rate: &Rate, now: OffsetDateTime) -> Standing {
        let now = nanos(now);
        let credit = rate.credit();
        let mut known = self.0.load(Ordering::Acquire);
        loop {
            let most = now.saturating_add(credit);
            if known > most {
                // Nobody can owe more than the credit. The clock was set back, or the plan became smaller: from now on
                // it is all of the credit and no more, so that the wait is bounded.
                match self.0.compare_exchange_weak(known, most, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => known = most,
                    Err(seen) => known = seen,
                }
                continue;
            }
            let owed = known.saturating_sub(now);
            let after = owed.saturating_add(rate.period);
            if after > credit {
                return Standing::new(rate, owed, Some(Duration::from_nanos(after - credit)));
            }
            match self.0.compare_exchange_weak(known, now.saturating_add(after), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Standing::new(rate, after, None),
                Err(seen) => known = seen,
            }
        }
    }
}

impl Standing {
    fn new(rate: &Rate, owed: u64, wait: Option<Duration>) -> Self {
        let remaining = (rate.credit() - owed).checked_div(rate.period).unwrap_or(0);
        Self { remaining, reset: Duration::from_nanos(owed), wait }
    }

    /// Tells the caller, whose plan has this rate. What a backend says about limits of its own would be mistaken for ours.
    pub(super) fn write(&self, rate: &Rate, headers: &mut HeaderMap) {
        let reset = seconds(self.reset);
        let name = &rate.name;
        if let Ok(value) = HeaderValue::try_from(format!("{name};r={};t={reset}", self.remaining)) {
            headers.insert(RATE_LIMIT, value);
        }
        headers.insert(RATE_LIMIT_POLICY, rate.policy.clone());
        headers.insert(LIMIT, rate.burst.into());
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, reset.into());
        if let Some(wait) = self.wait {
            headers.insert(http::header::RETRY_AFTER, seconds(wait).into());
        }
    }
}

/// Since the epoch.
fn nanos(at: OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp_nanos()).unwrap_or(0)
}

/// Whole seconds, rounded up: whoever waits so long finds the door open.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// The counters of a process, by subscription. One that owes nothing is as good as a new one, and forgotten.
#[derive(Debug)]
pub(super) struct Counters {
    clock: Clock,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    counters: HashMap<SubscriptionId, Arc<Counter>>,
    /// How many there may be before those to forget are looked for.
    tidy_at: usize,
}

/// So many counters are never looked through.
const FEW: usize = 1024;

impl Counters {
    /// None yet.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// The counter of a subscription: the same for all its credentials and threads.
    pub(super) fn of(&self, subscription: SubscriptionId) -> Arc<Counter> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = known.counters.get(&subscription) {
            return Arc::clone(counter);
        }
        if known.counters.len() >= known.tidy_at.max(FEW) {
            let now = self.clock.now();
            known.counters.retain(|_, counter| Arc::strong_count(counter) > 1 || counter.owes(now));
            known.tidy_at = known.counters.len() * 2;
        }
        let counter = Arc::new(Counter::default());
        known.counters.insert(subscription, Arc::clone(&counter));
        counter
    }
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

    fn passes(counter: &Counter, rate: &Rate, at: OffsetDateTime) -> bool {
        counter.take(rate, at).wait.is_none()
    }

    #[test]
    fn a_burst_passes_at_once_and_then_one_call_a_period() {
        let (counter, rate) = (Counter::default(), rate(10, 5));
        assert_eq!((0..10).filter(|_| passes(&counter, &rate, NOON)).count(), 5);
        assert!(!passes(&counter, &rate, NOON + Duration::from_nanos(99_999_999)));
        assert!(passes(&counter, &rate, NOON + Duration::from_millis(100)));
        assert!(
            !passes(&counter, &rate, NOON + Duration::from_millis(100)),
            "what was refused cost nothing, what passed did"
        );
    }

    #[test]
    fn the_wait_that_is_told_is_enough_and_no_shorter_one_is() {
        let (counter, rate) = (Counter::default(), rate(3, 2));
        while passes(&counter, &rate, NOON) {}
        let wait = counter.take(&rate, NOON).wait.unwrap();
        assert!(!passes(&counter, &rate, NOON + wait - Duration::from_nanos(1)));
        assert!(passes(&counter, &rate, NOON + wait));
    }

    #[test]
    fn a_clock_that_was_set_back_delays_a_caller_by_one_burst_at_most() {
        let (counter, rate) = (Counter::default(), rate(10, 5));
        assert!(passes(&counter, &rate, NOON));
        let earlier = NOON - time::Duration::hours(1);
        assert!(!passes(&counter, &rate, earlier));
        let wait = counter.take(&rate, earlier).wait.unwrap();
        assert!(wait <= Duration::from_millis(500));
        assert!(passes(&counter, &rate, earlier + wait));
    }

    #[test]
    fn the_headers_say_where_the_caller_stands() {
        let (counter, rate) = (Counter::default(), Rate::new("gold", 60, Duration::from_mins(1), 3).unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(RATE_LIMIT, HeaderValue::from_static("the backend's"));
        counter.take(&rate, NOON).write(&rate, &mut headers);
        let read = |headers: &HeaderMap, name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned());
        assert_eq!(read(&headers, "ratelimit").as_deref(), Some("\"gold\";r=2;t=1"));
        assert_eq!(read(&headers, "ratelimit-policy").as_deref(), Some("\"gold\";q=60;w=60"));
        for (name, value) in [("limit", "3"), ("remaining", "2"), ("reset", "1")] {
            assert_eq!(read(&headers, &format!("x-ratelimit-{name}")).as_deref(), Some(value));
        }
        assert_eq!(read(&headers, "retry-after"), None);
        while passes(&counter, &rate, NOON) {}
        counter.take(&rate, NOON).write(&rate, &mut headers);
        assert_eq!(read(&headers, "ratelimit").as_deref(), Some("\"gold\";r=0;t=3"));
        assert_eq!(read(&headers, "retry-after").as_deref(), Some("1"));
    }

    #[test]
    fn threads_share_a_subscriptions_counter_exactly() {
        let counters = Counters::new(Clock::fixed(NOON));
        let (one, other) = (SubscriptionId(uuid::Uuid::from_u128(1)), SubscriptionId(uuid::Uuid::from_u128(2)));
        let held = counters.of(one);
        assert!(Arc::ptr_eq(&held, &counters.of(one)) && !Arc::ptr_eq(&held, &counters.of(other)));
        let rate = rate(1, 500);
        let passed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1000).filter(|_| passes(&counters.of(one), &rate, NOON)).count()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 500);
    }

    #[test]
    fn counters_that_owe_nothing_are_forgotten_and_no_others() {
        let counters = Counters::new(Clock::fixed(NOON));
        let id = |n| SubscriptionId(uuid::Uuid::from_u128(n));
        let rate = rate(1, 1);
        assert!(passes(&counters.of(id(0)), &rate, NOON), "it owes for a second from now on, and nobody holds it");
        let held = counters.of(id(1));
        for n in 2..10_000 {
            counters.of(id(n));
        }
        assert!(counters.known.lock().unwrap().counters.len() <= FEW * 2);
        assert!(Arc::ptr_eq(&held, &counters.of(id(1))));
        assert!(!passes(&counters.of(id(0)), &rate, NOON));
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
            let (counter, rate) = (Counter::default(), rate(count, burst));
            let mut at = NOON;
            let mut passed = Vec::new();
            for gap in gaps {
                at += Duration::from_millis(gap);
                if passes(&counter, &rate, at) {
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
