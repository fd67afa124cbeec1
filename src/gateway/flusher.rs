//! Collects what the threads have counted and hands it on in batches, at the pace of whoever takes them.
//!
//! The threads are asked now and then, whether a batch is being written or not, so a slow or absent database stops none of
//! them. What is not written yet is merged and kept. When that becomes too much, rows are merged into coarser ones: no
//! call is ever left out of the sums.
//!
//! A batch whose fate is not known, because the connection broke while it was committed, is offered again as it was and
//! with the number that it had: whoever takes it knows a batch that it has taken already.

use crate::base::error::{Error, Result};
use crate::base::tally::{Batch, Credential, LONGEST_OPERATION, Tally, TallyKey};
use crate::gateway::api_counts::ApiCounts;
use crate::gateway::core::Core;
use crate::gateway::definitions::Definitions;
use crate::gateway::listing::OperationId;
use crate::gateway::meter::{Flushed, Sink};
use crate::gateway::tallies::{Key, Row, Tallies};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

/// How often tallies are handed on.
pub(super) const FLUSH_EVERY: Duration = Duration::from_secs(2);
/// Rows that are kept, at some 300 bytes each, before they are merged into coarser ones.
const KEPT: usize = 100_000;
/// Rows in one batch.
const BATCH: usize = 1000;
/// How long writing a batch may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often and how long the last tallies are offered when the gateway stops.
const LAST_TRIES: u32 = 3;
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// How usage fares, for operators.
#[derive(Default)]
pub(super) struct Backlog {
    /// Rows that are not written yet.
    pub(super) rows: AtomicUsize,
    /// Calls and rows that were counted less exactly, because there were too many to tell apart.
    pub(super) merged: AtomicU64,
    /// Batches that could not be written when they were offered.
    pub(super) failures: AtomicU64,
}

/// The threads' end: asked with an empty table, they answer with theirs.
pub(super) struct Teller {
    asked: mpsc::Receiver<Tallies>,
    full: mpsc::UnboundedSender<Tallies>,
}

/// The flusher's end, to which threads are added before there is a flusher.
pub(super) struct Tellers {
    threads: Vec<mpsc::Sender<Tallies>>,
    full: mpsc::UnboundedReceiver<Tallies>,
    answer: mpsc::UnboundedSender<Tallies>,
}

/// What is needed to name what was counted, and who else hears of it.
pub(super) struct Heard {
    /// Whose route tables name the APIs.
    pub(super) cores: Arc<[Arc<Core>]>,
    /// What names the operations.
    pub(super) definitions: Arc<Definitions>,
    /// What counts the calls of each API for operators.
    pub(super) counts: Arc<ApiCounts>,
}

/// Asks the threads and hands on.
pub(super) struct Flusher {
    tellers: Tellers,
    heard: Heard,
    spare: Vec<Tallies>,
    /// Threads that were asked and have not answered.
    outstanding: usize,
    sink: Sink,
    backlog: Arc<Backlog>,
    pending: BTreeMap<TallyKey, Tally>,
    /// Offered, and not known to be written.
    offered: Option<Batch>,
    number: u64,
}

impl Teller {
    /// Answers until nobody asks any more. To be run by the thread whose calls are counted.
    pub(super) async fn run(mut self) {
        while let Some(empty) = self.asked.recv().await {
            // Nobody waits for it only after the last flush.
            let _ = self.full.send(crate::gateway::tallies::exchange(empty));
        }
    }
}

/// What a thread has counted at its very end, when no call can come any more.
pub(super) fn last(full: &mpsc::UnboundedSender<Tallies>) {
    let _ = full.send(crate::gateway::tallies::exchange(Tallies::default()));
}

impl Default for Tellers {
    fn default() -> Self {
        let (answer, full) = mpsc::unbounded_channel();
        Self { threads: Vec::new(), full, answer }
    }
}

