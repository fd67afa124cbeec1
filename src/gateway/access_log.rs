//! The access log: what is known of a call, gathered while it runs, becomes one line when it ends.
//!
//! A line is put into a buffer that belongs to the call's thread; [`crate::gateway::access_log_writer`] empties it. No
//! call waits for a disk: when a buffer is full, lines are dropped and counted.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::base::redact;
use crate::base::tally::Credential;
use crate::base::version::Version;
use crate::config::{self, AccessLogField as Field, AccessLogFormat as Format};
use crate::gateway::client_address;
use crate::gateway::headers::Peer;
use crate::gateway::line::Line;
use crate::gateway::refusal::Refusal;
use crate::gateway::trace::{Part, Trace};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;
use time::OffsetDateTime;

/// Bytes of lines that wait in one thread.
pub(super) const WAITING: usize = 1 << 20;
/// Bytes of a path or query that are written.
const LONG: usize = 2048;
/// Bytes of any other text of a caller's.
const SHORT: usize = 256;

/// What is written of which calls.
pub(super) struct Style {
    format: Format,
    fields: Box<[Field]>,
    well: Part,
    failed: Part,
}

impl Style {
    /// As configured; nothing if there is no access log.
    pub(super) fn new(config: &config::AccessLog) -> Option<Self> {
        config.enabled.then(|| Self {
            format: config.format,
            fields: config.fields.clone().into(),
            well: Part::new(config.sample),
            failed: Part::new(config.sample_failed),
        })
    }
}

/// What is known of a call. Texts are shared with the request, not copied.
pub(super) struct Entry {
    request_id: HeaderValue,
    trace: Trace,
    asked: Asked,
    user_agent: Option<HeaderValue>,
    /// The caller's address, where a trusted proxy told it.
    client: Option<IpAddr>,
    /// The API's name and the version that answers.
    pub(super) api: Option<(Arc<str>, Version)>,
    /// The operation of its definition.
    pub(super) operation: Option<Arc<str>>,
    /// The subscription under which it is made.
    pub(super) subscription: Option<HeaderValue>,
    /// Why it was refused.
    pub(super) refusal: Option<Refusal>,
    /// Until the head of the answer.
    pub(super) first_byte: Option<Duration>,
    /// How long the backend took for the head of its answer.
    pub(super) backend: Option<Duration>,
}

/// What of a request's head is written.
#[derive(Clone)]
pub(super) struct Asked {
    /// Its method.
    pub(super) method: Method,
    /// Its target.
    pub(super) uri: Uri,
    /// Its protocol.
    pub(super) protocol: http::Version,
}

impl Asked {
    /// Of a head that cannot be read.
    pub(super) fn unreadable() -> Self {
        Self { method: Method::default(), uri: Uri::default(), protocol: http::Version::HTTP_11 }
    }
}

/// What is known of a call at its end.
pub(super) struct End<'a> {
    /// The address that the connection came from.
    pub(super) peer: &'a Peer,
    /// The environment of the listener.
    pub(super) environment: Environment,
    /// The status; none where the caller left before.
    pub(super) status: Option<StatusCode>,
    /// Now.
    pub(super) now: OffsetDateTime,
    /// How long it took.
    pub(super) took: Duration,
    /// Bytes of both bodies: the request's, the answer's.
    pub(super) bytes: (u64, u64),
    /// Whose credential it was, and which.
    pub(super) caller: (Option<ApplicationId>, &'a Credential),
}

impl Entry {
    /// The entry of a call that may be written.
    pub(super) fn begin(
        style: &Style,
        asked: &Asked,
        headers: &HeaderMap,
        (peer, trusted): (&Peer, &[ipnet::IpNet]),
        (request_id, trace): (&HeaderValue, Trace),
    ) -> Option<Box<Self>> {
        let may_be_written = style.well.holds(request_id.as_bytes()) || style.failed.holds(request_id.as_bytes());
        may_be_written.then(|| {
            Box::new(Self {
                request_id: request_id.clone(),
                trace,
                asked: asked.clone(),
                user_agent: headers.get(USER_AGENT).cloned(),
                client: if peer.is_proxy() { client_address::forwarded_for(headers, trusted) } else { None },
                api: None,
                operation: None,
                subscription: None,
                refusal: None,
                first_byte: None,
                backend: None,
            })
        })
    }

    /// Whether it is among those that are written.
    fn is_chosen(&self, style: &Style, status: Option<StatusCode>) -> bool {
        let failed = self.refusal.is_some() || status.is_none_or(|status| status.is_server_error());
        let part = if failed { style.failed } else { style.well };
        part.holds(self.request_id.as_bytes())
    }

    fn write(&self, style: &Style, end: &End<'_>, out: &mut Vec<u8>) {
        let mut line = Line::begin(style.format, out);
        for field in &style.fields {
            self.field(*field, end, &mut line);
        }
        line.end();
    }

