//! One call and all limits that apply to it: it passes every one of them, or is charged for none.

use crate::base::clock::Clock;
use crate::base::quota::Subject;
use crate::config::OnFailure;
use crate::gateway::limits::allowance::{Allowance, Quota};
use crate::gateway::limits::counters::Counter;
use crate::gateway::limits::link::{Away, Link};
use crate::gateway::limits::quotas::{Quotas, Shared};
use crate::gateway::limits::rate::Rate;
use crate::gateway::limits::standing::{Standing, Standings};
use crate::gateway::limits::step::{Step, Taken};
use crate::gateway::refusal::Refusal;
use std::sync::Arc;
use time::OffsetDateTime;

/// What limits are taken with; one for each thread.
pub(in crate::gateway) struct Limiter {
    clock: Clock,
    /// Shared by all threads.
    quotas: Arc<Quotas>,
    /// The counter that all processes share, if there is one.
    link: Option<Arc<Link>>,
}

/// A limit that applies to a call.
#[derive(Clone, Copy)]
pub(in crate::gateway) struct Limited<'t, 'c> {
    /// What is allowed.
    pub(in crate::gateway) allowance: &'t Allowance,
    /// What has been called.
    pub(in crate::gateway) counter: &'c Counter,
}

/// A call that does not pass.
#[derive(Debug)]
pub(in crate::gateway) struct Over<'t> {
    /// Why.
    pub(in crate::gateway) refusal: Refusal,
    /// Where the caller stands.
    pub(in crate::gateway) standings: Standings<'t>,
}

/// What was taken of quotas for a call that may still be refused, or go away. Dropped, it is put back.
struct Held<'c>(Vec<(&'c Arc<Shared>, Taken)>);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        for (purse, taken) in self.0.drain(..) {
            purse.put_back(taken);
        }
    }
}

/// What rates said to a call.
enum Rated {
    /// It passes.
    Passed(Vec<Standing>),
    /// It does not, and paid nothing.
    Refused(Vec<Standing>),
}

impl Limiter {
    /// With these quotas, and this counter for rates.
    pub(in crate::gateway) fn new(clock: Clock, quotas: Arc<Quotas>, link: Option<Arc<Link>>) -> Self {
        Self { clock, quotas, link }
    }

    /// The connection to the counter that all processes share.
    pub(in crate::gateway) fn link(&self) -> Option<&Arc<Link>> {
        self.link.as_ref()
    }