impl Tellers {
    /// One more thread: what it runs, and where it sends what it has [last](last()) counted.
    pub(super) fn add(&mut self) -> (Teller, mpsc::UnboundedSender<Tallies>) {
        let (ask, asked) = mpsc::channel(1);
        self.threads.push(ask);
        (Teller { asked, full: self.answer.clone() }, self.answer.clone())
    }
}

impl Flusher {
    /// Hands on to `sink`.
    pub(super) fn new(tellers: Tellers, heard: Heard, sink: Sink, backlog: Arc<Backlog>) -> Self {
        Self {
            tellers,
            heard,
            spare: Vec::new(),
            outstanding: 0,
            sink,
            backlog,
            pending: BTreeMap::new(),
            offered: None,
            number: 0,
        }
    }

    /// Runs until `finished`, which may come when all threads have ended; then hands on the rest.
    pub(super) async fn run(mut self, mut finished: oneshot::Receiver<()>) {
        let mut tick = tokio::time::interval(FLUSH_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut writing: Option<Flushed> = None;
        // After a failure the next batch waits for the next tick.
        let mut rests = false;
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    rests = false;
                    self.ask();
                }
                Some(tallies) = self.tellers.full.recv() => self.take(tallies),
                written = settled(&mut writing) => {
                    writing = None;
                    rests = self.settle(written).is_err();
                }
                _ = &mut finished => break,
            }
            if writing.is_none()
                && !rests
                && self.outstanding == 0
                && let Some(batch) = self.next()
            {
                writing = Some(Box::pin(patient((self.sink)(batch), PATIENCE)));
            }
        }
        // What is being written goes first: nothing else may overtake it.
        if let Some(writing) = writing {
            let written = patient(writing, LAST_PATIENCE).await;
            let _ = self.settle(written);
        }
        while let Ok(tallies) = self.tellers.full.try_recv() {
            self.take(tallies);
        }
        self.finish().await;
    }

    async fn finish(&mut self) {
        let mut tries = 0;
        while let Some(batch) = self.next() {
            let written = patient((self.sink)(batch), LAST_PATIENCE).await;
            if self.settle(written).is_err() {
                tries += 1;
                if tries == LAST_TRIES {
                    let rows = self.backlog.rows.load(Ordering::Relaxed);
                    tracing::error!(rows, "the last usage cannot be written: {rows} rows of it are lost");
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Asks every thread that does not owe an answer.
    fn ask(&mut self) {
        self.outstanding = 0;
        for thread in &self.tellers.threads {
            match thread.try_send(self.spare.pop().unwrap_or_default()) {
                Ok(()) => self.outstanding += 1,
                Err(mpsc::error::TrySendError::Full(spare) | mpsc::error::TrySendError::Closed(spare)) => {
                    self.spare.push(spare);
                }
            }
        }
    }

    fn take(&mut self, mut tallies: Tallies) {
        self.outstanding = self.outstanding.saturating_sub(1);
        let mut names: HashMap<OperationId, Arc<str>> = HashMap::new();
        let (heard, pending) = (&self.heard, &mut self.pending);
        let table = heard.cores.first().and_then(|core| core.table.load_full());
        let nothing: Arc<str> = "".into();
        let merged = tallies.drain(|key, row| {
            let operation = match key.operation {
                None => &nothing,
                Some(id) => names
                    .entry(id)
                    .or_insert_with(|| heard.definitions.label(id).map_or_else(|| Arc::clone(&nothing), cut)),
            };
            let name = table.as_deref().and_then(|table| table.name(key.api));
            heard.counts.add(key.api, name, key.status_class, row.requests);
            pending.entry(named(key, Arc::clone(operation))).or_default().add(&tally(row));
        });
        if self.spare.len() < self.tellers.threads.len() {
            self.spare.push(tallies);
        }
        self.merge(KEPT);
        self.backlog.merged.fetch_add(merged, Ordering::Relaxed);
        self.measure();
    }

    /// Merges until at most `most` rows are left, as far as that can be done.
    fn merge(&mut self, most: usize) {
        let before = self.pending.len();
        if before <= most {
            return;
        }
        for coarse in COARSER {
            // Half of them, or a full backlog would be merged again for every row that comes.
            if self.pending.len() <= most / 2 {
                break;
            }
            for (mut key, tally) in std::mem::take(&mut self.pending) {
                coarse(&mut key);
                self.pending.entry(key).or_default().add(&tally);
            }
        }
        let rows = before - self.pending.len();
        tracing::warn!(rows, "usage waits to be written; {rows} rows of it were merged into coarser ones");
        self.backlog.merged.fetch_add(u64::try_from(rows).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The batch that was offered last, if it may not have been written; otherwise the next one. The rows are in the order
    /// of their keys, because several nodes write to the same rows and must lock them in the same order.
    fn next(&mut self) -> Option<Batch> {
        if self.offered.is_none() && !self.pending.is_empty() {
            self.number += 1;
            let rest = self.pending.keys().nth(BATCH).cloned();
            let rest = rest.map(|first| self.pending.split_off(&first)).unwrap_or_default();
            let rows = std::mem::replace(&mut self.pending, rest).into_iter().collect();
            self.offered = Some(Batch { number: self.number, rows });
        }
        self.offered.clone()
    }

    fn settle(&mut self, written: Result<()>) -> Result<()> {
        match &written {
            Ok(()) => self.offered = None,
            Err(error) => {
                self.backlog.failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "usage cannot be written; it is kept and offered again");
            }
        }
        self.measure();
        written
    }

    fn measure(&self) {
        let offered = self.offered.as_ref().map_or(0, |batch| batch.rows.len());
        self.backlog.rows.store(self.pending.len() + offered, Ordering::Relaxed);
    }
}

/// What is given up first when there is too much: the minute, then which operation, which credential, the hour, who.
const COARSER: [fn(&mut TallyKey); 5] = [
    |key| key.minute = floor(key.minute, 3600),
    |key| key.operation = "".into(),
    |key| key.credential = Credential::None,
    |key| key.minute = floor(key.minute, 86_400),
    |key| key.application = None,
];

/// The beginning of the period of so many seconds that `at` lies in.
pub(super) fn floor(at: OffsetDateTime, period: i64) -> OffsetDateTime {
    let seconds = at.unix_timestamp();
    OffsetDateTime::from_unix_timestamp(seconds - seconds.rem_euclid(period)).unwrap_or(at)
}

async fn settled(writing: &mut Option<Flushed>) -> Result<()> {
    match writing {
        Some(writing) => writing.await,
        None => std::future::pending().await,
    }
}

async fn patient(writing: Flushed, limit: Duration) -> Result<()> {
    tokio::time::timeout(limit, writing).await.unwrap_or_else(|_| Err(Error::internal("writing usage takes too long")))
}

fn cut(mut label: String) -> Arc<str> {
    if let Some((end, _)) = label.char_indices().nth(LONGEST_OPERATION) {
        label.truncate(end);
    }
    label.into()
}

fn named(key: Key, operation: Arc<str>) -> TallyKey {
    TallyKey {
        minute: OffsetDateTime::from_unix_timestamp(key.minute).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        api: key.api,
        version: key.version,
        application: key.application,
        credential: key.credential,
        environment: key.environment,
        status_class: key.status_class,
        operation,
    }
}

fn tally(row: &Row) -> Tally {
    Tally {
        requests: row.requests,
        request_bytes: row.sum.request_bytes,
        response_bytes: row.sum.response_bytes,
        duration_us: row.sum.duration_us,
        latency: row.latency.latency(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::environment::Environment;
    use crate::base::id::{ApiId, ApiKeyId, ApplicationId};
    use crate::base::latency::Latency;
    use crate::base::version::Version;
    use std::sync::Mutex;
    use uuid::Uuid;

    fn key(n: u128) -> TallyKey {
        TallyKey {
            minute: OffsetDateTime::from_unix_timestamp(i64::try_from(n % 50).unwrap() * 60).unwrap(),
            api: ApiId(Uuid::from_u128(1)),
            version: Version { major: 1, minor: 0 },
            application: Some(ApplicationId(Uuid::from_u128(n % 20))),
            credential: Credential::ApiKey(ApiKeyId(Uuid::from_u128(n))),
            environment: Environment::Production,
            status_class: 2,
            operation: format!("GET /{}", n % 7).into(),
        }
    }

    fn one() -> Tally {
        let mut latency = Latency::default();
        latency.record(100);
        Tally { requests: 1, request_bytes: 2, response_bytes: 3, duration_us: 100, latency }
    }

    fn flusher(sink: Sink) -> Flusher {
        let heard = Heard { cores: Arc::new([]), definitions: Arc::default(), counts: Arc::default() };
        Flusher::new(Tellers::default(), heard, sink, Arc::default())
    }

    #[test]
    fn too_many_rows_are_merged_and_no_call_is_lost() {
        let mut flusher = flusher(Arc::new(|_| Box::pin(async { Ok(()) })));
        for (most, rows, fewest) in [(2000, 1000, 500), (300, 1000, 20), (30, 1000, 1)] {
            flusher.pending = (0..rows).map(|n| (key(n), one())).collect();
            flusher.merge(most);
            assert!((fewest..=most).contains(&flusher.pending.len()), "{most}: {}", flusher.pending.len());
            let mut all = Tally::default();
            flusher.pending.values().for_each(|tally| all.add(tally));
            assert_eq!((all.requests, all.response_bytes, all.latency.calls()), (1000, 3000, 1000));
        }
        // What tells calls apart goes in a certain order: who called is known to the end.
        flusher.pending = (0..1000).map(|n| (key(n), one())).collect();
        flusher.merge(100);
        let applications: std::collections::BTreeSet<_> = flusher.pending.keys().map(|key| key.application).collect();
        assert_eq!(applications.len(), 20);
        assert!(flusher.pending.keys().all(|key| key.credential == Credential::None && key.operation.is_empty()));
    }

    #[tokio::test]
    async fn a_batch_that_failed_comes_again_as_it_was_before_any_other() {
        let seen: Arc<Mutex<Vec<(u64, usize)>>> = Arc::default();
        let taken = Arc::clone(&seen);
        let mut flusher = flusher(Arc::new(move |batch| {
            let mut seen = taken.lock().unwrap();
            seen.push((batch.number, batch.rows.len()));
            let fails = seen.len() == 1;
            Box::pin(async move { if fails { Err(Error::internal("away")) } else { Ok(()) } })
        }));
        flusher.pending = (0..1500).map(|n| (key(n), one())).collect();
        let batch = flusher.next().unwrap();
        assert!(batch.rows.is_sorted_by(|(a, _), (b, _)| a < b));
        let written = (flusher.sink)(batch).await;
        assert!(flusher.settle(written).is_err());
        assert_eq!(flusher.backlog.rows.load(Ordering::Relaxed), 1500);
        flusher.pending.insert(TallyKey { minute: OffsetDateTime::UNIX_EPOCH, status_class: 1, ..key(0) }, one());
        flusher.finish().await;
        assert_eq!(*seen.lock().unwrap(), [(1, 1000), (1, 1000), (2, 501)]);
        assert_eq!(flusher.backlog.rows.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_long_name_of_an_operation_is_cut_between_characters() {
        assert_eq!(&*cut("GET /ü".to_owned()), "GET /ü");
        assert_eq!(cut("ü".repeat(LONGEST_OPERATION + 1)).chars().count(), LONGEST_OPERATION);
    }
}
