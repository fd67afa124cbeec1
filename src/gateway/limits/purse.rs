//! The calls of one quota that this process has in hand, and when to ask for more: no I/O, no waiting.
//!
//! A quota is one row in the database. A process takes some of it at a time, about as many calls as pass in half a
//! second, and asks for more before they are used up. So the row is written a few times a second at most, a call hardly
//! ever waits for it, and what is handed out never exceeds the quota, however many processes ask.

use crate::base::quota::{Ask, Lease, Span, Unused};
use crate::config::OnFailure;
use crate::gateway::limits::allowance::Quota;
use crate::gateway::limits::standing::Standing;
use crate::gateway::limits::step::{Basis, Ledger, Step, Taken};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// A lease is for about so long.
const LEASE: Duration = Duration::from_millis(500);
/// A lease is at most so many times as large as the one before.
const GROWTH: u64 = 4;
/// Calls in one lease, at most.
const MOST: u64 = 100_000;
/// When a quota is used up, it is asked for again after so long: others may have given calls back.
const RECHECK: Duration = Duration::from_secs(1);
/// After an answer that did not come, the next question waits so long.
const RETRY: Duration = Duration::from_secs(1);

/// What is in hand of one quota.
#[derive(Debug)]
pub(super) struct Purse {
    subject: String,
    span: Option<Span>,
    /// The quota that the rest is about.
    count: u64,
    /// How many calls of it are used, as the ledger has said last; those in hand are among them.
    used: u64,
    /// When the ledger has said so, of this very quota.
    heard: Option<Instant>,
    /// Calls that may be let through.
    hand: u64,
    /// Calls that were let through without a lease.
    on_credit: u64,
    /// Calls that go back with the next question.
    back: u64,
    /// Calls of periods that are over.
    over: Vec<Unused>,
    /// How large the last lease was, and since when.
    lease: (u64, Option<Instant>),
    asking: bool,
    /// Calls that wait for the answer.
    waiting: u64,
    failed: Option<Instant>,
    called: Option<Instant>,
}

impl Purse {
    /// Of the quota of this subject.
    pub(super) fn new(subject: String) -> Self {
        Self {
            subject,
            span: None,
            count: 0,
            used: 0,
            heard: None,
            hand: 0,
            on_credit: 0,
            back: 0,
            over: Vec::new(),
            lease: (0, None),
            asking: false,
            waiting: 0,
            failed: None,
            called: None,
        }
    }

    /// Takes a call, or says why not; and what to ask the ledger now, if anything.
    pub(super) fn step(
        &mut self,
        quota: &Quota,
        now: OffsetDateTime,
        at: Instant,
        (ledger, choice): (Ledger, OnFailure),
    ) -> (Step, Option<Ask>) {
        let span = self.turn(quota, now);
        self.called = Some(at);
        if self.hand > 0 {
            self.hand -= 1;
            let is_low = self.hand < self.lease.0 / 4 && self.used < self.count;
            let ask = if is_low { self.ask(at) } else { None };
            return (Step::Taken(Taken { span, basis: Basis::Lease }), ask);
        }
        if let Some(heard) = self.heard
            && self.used >= self.count
            && self.back == 0
        {
            let ask = if at.saturating_duration_since(heard) >= RECHECK { self.ask(at) } else { None };
            return (Step::Refused, ask);
        }
        let ask = self.ask(at);
        let has_just_failed = ask.is_none() && !self.asking;
        let step = match choice {
            _ if ledger == Ledger::There && !has_just_failed => {
                self.waiting += 1;
                Step::Wait
            }
            OnFailure::Refuse => Step::Away,
            // Everybody goes on as if it were alone with what was left.
            OnFailure::Estimate if self.used.saturating_add(self.on_credit) < self.count => {
                self.on_credit += 1;
                Step::Taken(Taken { span, basis: Basis::Estimate })
            }
            OnFailure::Estimate => Step::Refused,
        };
        (step, ask)
    }

    /// Another limit has refused the call: it is as if it had not been taken.
    pub(super) fn put_back(&mut self, taken: Taken) {
        if self.span != Some(taken.span) {
            if taken.basis == Basis::Lease {
                self.over.push(self.unused(taken.span, 1));
            }
        } else if taken.basis == Basis::Estimate && self.on_credit > 0 {
            self.on_credit -= 1;
        } else if self.used <= self.count {
            self.hand += 1;
        } else {
            self.back += 1;
        }
    }