    /// Takes a call at `now` from all of them. Nothing to say where there is no limit.
    pub(in crate::gateway) async fn take<'t>(
        &self,
        limited: &[Limited<'t, '_>],
        now: OffsetDateTime,
    ) -> Result<Option<Standings<'t>>, Over<'t>> {
        // What nearly all calls are: one plan with a rate. No other limit can refuse it after it was taken.
        match (limited, &self.link) {
            ([], _) => Ok(None),
            ([Limited { allowance: allowance @ Allowance { rate: Some(rate), quota: None, .. }, counter }], None) => {
                let standing = counter.pace.take(rate, now);
                let standings = Standings::One([(&rate.label, standing)]);
                if standing.wait.is_some() {
                    Err(Over { refusal: allowance.too_fast(), standings })
                } else {
                    Ok(Some(standings))
                }
            }
            _ => Box::pin(self.take_all(limited, now)).await.map(Some),
        }
    }

    async fn take_all<'t>(&self, limited: &[Limited<'t, '_>], now: OffsetDateTime) -> Result<Standings<'t>, Over<'t>> {
        let rates: Vec<(&Allowance, &Rate, &Counter)> =
            limited.iter().filter_map(|l| Some((l.allowance, l.allowance.rate.as_ref()?, l.counter))).collect();
        // Nobody is asked, and nobody waits, where a rate says no already.
        let looks: Vec<Standing> = rates.iter().map(|(_, rate, counter)| counter.pace.look(rate, now)).collect();
        if let Some(refusal) = too_fast(&rates, &looks) {
            return Err(Over { refusal, standings: told(limited, &looks, now, None) });
        }
        // Quotas first: they are whole numbers and can be put back whatever happens in between.
        let mut held = Held(Vec::new());
        for Limited { allowance, counter } in limited {
            let Some(quota) = &allowance.quota else { continue };
            let refusal = match self.quotas.take(counter.purse(), quota, now).await {
                Step::Taken(taken) => {
                    held.0.push((counter.purse(), taken));
                    continue;
                }
                Step::Refused => allowance.too_many(),
                Step::Wait | Step::Away => Refusal::QuotaUnknown,
            };
            drop(held);
            let spent = (refusal != Refusal::QuotaUnknown).then_some(quota);
            return Err(Over { refusal, standings: told(limited, &looks, now, spent) });
        }
        match self.rate(&rates, now).await {
            Ok(Rated::Passed(standings)) => {
                let standings = told(limited, &standings, now, None);
                held.0.clear();
                Ok(standings)
            }
            Ok(Rated::Refused(standings)) => {
                drop(held);
                let refusal = too_fast(&rates, &standings).unwrap_or(Refusal::RateExceeded);
                Err(Over { refusal, standings: told(limited, &standings, now, None) })
            }
            Err(Away) => {
                drop(held);
                Err(Over { refusal: Refusal::CounterAway, standings: told(limited, &looks, now, None) })
            }
        }
    }

    async fn rate(&self, rates: &[(&Allowance, &Rate, &Counter)], now: OffsetDateTime) -> Result<Rated, Away> {
        let Some(link) = self.link.as_ref().filter(|_| !rates.is_empty()) else {
            return Ok(self.rate_here(rates, now));
        };
        let asked: Vec<(&Subject, &Rate)> = rates.iter().map(|(_, rate, counter)| (&counter.subject, *rate)).collect();
        match (link.take(&asked).await, link.counter.on_failure) {
            (Ok(said), _) => {
                for ((_, _, counter), (_, owed)) in rates.iter().zip(&said.standings) {
                    counter.pace.note(*owed, now);
                }
                let standings = said.standings.into_iter().map(|(standing, _)| standing).collect();
                Ok(if said.passes { Rated::Passed(standings) } else { Rated::Refused(standings) })
            }
            (Err(Away), OnFailure::Estimate) => {
                link.counter.health.estimate();
                Ok(self.rate_here(rates, now))
            }
            (Err(Away), OnFailure::Refuse) => {
                link.counter.health.refuse();
                Err(Away)
            }
        }
    }

    /// By the counters of this process.
    fn rate_here(&self, rates: &[(&Allowance, &Rate, &Counter)], now: OffsetDateTime) -> Rated {
        let mut standings = Vec::with_capacity(rates.len());
        for (_, rate, counter) in rates {
            let standing = counter.pace.take(rate, now);
            standings.push(standing);
            if standing.wait.is_none() {
                continue;
            }
            let since = std::time::Duration::try_from(self.clock.now() - now).unwrap_or_default();
            let paid = standings.len() - 1;
            for (_, rate, counter) in rates.iter().take(paid) {
                counter.pace.give_back(rate, since);
            }
            return Rated::Refused(rates.iter().map(|(_, rate, counter)| counter.pace.look(rate, now)).collect());
        }
        Rated::Passed(standings)
    }
}

fn too_fast(rates: &[(&Allowance, &Rate, &Counter)], standings: &[Standing]) -> Option<Refusal> {
    let refuses = |(_, standing): &(_, &Standing)| standing.wait.is_some();
    rates.iter().zip(standings).find(refuses).map(|((allowance, _, _), _)| allowance.too_fast())
}

