//! What is counted of a call, from its head to the end of its answer: for usage, and as numbers for operators.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::redact;
use crate::base::refused_call::RefusedCall;
use crate::base::tally::{Batch, Credential};
use crate::base::version::Version;
use crate::gateway::access_log::{Asked, End, Entry};
use crate::gateway::body::Progress;
use crate::gateway::connection::Client;
use crate::gateway::flusher::floor;
use crate::gateway::listing::{Operation, OperationId};
use crate::gateway::refusal::Refusal;
use crate::gateway::snapshot::Api;
use crate::gateway::tallies::{self, Key, Measure};
use crate::gateway::trace::Trace;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// What a sink answers.
pub type Flushed = Pin<Box<dyn Future<Output = crate::base::error::Result<()>> + Send>>;

/// Takes batches of tallies, one at a time. A batch that failed comes again with its number and must not count twice.
pub type Sink = Arc<dyn Fn(Batch) -> Flushed + Send + Sync>;

/// A call that took longer is counted in the minute of its end, one that did not in that of its beginning.
const SHORT: Duration = Duration::from_secs(1);

/// Characters that are kept of a refused call's method and of its path.
const METHOD: usize = 20;
const PATH: usize = 300;

/// Upper bounds of the latency histogram, in microseconds.
pub(super) const BUCKETS: [u64; 13] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 30_000_000];

/// What one thread counts for operators.
pub(super) struct Meter {
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

// Derived, it would end at 32 refusals.
impl Default for Meter {
    fn default() -> Self {
        Self {
            requests: Default::default(),
            refusals: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            in_flight: AtomicI64::default(),
            durations: Default::default(),
            duration_us: AtomicU64::default(),
        }
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
    /// Which operation of it, if it is listed.
    operation: Option<OperationId>,
    /// The time, once that was asked.
    at: Option<OffsetDateTime>,
    /// Who called, once that is known.
    caller: (Option<ApplicationId>, Credential),
    /// How far the request's body got.
    pub(super) progress: Option<Arc<Progress>>,
    sent: u64,
    /// The trace it belongs to.
    pub(super) trace: Option<Trace>,
    /// What the access log says of it.
    pub(super) log: Option<Box<Entry>>,
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
            operation: None,
            at: None,
            caller: (None, Credential::None),
            progress: None,
            sent: 0,
            trace: None,
            log: None,
        }
    }

    /// It is for this version.
    pub(super) fn is_for(&mut self, api: &Api, version: Version) {
        self.target = Some((api.id, version));
        if let Some(log) = &mut self.log {
            log.api = Some((Arc::clone(&api.name), version));
        }
    }

    /// What was asked for, and with which headers: which trace it belongs to, and what the access log says of it.
    pub(super) fn is_traced(&mut self, asked: &Asked, headers: &HeaderMap, request_id: &HeaderValue) {
        let core = &self.client.core;
        let (settings, peer) = (&core.settings, &self.client.peer);
        let trace = Trace::of(headers, peer, request_id, (&settings.trace, &core.ids));
        self.trace = Some(trace);
        self.log = settings.access_log.as_ref().and_then(|style| {
            Entry::begin(style, asked, headers, (peer, &settings.trusted_proxies), (request_id, trace))
        });
    }

    /// It is made under this subscription.
    pub(super) fn is_under(&mut self, subscription: Option<&HeaderValue>) {
        if let Some(log) = &mut self.log {
            log.subscription = subscription.cloned();
        }
    }

    /// The backend took so long for the head of its answer, or until it was given up.
    pub(super) fn waited(&mut self, backend: Duration) {
        self.client.core.waits.add(backend);
        if let Some(log) = &mut self.log {
            log.backend = Some(backend);
        }
    }

    /// It is this operation.
    pub(super) fn is_operation(&mut self, operation: Option<&Operation<'_>>) {
        self.operation = operation.map(|operation| operation.id);
        if let (Some(log), Some(operation)) = (&mut self.log, operation) {
            log.operation = Some(operation.label().into());
        }
    }

