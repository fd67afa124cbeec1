//! Counts calls in the memory of each thread and hands them on now and then; and the numbers for operators.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::tally::{Credential, Tally, TallyKey};
use crate::base::version::Version;
use crate::gateway::body::Progress;
use crate::gateway::connection::Client;
use crate::gateway::core::Core;
use crate::gateway::refusal::Refusal;
use http::StatusCode;
use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// What a sink answers.
pub type Flushed = Pin<Box<dyn Future<Output = crate::base::error::Result<()>> + Send>>;

/// Takes batches of tallies, sorted by key.
pub type Sink = Arc<dyn Fn(Vec<(TallyKey, Tally)>) -> Flushed + Send + Sync>;

/// How often tallies are handed on.
pub(super) const FLUSH_EVERY: Duration = Duration::from_secs(2);
/// Keys kept while the sink fails; beyond that the oldest minutes are lost.
const KEPT: usize = 100_000;
/// Keys in one batch.
const BATCH: usize = 1000;

/// Upper bounds of the latency histogram, in microseconds.
pub(super) const BUCKETS: [u64; 13] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 30_000_000];

/// What one thread counts.
#[derive(Default)]
pub(super) struct Meter {
    tallies: Mutex<HashMap<TallyKey, Tally>>,
    /// Requests by environment and first digit of the status.
    pub(super) requests: [[AtomicU64; 6]; 2],
    /// Refusals by environment, in the order of [`Refusal::ALL`].
    pub(super) refusals: [[AtomicU64; Refusal::ALL.len()]; 2],
    /// Requests being answered.
    pub(super) in_flight: AtomicI64,
    /// Answers by how long they took, each in its own bucket; the last is for longer ones.
    pub(super) durations: [AtomicU64; BUCKETS.len() + 1],
    /// The sum of all durations, in microseconds.
    pub(super) duration_us: AtomicU64,
}

impl Meter {
    /// Takes what was counted.
    fn take(&self) -> HashMap<TallyKey, Tally> {
        std::mem::take(&mut *self.tallies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, key: TallyKey, tally: &Tally) {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().add(tally);
    }
}

/// Index of an environment's row of counters.
pub(super) const fn row(environment: Environment) -> usize {
    match environment {
        Environment::Production => 0,
        Environment::Sandbox => 1,
    }
}

/// The record of one call, from its head to the end of its answer. It counts when it is dropped, so no way out of a
/// call can forget to count.
pub(super) struct Call {
    client: Arc<Client>,
    started: Instant,
    status: Option<StatusCode>,
    /// What was called, once that is known.
    target: Option<(ApiId, Version)>,
    /// Who called, once that is known.
    caller: (Option<ApplicationId>, Credential),
    /// How far the request's body got.
    pub(super) progress: Option<Arc<Progress>>,
    sent: u64,
}

impl Call {
    /// A request's head has arrived.
    pub(super) fn begin(client: &Arc<Client>) -> Self {
        client.core.meter.in_flight.fetch_add(1, Ordering::Relaxed);
        client.activity.begin();
        Self {
            client: Arc::clone(client),
            started: Instant::now(),
            status: None,
            target: None,
            caller: (None, Credential::None),
            progress: None,
            sent: 0,
        }
    }

    /// It is for this version.
    pub(super) fn is_for(&mut self, api: ApiId, version: Version) {
        self.target = Some((api, version));
    }

    /// It is by this caller.
    pub(super) fn is_by(&mut self, caller: (Option<ApplicationId>, Credential)) {
        self.caller = caller;
    }

    /// It was refused.
    pub(super) fn refused(&self, refusal: Refusal) {
        if let Some(counters) = self.client.core.meter.refusals.get(row(self.client.environment))
            && let Some(counter) = Refusal::ALL.iter().position(|r| *r == refusal).and_then(|i| counters.get(i))
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The answer's head goes out.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Bytes of the answer's body went out.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let (meter, environment) = (&self.client.core.meter, self.client.environment);
        self.client.activity.end(self.client.now());
        meter.in_flight.fetch_sub(1, Ordering::Relaxed);
        // A client that left before its answer counts as its own error, as 499 does elsewhere.
        let class = self.status.map_or(4, |status| status.as_u16() / 100);
        let duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(counter) = meter.requests.get(row(environment)).and_then(|c| c.get(usize::from(class))) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let bucket = BUCKETS.partition_point(|bound| *bound < duration_us);
        if let Some(counter) = meter.durations.get(bucket) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        meter.duration_us.fetch_add(duration_us, Ordering::Relaxed);

        let Some((api, version)) = self.target else {
            return;
        };
        let key = TallyKey {
            minute: minute(self.client.core.settings.clock.now()),
            api,
            version,
            application: self.caller.0,
            credential: std::mem::replace(&mut self.caller.1, Credential::None),
            environment,
            status_class: u8::try_from(class).unwrap_or(5),
        };
        let tally = Tally {
            requests: 1,
            request_bytes: self.progress.as_ref().map_or(0, |p| p.bytes()),
            response_bytes: self.sent,
            duration_us,
        };
        meter.add(key, &tally);
    }
}

fn minute(now: OffsetDateTime) -> OffsetDateTime {
    let seconds = now.unix_timestamp();
    OffsetDateTime::from_unix_timestamp(seconds - seconds.rem_euclid(60)).unwrap_or(now)
}

/// Hands on what all threads counted.
pub(super) struct Flusher {
    cores: Arc<[Arc<Core>]>,
    sink: Sink,
    /// Counted, but not taken by the sink yet.
    pending: BTreeMap<TallyKey, Tally>,
}

impl Flusher {
    /// Hands on to `sink`.
    pub(super) fn new(cores: Arc<[Arc<Core>]>, sink: Sink) -> Self {
        Self { cores, sink, pending: BTreeMap::new() }
    }

    /// Hands on everything; what the sink does not take is kept for the next time. The keys are sorted, because several
    /// nodes write to the same rows and must lock them in the same order.
    pub(super) async fn flush(&mut self) -> crate::base::error::Result<()> {
        for core in &*self.cores {
            for (key, tally) in core.meter.take() {
                self.pending.entry(key).or_default().add(&tally);
            }
        }
        while !self.pending.is_empty() {
            let batch: Vec<_> = self.pending.iter().take(BATCH).map(|(key, tally)| (key.clone(), *tally)).collect();
            let taken = (self.sink)(batch.clone()).await;
            if let Err(error) = taken {
                self.shed();
                return Err(error);
            }
            for (key, _) in batch {
                self.pending.remove(&key);
            }
        }
        Ok(())
    }

    fn shed(&mut self) {
        let excess = self.pending.len().saturating_sub(KEPT);
        if excess > 0 {
            tracing::error!(keys = excess, "usage cannot be written; {excess} of the oldest tallies are lost");
        }
        for _ in 0..excess {
            self.pending.pop_first();
        }
    }
}