/// Everything that a caller is told: the rates, of which `rated` are the standings, and the quotas, of which `spent` refuses.
fn told<'t>(
    limited: &[Limited<'t, '_>],
    rated: &[Standing],
    now: OffsetDateTime,
    spent: Option<&Quota>,
) -> Standings<'t> {
    let mut rated = rated.iter();
    let mut told = Vec::with_capacity(limited.len() * 2);
    for Limited { allowance, counter } in limited {
        if let Some(rate) = &allowance.rate {
            told.extend(rated.next().map(|standing| (&rate.label, *standing)));
        }
        if let Some(quota) = &allowance.quota {
            let mut standing = counter.purse().standing(quota, now);
            if spent.is_some_and(|spent| std::ptr::eq(spent, quota)) {
                standing = Standing { remaining: 0, wait: Some(standing.reset), ..standing };
            }
            told.push((&quota.label, standing));
        }
    }
    Standings::Several(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::ApiId;
    use crate::base::policy::{self, Period, RateUnit};
    use crate::gateway::limits::allowance::Holder;
    use crate::gateway::limits::counters::Counters;
    use crate::gateway::limits::test_ledger::TestLedger;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use std::task::Poll;
    use time::macros::datetime;
    use tokio::runtime::{Builder, Handle};
    use uuid::Uuid;

    const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn limiter(clock: &Clock, ledger: &TestLedger, on_failure: OnFailure) -> Limiter {
        let quotas = Arc::new(Quotas::new(ledger.ledger(), Handle::current(), on_failure));
        Limiter::new(clock.clone(), quotas, None)
    }

    fn allowance(rate: Option<(u32, u32)>, quota: Option<u64>) -> Allowance {
        let rate = rate.map(|(count, burst)| policy::Rate { count, per: RateUnit::Minute, burst });
        let quota = quota.map(|count| policy::Quota { count, per: Period::Day });
        Allowance::new(Holder::Api, "api", &policy::Limit { rate, quota }).unwrap()
    }

    fn subject(number: usize) -> Subject {
        Subject::Api(ApiId(Uuid::from_u128(u128::try_from(number).unwrap())))
    }

    /// What a subject has called, as a caller would see it.
    fn seen(all: &[Limited<'_, '_>], now: OffsetDateTime) -> Vec<Standing> {
        let mut seen = Vec::new();
        for Limited { allowance, counter } in all {
            seen.extend(allowance.rate.as_ref().map(|rate| Standing { wait: None, ..counter.pace.look(rate, now) }));
            seen.extend(allowance.quota.as_ref().map(|quota| counter.purse().standing(quota, now)));
        }
        seen
    }

    fn kind() -> impl Strategy<Value = (Option<(u32, u32)>, Option<u64>)> {
        let rate = (1..200_u32, 1..8_u32);
        prop_oneof![
            rate.clone().prop_map(|rate| (Some(rate), None)),
            (1..20_u64).prop_map(|quota| (None, Some(quota))),
            (rate, 1..20_u64).prop_map(|(rate, quota)| (Some(rate), Some(quota))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(64)
        })]

        /// For every choice among every set of limits, at every time.
        #[test]
        fn a_call_is_charged_to_all_of_its_limits_or_to_none(
            kinds in proptest::collection::vec(kind(), 1..4),
            calls in proptest::collection::vec((1_usize..16, 0_i64..5000), 1..80),
        ) {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (clock, ledger) = (Clock::fixed(NOON), TestLedger::default());
                let (limiter, counters) = (limiter(&clock, &ledger, OnFailure::Refuse), Counters::new(clock.clone()));
                let allowances: Vec<_> = kinds.iter().map(|(rate, quota)| allowance(*rate, *quota)).collect();
                let held: Vec<_> = (0..kinds.len()).map(|number| counters.of(subject(number))).collect();
                let mut made = vec![0_u64; kinds.len()];
                for (choice, millis) in calls {
                    clock.advance(time::Duration::milliseconds(millis));
                    let now = clock.now();
                    let chosen: Vec<usize> = (0..kinds.len()).filter(|n| choice >> n & 1 == 1).collect();
                    let all: Vec<_> =
                        chosen.iter().map(|n| Limited { allowance: &allowances[*n], counter: &held[*n] }).collect();
                    let before = seen(&all, now);
                    let passed = limiter.take(&all, now).await.is_ok();
                    for (before, after) in before.iter().zip(seen(&all, now)) {
                        if passed {
                            assert_eq!(before.remaining.checked_sub(1), Some(after.remaining));
                        } else {
                            assert_eq!(*before, after);
                        }
                    }
                    for number in &chosen {
                        made[*number] += u64::from(passed);
                    }
                    for ((_, quota), made) in kinds.iter().zip(&made) {
                        assert!(quota.is_none_or(|quota| *made <= quota));
                    }
                    // Who is refused would have been let through by no order of asking: one limit at least is used up.
                    assert!(passed || all.is_empty() || before.iter().any(|standing| standing.remaining == 0));
                }
                limiter.quotas.close().await;
                let counted = kinds.iter().zip(&made).filter_map(|((_, quota), made)| quota.map(|_| made));
                assert_eq!(ledger.used(), counted.sum::<u64>());
            });
        }
    }

    #[test]
    fn threads_pass_exactly_what_the_tightest_limit_allows_and_charge_the_others_no_more() {
        let clock = Clock::fixed(NOON);
        let ledger = TestLedger::default();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let _inside = runtime.enter();
        let (limiter, counters) = (limiter(&clock, &ledger, OnFailure::Refuse), Counters::new(clock.clone()));
        let (wide, narrow) = (allowance(Some((1, 400)), Some(350)), allowance(Some((1, 300)), Some(1000)));
        let held = [counters.of(subject(0)), counters.of(subject(1))];
        let all = [Limited { allowance: &wide, counter: &held[0] }, Limited { allowance: &narrow, counter: &held[1] }];
        let passed: usize = std::thread::scope(|scope| {
            let work = || {
                let calls = async {
                    let mut passed = 0;
                    for _ in 0..200 {
                        passed += usize::from(limiter.take(&all, NOON).await.is_ok());
                    }
                    passed
                };
                runtime.handle().block_on(calls)
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // In a race two calls may each take the last place of one limit and be refused by the other.
        assert!((296..=300).contains(&passed), "{passed}");
        let rest = limiter.clock.now();
        let left =
            |n: usize, allowance: &Allowance| held[n].pace.look(allowance.rate.as_ref().unwrap(), rest).remaining;
        let passed = u64::try_from(passed).unwrap();
        assert_eq!((left(0, &wide), left(1, &narrow)), (400 - passed, 300 - passed));
        runtime.block_on(limiter.quotas.close());
        assert_eq!(ledger.used(), 2 * passed);
    }

    #[tokio::test]
    async fn a_call_that_goes_away_while_it_waits_is_not_charged() {
        let (clock, ledger) = (Clock::fixed(NOON), TestLedger::default());
        let (limiter, counters) = (limiter(&clock, &ledger, OnFailure::Refuse), Counters::new(clock.clone()));
        let (one, other) = (allowance(Some((1, 9)), Some(900)), allowance(None, Some(9)));
        let held = [counters.of(subject(0)), counters.of(subject(1))];
        let all = [Limited { allowance: &one, counter: &held[0] }, Limited { allowance: &other, counter: &held[1] }];
        for _ in 0..3 {
            limiter.take(&all[..1], NOON).await.unwrap();
        }
        ledger.set_away(true);
        // Nothing is in hand of the second: the call has taken of the first and waits.
        let mut call = Box::pin(limiter.take(&all, NOON));
        let waits = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending()));
        assert!(waits.await);
        drop(call);
        ledger.set_away(false);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        limiter.quotas.close().await;
        assert_eq!(ledger.used(), 3);
    }
}