    /// It is judged at this time.
    pub(super) fn is_at(&mut self, now: OffsetDateTime) {
        self.at = Some(now);
    }

    /// It is by this caller.
    pub(super) fn is_by(&mut self, caller: (Option<ApplicationId>, Credential)) {
        self.caller = caller;
    }

    /// It was refused.
    pub(super) fn refused(&mut self, refusal: Refusal, asked: &Asked, request_id: &HeaderValue) {
        if let Some(log) = &mut self.log {
            log.refusal = Some(refusal);
        }
        if let Some(counters) = self.client.core.meter.refusals.get(row(self.client.environment))
            && let Some(counter) = Refusal::ALL.iter().position(|r| *r == refusal).and_then(|i| counters.get(i))
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if let (Some(application), credential) = &self.caller {
            self.client.core.refused.note(*application, refusal, self.client.core.settings.clock.now(), |at| {
                RefusedCall {
                    at,
                    request_id: String::from_utf8_lossy(request_id.as_bytes()).into_owned(),
                    application: *application,
                    credential: credential.clone(),
                    environment: self.client.environment,
                    target: self.target,
                    method: redact::text(asked.method.as_str()).chars().take(METHOD).collect(),
                    path: redact::path(asked.uri.path()).chars().take(PATH).collect(),
                    reason: refusal.label(),
                }
            });
        }
    }

    /// The answer's head goes out.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
        if let Some(log) = &mut self.log {
            log.first_byte = Some(self.started.elapsed());
        }
    }

    /// What the access log says of its end.
    fn end(&self, took: Duration) -> End<'_> {
        End {
            peer: &self.client.peer,
            environment: self.client.environment,
            status: self.status,
            now: self.client.core.settings.clock.now(),
            took,
            bytes: (self.progress.as_ref().map_or(0, |p| p.bytes()), self.sent),
            caller: (self.caller.0, &self.caller.1),
        }
    }

    /// Bytes of the answer's body went out.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let (core, environment) = (&self.client.core, self.client.environment);
        let (meter, settings) = (&core.meter, &core.settings);
        let ended = Instant::now();
        self.client.activity.end(millis(ended.duration_since(settings.born)));
        meter.in_flight.fetch_sub(1, Ordering::Relaxed);
        // A client that left before its answer counts as its own error, as 499 does elsewhere.
        let class = self.status.map_or(4, |status| status.as_u16() / 100);
        let took = ended.duration_since(self.started);
        let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(counter) = meter.requests.get(row(environment)).and_then(|c| c.get(usize::from(class))) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let bucket = BUCKETS.partition_point(|bound| *bound < duration_us);
        if let Some(counter) = meter.durations.get(bucket) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        meter.duration_us.fetch_add(duration_us, Ordering::Relaxed);
        if let (Some(log), Some(style)) = (&self.log, &self.client.core.settings.access_log) {
            self.client.core.lines.put(style, log, &self.end(Duration::from_micros(duration_us)));
        }

        let Some((api, version)) = self.target else {
            return;
        };
        let (application, credential) = std::mem::replace(&mut self.caller, (None, Credential::None));
        let at = self.at.filter(|_| took < SHORT).unwrap_or_else(|| settings.clock.now());
        let key = Key {
            minute: floor(at, 60).unix_timestamp(),
            api,
            version,
            operation: self.operation,
            application,
            credential,
            environment,
            status_class: u8::try_from(class).unwrap_or(5),
        };
        let request_bytes = self.progress.as_ref().map_or(0, |p| p.bytes());
        tallies::record(key, Measure { request_bytes, response_bytes: self.sent, duration_us });
    }
}

/// As [`Client::now`] counts.
fn millis(since_born: Duration) -> u64 {
    u64::try_from(since_born.as_millis()).unwrap_or(u64::MAX - 1) + 1
}
