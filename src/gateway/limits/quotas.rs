//! Keeps purses filled: asks the ledger ahead of need, lets calls wait when there is no other way, and gives back what
//! is not used.

use crate::base::error::Result;
use crate::base::quota::{Ask, Lease, Unused};
use crate::config::OnFailure;
use crate::gateway::limits::allowance::Quota;
use crate::gateway::limits::health::{Answer, Health, Turn};
use crate::gateway::limits::purse::Purse;
use crate::gateway::limits::standing::Standing;
use crate::gateway::limits::step::{Basis, Ledger, Step, Taken};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

/// What the ledger answers to a question.
pub type Leased = Pin<Box<dyn Future<Output = Result<Lease>> + Send>>;
/// What it answers to calls that are given back.
pub type Returned = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// What quotas are taken from, shared by all processes.
#[derive(Clone)]
pub struct QuotaLedger {
    /// Hands out calls.
    pub lease: Arc<dyn Fn(Ask) -> Leased + Send + Sync>,
    /// Takes back calls that were not made.
    pub give_back: Arc<dyn Fn(Vec<Unused>) -> Returned + Send + Sync>,
}

/// Questions that may be at the ledger at once: they must not take every connection to the database.
const ASKED_AT_ONCE: u32 = 4;
/// How long a call waits for the ledger.
const WAIT: Duration = Duration::from_secs(2);
/// Calls that nobody has used for so long are given back.
const IDLE: Duration = Duration::from_secs(2);
/// How often it is looked for them.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the last calls may take to be given back, at a stop.
const LAST: Duration = Duration::from_secs(3);
/// Subjects in one statement.
const BATCH: usize = 1000;

/// The purse of one subject, shared by all threads.
pub(super) struct Shared {
    purse: Mutex<Purse>,
    /// The ledger has answered.
    answered: Notify,
    /// Whether it is among those that are looked through.
    is_kept: AtomicBool,
}

impl Shared {
    /// An empty one.
    pub(super) fn new(subject: String) -> Self {
        Self { purse: Mutex::new(Purse::new(subject)), answered: Notify::new(), is_kept: AtomicBool::new(false) }
    }

    // Held for a few instructions, never over an await.
    fn purse(&self) -> MutexGuard<'_, Purse> {
        self.purse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another limit has refused the call.
    pub(super) fn put_back(&self, taken: Taken) {
        self.purse().put_back(taken);
    }

    /// Where a caller stands.
    pub(super) fn standing(&self, quota: &Quota, now: OffsetDateTime) -> Standing {
        self.purse().standing(quota, now)
    }

    /// Whether something would be lost with it.
    pub(super) fn has_something(&self) -> bool {
        self.purse().has_something()
    }
}

/// The quotas of a process.
pub(in crate::gateway) struct Quotas {
    ledger: QuotaLedger,
    /// What owns the connections to the database.
    runtime: Handle,
    on_failure: OnFailure,
    places: Arc<Semaphore>,
    /// Purses with something to give back one day.
    filled: Mutex<Vec<Arc<Shared>>>,
    /// Whether the ledger answers.
    pub(super) health: Health,
}

impl Quotas {
    /// Taken from this ledger, on this runtime.
    pub(in crate::gateway) fn new(ledger: QuotaLedger, runtime: Handle, on_failure: OnFailure) -> Self {
        let places = usize::try_from(ASKED_AT_ONCE).unwrap_or(1);
        Self {
            ledger,
            runtime,
            on_failure,
            places: Arc::new(Semaphore::new(places)),
            filled: Mutex::default(),
            health: Health::default(),
        }
    }

    /// Takes a call, waiting for the ledger only when nothing is in hand.
    pub(super) async fn take(self: &Arc<Self>, shared: &Arc<Shared>, quota: &Quota, now: OffsetDateTime) -> Step {
        match self.step(shared, quota, now, self.ledger()) {
            Step::Wait => Box::pin(self.wait(shared, quota, now)).await,
            step => step,
        }
    }

    async fn wait(self: &Arc<Self>, shared: &Arc<Shared>, quota: &Quota, now: OffsetDateTime) -> Step {
        let give_up = tokio::time::Instant::now() + WAIT;
        loop {
            // Whoever listens before looking misses no answer.
            let mut answered = std::pin::pin!(shared.answered.notified());
            answered.as_mut().enable();
            match self.step(shared, quota, now, self.ledger()) {
                Step::Wait => {}
                step => return step,
            }
            if tokio::time::timeout_at(give_up, answered).await.is_err() {
                self.heard(Answer::Missing);
                return self.step(shared, quota, now, Ledger::Away);
            }
        }
    }