    fn field(&self, field: Field, end: &End<'_>, line: &mut Line<'_>) {
        let name = field.name();
        match field {
            Field::Time => line.time(name, end.now - end.took),
            Field::RequestId => line.bytes(name, self.request_id.as_bytes(), SHORT),
            Field::TraceId => line.text(name, self.trace.id()),
            Field::Environment => line.text(name, end.environment.as_str()),
            Field::Client => match self.client {
                Some(address) => line.shown(name, address),
                None => line.bytes(name, end.peer.address().as_bytes(), SHORT),
            },
            // Of an extension method a caller chooses the letters.
            Field::Method => line.bytes(name, self.asked.method.as_str().as_bytes(), SHORT),
            Field::Path => line.text(name, cut(&redact::path(self.asked.uri.path()), LONG)),
            Field::Query => {
                if let Some(query) = self.asked.uri.query() {
                    line.text(name, cut(&redact::query(query), LONG));
                }
            }
            Field::Protocol => line.text(name, protocol(self.asked.protocol)),
            Field::Api => {
                if let Some((api, _)) = &self.api {
                    line.text(name, api);
                }
            }
            Field::Version => {
                if let Some((_, version)) = self.api {
                    line.shown(name, version);
                }
            }
            Field::Operation => {
                if let Some(operation) = &self.operation {
                    line.text(name, operation);
                }
            }
            Field::Application => {
                if let Some(application) = end.caller.0 {
                    line.shown(name, application);
                }
            }
            Field::Subscription => {
                if let Some(subscription) = &self.subscription {
                    line.bytes(name, subscription.as_bytes(), SHORT);
                }
            }
            Field::Credential => match end.caller.1 {
                Credential::None => {}
                Credential::ApiKey(id) | Credential::OldApiKey(id) => line.shown(name, id),
                Credential::Client(id) => line.text(name, id),
            },
            Field::Status => line.number(name, end.status.map_or(499, |status| status.as_u16().into())),
            Field::Refusal => {
                if let Some(refusal) = self.refusal {
                    line.text(name, refusal.label());
                }
            }
            Field::BytesIn => line.number(name, end.bytes.0),
            Field::BytesOut => line.number(name, end.bytes.1),
            Field::Duration => line.millis(name, end.took),
            Field::FirstByte => {
                if let Some(first_byte) = self.first_byte {
                    line.millis(name, first_byte);
                }
            }
            Field::Backend => {
                if let Some(backend) = self.backend {
                    line.millis(name, backend);
                }
            }
            Field::UserAgent => {
                if let Some(user_agent) = &self.user_agent {
                    line.bytes(name, user_agent.as_bytes(), SHORT);
                }
            }
        }
    }
}

/// The lines of one thread that wait for the writer.
#[derive(Default)]
pub(super) struct Lines {
    buffer: Mutex<Vec<u8>>,
    /// Whom to wake when the buffer fills.
    writer: OnceLock<Thread>,
    written: AtomicU64,
    dropped: AtomicU64,
}

impl Lines {
    /// Puts the line of a call that has ended, if it is one that is written.
    pub(super) fn put(&self, style: &Style, entry: &Entry, end: &End<'_>) {
        if !entry.is_chosen(style, end.status) {
            return;
        }
        // The writer holds the lock only to exchange the buffer for an empty one.
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let before = buffer.len();
        if before >= WAITING {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        entry.write(style, end, &mut buffer);
        self.written.fetch_add(1, Ordering::Relaxed);
        // Once each time, not for each line: waking is a call into the kernel.
        if before < WAITING / 2 && buffer.len() >= WAITING / 2 {
            drop(buffer);
            if let Some(writer) = self.writer.get() {
                writer.unpark();
            }
        }
    }

    /// Whom to wake when there is much to write.
    pub(super) fn wake(&self, writer: Thread) {
        let _ = self.writer.set(writer);
    }

    /// Exchanges the lines for this empty buffer.
    pub(super) fn exchange(&self, empty: &mut Vec<u8>) {
        std::mem::swap(&mut *self.buffer.lock().unwrap_or_else(PoisonError::into_inner), empty);
    }

    /// So many lines could not be written.
    pub(super) fn lost(&self, lines: usize) {
        let lines = u64::try_from(lines).unwrap_or(u64::MAX);
        self.dropped.fetch_add(lines, Ordering::Relaxed);
        self.written.fetch_sub(lines.min(self.written.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    /// Lines that were written or wait, and lines that were dropped.
    pub(super) fn counts(&self) -> [&AtomicU64; 2] {
        [&self.written, &self.dropped]
    }
}

fn protocol(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "HTTP/1.0",
        http::Version::HTTP_11 => "HTTP/1.1",
        http::Version::HTTP_2 => "HTTP/2",
        _ => "other",
    }
}

fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}