    /// Where a caller stands at `now`; `wait` for one that is refused.
    pub(super) fn standing(&self, quota: &Quota, now: OffsetDateTime) -> Standing {
        let span = Span::of(quota.per, now);
        let used = if self.span == Some(span) { self.used.saturating_sub(self.hand) } else { 0 };
        let remaining = quota.count.saturating_sub(used.saturating_add(self.on_credit));
        let reset = Duration::try_from(span.end - now).unwrap_or_default();
        Standing { limit: quota.count, remaining, reset, wait: None }
    }

    /// The answer to `ask`. Whether there is something to look after: to be given back one day, or asked for again.
    pub(super) fn answered(&mut self, ask: &Ask, answer: Option<Lease>, at: Instant) -> bool {
        self.asking = false;
        self.waiting = 0;
        // Without an answer, what was to go back may have gone, and is not offered again: a call less is in hand than the
        // ledger thinks, never one more.
        let Some(lease) = answer else {
            self.failed = Some(at);
            return true;
        };
        self.failed = None;
        match self.span {
            Some(span) if (span.per, span.first) == (ask.per, ask.first) => {
                self.used = lease.used;
                self.on_credit = self.on_credit.saturating_sub(ask.spent);
                if ask.limit == self.count {
                    self.hand += lease.calls;
                    self.heard = Some(at);
                    self.lease = (lease.calls, Some(at));
                } else {
                    self.back += lease.calls;
                }
            }
            _ if lease.calls > 0 => {
                let (subject, per, first) = (self.subject.clone(), ask.per, ask.first);
                self.over.push(Unused { subject, per, first, calls: lease.calls });
            }
            _ => {}
        }
        self.has_something()
    }

    /// A question that gives back what nobody has used for `idle`.
    pub(super) fn rest(&mut self, idle: Duration, at: Instant) -> Option<Ask> {
        let is_idle = self.called.is_none_or(|called| at.saturating_duration_since(called) >= idle);
        if !is_idle || self.hand + self.back == 0 {
            return None;
        }
        let mut ask = self.ask(at)?;
        ask.calls = 0;
        ask.back += self.hand;
        self.hand = 0;
        self.lease = (0, None);
        // Until it is back, what was heard of the quota is not true.
        self.heard = None;
        Some(ask)
    }

    /// A question that asks for nothing, to see whether the ledger is back.
    pub(super) fn probe(&mut self, at: Instant) -> Option<Ask> {
        let ask = self.ask(at)?;
        Some(Ask { calls: 0, ..ask })
    }

    /// Takes out everything that is to be given back.
    pub(super) fn empty(&mut self) -> Vec<Unused> {
        let mut unused = self.take_over();
        if let Some(span) = self.span
            && self.hand + self.back > 0
        {
            unused.push(self.unused(span, self.hand + self.back));
        }
        (self.hand, self.back) = (0, 0);
        unused
    }

    /// Takes out what is left of periods that are over.
    pub(super) fn take_over(&mut self) -> Vec<Unused> {
        std::mem::take(&mut self.over)
    }

    /// Whether nothing would be lost with it.
    pub(super) fn has_something(&self) -> bool {
        self.asking || self.hand + self.back + self.on_credit > 0 || !self.over.is_empty()
    }

    /// Whether the last question had no answer.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Turns to the period of `now` and to the quota as it is.
    fn turn(&mut self, quota: &Quota, now: OffsetDateTime) -> Span {
        let unix = now.unix_timestamp();
        let span = match self.span {
            Some(span)
                if span.per == quota.per
                    && unix < span.end.unix_timestamp()
                    && unix >= span.start().unix_timestamp() =>
            {
                span
            }
            before => {
                let span = Span::of(quota.per, now);
                if let Some(before) = before.filter(|_| self.hand + self.back > 0) {
                    self.over.push(self.unused(before, self.hand + self.back));
                }
                self.span = Some(span);
                (self.used, self.hand, self.back, self.on_credit, self.heard) = (0, 0, 0, 0, None);
                span
            }
        };
        if self.count != quota.count {
            // What was leased of another quota may be more than this one has left.
            self.back += std::mem::take(&mut self.hand);
            self.count = quota.count;
            self.heard = None;
        }
        span
    }

