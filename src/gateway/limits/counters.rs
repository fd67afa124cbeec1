//! The counts of a process, by subject: one for all threads, credentials and routes that share it.

use crate::base::clock::Clock;
use crate::base::quota::Subject;
use crate::gateway::limits::quotas::Shared;
use crate::gateway::limits::rate::Pace;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use time::OffsetDateTime;

/// What a subject has called.
pub(in crate::gateway) struct Counter {
    /// Whose it is.
    pub(super) subject: Subject,
    /// How fast.
    pub(super) pace: Pace,
    /// What is in hand of its quota, once it has had one.
    purse: OnceLock<Arc<Shared>>,
}

impl Counter {
    fn new(subject: Subject) -> Self {
        Self { subject, pace: Pace::default(), purse: OnceLock::new() }
    }

    /// What is in hand of its quota.
    pub(super) fn purse(&self) -> &Arc<Shared> {
        self.purse.get_or_init(|| Arc::new(Shared::new(self.subject.to_string())))
    }

    /// Whether a new one would not do as well.
    fn remembers(&self, now: OffsetDateTime) -> bool {
        self.pace.owes(now) || self.purse.get().is_some_and(|purse| purse.has_something())
    }
}

/// All of them. One that has nothing to remember is as good as a new one, and forgotten.
pub(in crate::gateway) struct Counters {
    clock: Clock,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    counters: HashMap<Subject, Arc<Counter>>,
    /// How many there may be before those to forget are looked for.
    tidy_at: usize,
}

/// So many counters are never looked through.
const FEW: usize = 1024;

impl Counters {
    /// None yet.
    pub(in crate::gateway) fn new(clock: Clock) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// The counter of a subject.
    pub(in crate::gateway) fn of(&self, subject: Subject) -> Arc<Counter> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = known.counters.get(&subject) {
            return Arc::clone(counter);
        }
        if known.counters.len() >= known.tidy_at.max(FEW) {
            let now = self.clock.now();
            known.counters.retain(|_, counter| Arc::strong_count(counter) > 1 || counter.remembers(now));
            known.tidy_at = known.counters.len() * 2;
        }
        let counter = Arc::new(Counter::new(subject.clone()));
        known.counters.insert(subject, Arc::clone(&counter));
        counter
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::SubscriptionId;
    use crate::gateway::limits::rate::Rate;
    use std::time::Duration;
    use time::macros::datetime;
    use uuid::Uuid;

    const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn id(number: u128) -> Subject {
        Subject::Subscription(SubscriptionId(Uuid::from_u128(number)))
    }

    fn passes(counter: &Counter, rate: &Rate) -> bool {
        counter.pace.take(rate, NOON).wait.is_none()
    }

    #[test]
    fn threads_share_a_subjects_counter_exactly() {
        let counters = Counters::new(Clock::fixed(NOON));
        let held = counters.of(id(1));
        assert!(Arc::ptr_eq(&held, &counters.of(id(1))) && !Arc::ptr_eq(&held, &counters.of(id(2))));
        let rate = Rate::new("gold", 1, Duration::from_secs(1), 500).unwrap();
        let passed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1000).filter(|_| passes(&counters.of(id(1)), &rate)).count()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 500);
    }

    #[test]
    fn counters_that_owe_nothing_are_forgotten_and_no_others() {
        let counters = Counters::new(Clock::fixed(NOON));
        let rate = Rate::new("gold", 1, Duration::from_secs(1), 1).unwrap();
        assert!(passes(&counters.of(id(0)), &rate), "it owes for a second from now on, and nobody holds it");
        let held = counters.of(id(1));
        for number in 2..10_000 {
            counters.of(id(number));
        }
        assert!(counters.known.lock().unwrap().counters.len() <= FEW * 2);
        assert!(Arc::ptr_eq(&held, &counters.of(id(1))));
        assert!(!passes(&counters.of(id(0)), &rate));
    }
}
