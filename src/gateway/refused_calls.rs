//! Remembers refused calls of known applications until they are handed on: a few of each kind one by one, the rest as a
//! number, so that no flood fills memory or table.

use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::base::refused_call::{Omitted, RefusedBatch, RefusedCall};
use crate::gateway::core::Core;
use crate::gateway::refusal::Refusal;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;

/// What a sink answers.
pub type Written = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Takes batches of refused calls.
pub type Sink = Arc<dyn Fn(RefusedBatch) -> Written + Send + Sync>;

/// Calls that one thread remembers until they are handed on.
const REMEMBERED: usize = 2000;
/// Applications and reasons that are told apart within a minute, and numbers that wait.
const TOLD_APART: usize = 10_000;
/// Calls that are kept while the sink fails; beyond that the oldest become a number.
const KEPT: usize = 10_000;
/// Calls in one batch.
const BATCH: usize = 500;

/// What one thread remembers.
pub(super) struct RefusedCalls {
    each_minute: u32,
    state: Mutex<State>,
    omitted: AtomicU64,
}

#[derive(Default)]
struct State {
    calls: Vec<RefusedCall>,
    budget: Budget,
    omitted: Numbers,
}

/// Hour and application, with how many calls.
type Numbers = BTreeMap<(ApplicationId, i64), u64>;

/// How many calls of each application and reason were remembered in the current minute.
#[derive(Default)]
struct Budget {
    minute: i64,
    spent: HashMap<(ApplicationId, &'static str), u32>,
}

impl Budget {
    /// Whether one more may be remembered.
    fn spend(&mut self, of: (ApplicationId, &'static str), at: OffsetDateTime, each_minute: u32) -> bool {
        let minute = at.unix_timestamp().div_euclid(60);
        if self.minute != minute {
            self.minute = minute;
            self.spent.clear();
        }
        if self.spent.len() >= TOLD_APART && !self.spent.contains_key(&of) {
            return false;
        }
        let spent = self.spent.entry(of).or_default();
        *spent = spent.saturating_add(1);
        *spent <= each_minute
    }
}

/// Counts a call that is not remembered. Numbers of applications beyond the bound are lost.
fn omit(numbers: &mut Numbers, application: ApplicationId, at: OffsetDateTime, calls: u64) {
    let hour = at.unix_timestamp().div_euclid(3600);
    if numbers.len() < TOLD_APART || numbers.contains_key(&(application, hour)) {
        let number = numbers.entry((application, hour)).or_default();
        *number = number.saturating_add(calls);
    }
}

impl RefusedCalls {
    /// For each application and reason, so many in a minute one by one.
    pub(super) fn new(each_minute: u32) -> Self {
        Self { each_minute, state: Mutex::default(), omitted: AtomicU64::new(0) }
    }

    /// A call of this application was refused; `call` is asked for the rest only if it is remembered.
    pub(super) fn note(
        &self,
        application: ApplicationId,
        refusal: Refusal,
        at: OffsetDateTime,
        call: impl FnOnce(OffsetDateTime) -> RefusedCall,
    ) {
        if self.each_minute == 0 {
            return;
        }
        let mut state = self.state();
        let may_be = state.budget.spend((application, refusal.label()), at, self.each_minute);
        if may_be && state.calls.len() < REMEMBERED {
            state.calls.push(call(at));
        } else {
            omit(&mut state.omitted, application, at, 1);
            self.omitted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Calls that were only counted.
    pub(super) fn omitted(&self) -> &AtomicU64 {
        &self.omitted
    }

    fn take(&self) -> (Vec<RefusedCall>, Numbers) {
        let mut state = self.state();
        (std::mem::take(&mut state.calls), std::mem::take(&mut state.omitted))
    }

    // Its own thread comes here for refused calls only, the other one every two seconds.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands on what all threads remember.
pub(super) struct Relay {
    cores: Arc<[Arc<Core>]>,
    sink: Sink,
    each_minute: u32,
    budget: Budget,
    calls: VecDeque<RefusedCall>,
    omitted: Numbers,
}

impl Relay {
    /// Hands on to `sink`; of all threads together, so many a minute one by one.
    pub(super) fn new(cores: Arc<[Arc<Core>]>, sink: Sink, each_minute: u32) -> Self {
        let (budget, calls, omitted) = Default::default();
        Self { cores, sink, each_minute, budget, calls, omitted }
    }

    /// Hands on everything; what the sink does not take is kept for the next time, within bounds.
    pub(super) async fn flush(&mut self) -> Result<()> {
        for core in Arc::clone(&self.cores).iter() {
            let (calls, omitted) = core.refused.take();
            for call in calls {
                if self.budget.spend((call.application, call.reason), call.at, self.each_minute) {
                    self.calls.push_back(call);
                } else {
                    core.refused.omitted.fetch_add(1, Ordering::Relaxed);
                    omit(&mut self.omitted, call.application, call.at, 1);
                }
            }
            for ((application, hour), calls) in omitted {
                let at = OffsetDateTime::from_unix_timestamp(hour * 3600).unwrap_or(OffsetDateTime::UNIX_EPOCH);
                omit(&mut self.omitted, application, at, calls);
            }
        }
        while let Some(oldest) = self.calls.front().filter(|_| self.calls.len() > KEPT) {
            omit(&mut self.omitted, oldest.application, oldest.at, 1);
            self.calls.pop_front();
        }
        while !self.calls.is_empty() || !self.omitted.is_empty() {
            let mut calls: Vec<_> = self.calls.iter().take(BATCH).cloned().collect();
            let (handed, numbers) = (calls.len(), self.omitted.clone());
            calls.sort_by(|a, b| a.request_id.cmp(&b.request_id));
            let omitted = numbers.iter().filter_map(|((application, hour), calls)| {
                let hour = OffsetDateTime::from_unix_timestamp(hour * 3600).ok()?;
                Some(Omitted { hour, application: *application, calls: *calls })
            });
            (self.sink)(RefusedBatch { calls, omitted: omitted.collect() }).await?;
            self.calls.drain(..handed);
            self.omitted.clear();
        }
        Ok(())
    }
}