    /// A question, unless one is under way or has just failed.
    fn ask(&mut self, at: Instant) -> Option<Ask> {
        let has_just_failed = self.failed.is_some_and(|failed| at.saturating_duration_since(failed) < RETRY);
        let span = self.span.filter(|_| !self.asking && !has_just_failed)?;
        self.asking = true;
        Some(Ask {
            subject: self.subject.clone(),
            per: span.per,
            first: span.first,
            limit: self.count,
            calls: self.wanted(at),
            back: std::mem::take(&mut self.back),
            spent: self.on_credit,
        })
    }

    /// How many calls pass in the time of a lease, going by how fast the last one was used.
    fn wanted(&self, at: Instant) -> u64 {
        let (lease, since) = self.lease;
        let took = since.map_or(Duration::MAX, |since| at.saturating_duration_since(since));
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let lease_time = u64::try_from(LEASE.as_micros()).unwrap_or(u64::MAX);
        let used = lease.saturating_sub(self.hand);
        let pace = used.saturating_mul(lease_time).checked_div(took).unwrap_or(0);
        pace.min(lease.saturating_mul(GROWTH)).max(self.waiting + 1).min(MOST)
    }

    fn unused(&self, span: Span, calls: u64) -> Unused {
        Unused { subject: self.subject.clone(), per: span.per, first: span.first, calls }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::policy::{self, Period};
    use crate::gateway::limits::allowance::{Allowance, Holder};
    use crate::gateway::limits::test_ledger::TestLedger;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use time::macros::datetime;

    const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn quota(count: u64, per: Period) -> Quota {
        let limit = policy::Limit { rate: None, quota: Some(policy::Quota { count, per }) };
        Allowance::new(Holder::Subscription, "gold", &limit).unwrap().quota.unwrap()
    }

    /// A process, its clocks, and what it let through.
    struct Process {
        purse: Purse,
        ledger: TestLedger,
        at: Instant,
        choice: OnFailure,
        /// What was left of the quota before each of its last two leases.
        left: [u64; 2],
    }

    impl Process {
        fn new(ledger: &TestLedger, choice: OnFailure) -> Self {
            Self { purse: Purse::new("s".to_owned()), ledger: ledger.clone(), at: Instant::now(), choice, left: [0; 2] }
        }

        fn answer(&mut self, ask: Option<Ask>) {
            if let Some(ask) = ask {
                let lease = self.ledger.lease(&ask);
                if lease.calls > 0 {
                    self.left = [self.left[1], ask.limit - lease.used + lease.calls];
                }
                self.purse.answered(&ask, Some(lease), self.at);
            }
        }

        /// A call, which waits for the ledger if it must.
        fn call(&mut self, quota: &Quota, now: OffsetDateTime) -> Option<Taken> {
            loop {
                let (step, ask) = self.purse.step(quota, now, self.at, (Ledger::There, self.choice));
                self.answer(ask);
                match step {
                    Step::Taken(taken) => return Some(taken),
                    Step::Wait => {}
                    Step::Refused | Step::Away => return None,
                }
            }
        }

        fn stop(&mut self) {
            let unused = self.purse.empty();
            self.ledger.take_back(&unused);
        }
    }

    #[test]
    fn leases_grow_with_the_traffic_and_shrink_towards_the_end_of_the_quota() {
        let ledger = TestLedger::default();
        let mut process = Process::new(&ledger, OnFailure::Refuse);
        let quota = quota(1_000_000, Period::Day);
        // 10,000 calls a second.
        let mut largest = 0;
        for _ in 0..50_000 {
            process.at += Duration::from_micros(100);
            assert!(process.call(&quota, NOON).is_some());
            largest = largest.max(process.purse.hand);
        }
        assert!((5_000..7_000).contains(&largest), "half a second and what was left of the lease before: {largest}");
        let mut left = 950_000_u64;
        while process.call(&quota, NOON).is_some() {
            left -= 1;
            process.at += Duration::from_micros(100);
            assert!(process.purse.hand <= left / 3 + 1, "{} of {left} in one hand", process.purse.hand);
        }
        assert_eq!((left, ledger.used()), (0, 1_000_000));
    }

    #[test]
    fn a_slow_caller_holds_one_call_and_an_idle_one_nothing() {
        let ledger = TestLedger::default();
        let mut process = Process::new(&ledger, OnFailure::Refuse);
        let quota = quota(1000, Period::Day);
        for _ in 0..10 {
            process.at += Duration::from_secs(10);
            process.call(&quota, NOON).unwrap();
            assert!(process.purse.hand <= 1);
        }
        for _ in 0..200 {
            process.at += Duration::from_millis(1);
            process.call(&quota, NOON).unwrap();
        }
        assert!(process.purse.hand > 10 && process.purse.rest(Duration::from_secs(1), process.at).is_none());
        process.at += Duration::from_secs(1);
        let ask = process.purse.rest(Duration::from_secs(1), process.at);
        process.answer(ask);
        assert_eq!((process.purse.hand, ledger.used()), (0, 210));
    }

    #[test]
    fn a_ledger_that_is_back_is_told_what_was_let_through_meanwhile() {
        let ledger = TestLedger::default();
        let mut process = Process::new(&ledger, OnFailure::Estimate);
        let quota = quota(10, Period::Day);
        process.call(&quota, NOON).unwrap();
        let mut passed = 0;
        for _ in 0..20 {
            let (step, ask) = process.purse.step(&quota, NOON, process.at, (Ledger::Away, OnFailure::Estimate));
            if let Some(ask) = ask {
                process.purse.answered(&ask, None, process.at);
            }
            passed += u64::from(matches!(step, Step::Taken(Taken { basis: Basis::Estimate, .. })));
        }
        assert_eq!((passed, ledger.used()), (9, 1));
        process.at += RETRY;
        assert!(process.call(&quota, NOON).is_none());
        assert_eq!(ledger.used(), 10);
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        /// A call at a process.
        Call(usize),
        /// A call that another limit refuses.
        Refused(usize),
        /// Nobody calls a process for a while.
        Idle(usize),
        /// An orderly stop and a start.
        Restart(usize),
        /// A kill and a start.
        Kill(usize),
        /// Time passes.
        Pass(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            30 => (0..3_usize).prop_map(Event::Call),
            5 => (0..3_usize).prop_map(Event::Refused),
            2 => (0..3_usize).prop_map(Event::Idle),
            1 => (0..3_usize).prop_map(Event::Restart),
            1 => (0..3_usize).prop_map(Event::Kill),
            8 => (1..400_u64).prop_map(Event::Pass),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(256)
        })]