    fn ledger(&self) -> Ledger {
        if self.health.is_away() { Ledger::Away } else { Ledger::There }
    }

    fn step(self: &Arc<Self>, shared: &Arc<Shared>, quota: &Quota, now: OffsetDateTime, ledger: Ledger) -> Step {
        let (step, ask) = shared.purse().step(quota, now, Instant::now(), (ledger, self.on_failure));
        if let Some(ask) = ask {
            self.ask(shared, ask);
        }
        match step {
            Step::Taken(Taken { basis: Basis::Estimate, .. }) => self.health.estimate(),
            Step::Away => self.health.refuse(),
            _ => {}
        }
        step
    }

    /// Asks over there: a caller that goes away does not break the question off, and no lease is lost with it.
    fn ask(self: &Arc<Self>, shared: &Arc<Shared>, ask: Ask) {
        let (quotas, shared, places) = (Arc::clone(self), Arc::clone(shared), Arc::clone(&self.places));
        self.runtime.spawn(async move {
            let Ok(_place) = places.acquire_owned().await else { return };
            let answer = (quotas.ledger.lease)(ask.clone()).await;
            if let Err(error) = &answer {
                tracing::debug!(%error, "a quota cannot be asked for");
            }
            quotas.heard(if answer.is_ok() { Answer::Given } else { Answer::Missing });
            if shared.purse().answered(&ask, answer.ok(), Instant::now()) {
                quotas.keep(&shared);
            }
            shared.answered.notify_waiters();
        });
    }

    fn heard(&self, answer: Answer) {
        match self.health.set(answer) {
            Some(Turn::Away) => {
                tracing::error!("quotas cannot be counted: the database gives no answer; what is in hand goes on");
            }
            Some(Turn::Back) => tracing::info!("quotas are counted again"),
            None => {}
        }
    }

    fn keep(&self, shared: &Arc<Shared>) {
        if !shared.is_kept.swap(true, Ordering::AcqRel) {
            self.filled().push(Arc::clone(shared));
        }
    }

    fn filled(&self) -> MutexGuard<'_, Vec<Arc<Shared>>> {
        self.filled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives back what is idle, until it is dropped.
    pub(in crate::gateway) async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.look_through(IDLE).await;
        }
    }

    async fn look_through(self: &Arc<Self>, idle: Duration) {
        let (at, is_away) = (Instant::now(), self.health.is_away());
        let all = self.filled().clone();
        let mut over = Vec::new();
        for shared in &all {
            let ask = {
                let mut purse = shared.purse();
                over.append(&mut purse.take_over());
                if is_away { purse.probe(at) } else { purse.rest(idle, at) }
            };
            if let Some(ask) = ask {
                self.ask(shared, ask);
                if is_away {
                    break;
                }
            }
        }
        self.filled().retain(|shared| {
            // In this order: whoever fills it meanwhile finds it not kept, and keeps it once this is done.
            shared.is_kept.store(false, Ordering::Release);
            let is_watched = shared.has_something() || (self.health.is_away() && shared.purse().has_failed());
            is_watched && !shared.is_kept.swap(true, Ordering::AcqRel)
        });
        self.give_back(over).await;
    }

    async fn give_back(&self, unused: Vec<Unused>) {
        for batch in unused.chunks(BATCH) {
            if let Err(error) = (self.ledger.give_back)(batch.to_vec()).await {
                tracing::warn!(%error, "unused calls of quotas cannot be given back, and count as made");
            }
        }
    }

    /// Gives everything back. No call may come after this.
    pub(in crate::gateway) async fn close(&self) {
        // What was asked for is answered first.
        let last = tokio::time::timeout(LAST, async {
            let _all = self.places.acquire_many(ASKED_AT_ONCE).await;
            self.places.close();
            let unused = self.filled().drain(..).flat_map(|shared| shared.purse().empty()).collect();
            self.give_back(unused).await;
        });
        if last.await.is_err() {
            tracing::warn!("unused calls of quotas cannot be given back, and count as made");
        }
    }
}