        /// Whatever happens to three processes: never more than the quota passes, and a kill loses no more than the third
        /// of what was left when the process leased it.
        #[test]
        fn no_order_of_events_lets_more_through_than_the_quota_or_loses_more_than_was_in_hand(
            count in 1_u64..300, events in proptest::collection::vec(event(), 1..600),
        ) {
            let ledger = TestLedger::default();
            let mut processes: Vec<Process> = (0..3).map(|_| Process::new(&ledger, OnFailure::Refuse)).collect();
            let (quota, mut passed, mut lost) = (quota(count, Period::Month), 0, 0);
            for event in events {
                match event {
                    Event::Call(n) => passed += u64::from(processes[n].call(&quota, NOON).is_some()),
                    Event::Refused(n) => {
                        if let Some(taken) = processes[n].call(&quota, NOON) {
                            processes[n].purse.put_back(taken);
                        }
                    }
                    Event::Idle(n) => {
                        processes[n].at += Duration::from_secs(5);
                        let at = processes[n].at;
                        let ask = processes[n].purse.rest(Duration::from_secs(5), at);
                        processes[n].answer(ask);
                    }
                    Event::Restart(n) => {
                        processes[n].stop();
                        processes[n].purse = Purse::new("s".to_owned());
                    }
                    Event::Kill(n) => {
                        let [before, last] = processes[n].left;
                        prop_assert!(processes[n].purse.hand <= before.max(last) / 3 + 1);
                        lost += processes[n].purse.hand;
                        processes[n].purse = Purse::new("s".to_owned());
                    }
                    Event::Pass(millis) => processes.iter_mut().for_each(|p| p.at += Duration::from_millis(millis)),
                }
                let in_hand: u64 = processes.iter().map(|process| process.purse.hand).sum();
                prop_assert!(ledger.used() <= count);
                prop_assert_eq!(ledger.used(), passed + lost + in_hand);
            }
            processes.iter_mut().for_each(Process::stop);
            prop_assert_eq!(ledger.used(), passed + lost);
        }
    }
}
