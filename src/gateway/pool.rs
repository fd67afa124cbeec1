//! Connections to backends: opened with TLS verified, kept while idle, and owned by one thread.

use crate::gateway::body::Outgoing;
use crate::gateway::mixed::Mixing;
use crate::gateway::refusal::Refusal;
use crate::gateway::snapshot::{Origin, Scheme};
use crate::gateway::timer::Timer;
use crate::gateway::tls::Tls;
use crate::gateway::wire::buffers::{Input, Output};
use crate::gateway::wire::socket::Socket;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::collections::HashMap;
use std::io::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// Idle connections kept for one backend by one thread.
const IDLE_EACH: usize = 256;
/// How long an idle connection is kept.
const IDLE_FOR: Duration = Duration::from_secs(30);
/// An HTTP/2 connection to a backend is asked whether it lives after so long without a word.
const PING_EVERY: Duration = Duration::from_secs(20);

/// The connections of one thread.
pub(super) struct Pool {
    shelves: Mutex<Shelves>,
    tls: Arc<Tls>,
}

#[derive(Default)]
struct Shelves {
    places: HashMap<Origin, usize, Mixing>,
    shelves: Vec<Shelf>,
}

#[derive(Default)]
struct Shelf {
    idle: Vec<Idle>,
    shared: Option<SendRequest<Outgoing>>,
}

struct Idle {
    link: Box<Link>,
    since: Instant,
}

/// An HTTP/1 connection with all that belongs to it.
pub(super) struct Link {
    /// The connection.
    pub(super) socket: Socket,
    /// What has arrived.
    pub(super) input: Input,
    /// What is to be sent.
    pub(super) output: Output,
    /// How long it may be silent.
    pub(super) timer: Timer,
}

/// An HTTP/1 connection in use. Dropped, it is closed.
pub(super) struct Lease {
    pool: Arc<Pool>,
    place: usize,
    /// The connection.
    pub(super) link: Box<Link>,
    /// Whether it served another request before: then it may have died unnoticed.
    pub(super) age: Age,
    /// How many bytes it had sent before this request.
    pub(super) written: u64,
}

/// Whether a connection served a request before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Age {
    /// Just opened.
    New,
    /// From the pool.
    Used,
}

impl Pool {
    /// No connection yet.
    pub(super) fn new(tls: Arc<Tls>) -> Self {
        Self { shelves: Mutex::new(Shelves::default()), tls }
    }

    /// An idle connection, the one used last: it is the least likely to be closed at the other end.
    pub(super) fn take(self: &Arc<Self>, origin: &Origin) -> Option<Lease> {
        let mut shelves = self.shelves();
        let place = shelves.places.get(origin).copied()?;
        let idle = &mut shelves.shelves.get_mut(place)?.idle;
        while let Some(Idle { mut link, .. }) = idle.pop() {
            if link.socket.is_quiet() {
                drop(shelves);
                let written = link.output.written();
                return Some(Lease { pool: Arc::clone(self), place, link, age: Age::Used, written });
            }
        }
        None
    }

    /// A new HTTP/1 connection, opened within `limit`.
    pub(super) async fn open(
        self: &Arc<Self>,
        origin: &Origin,
        limit: Duration,
    ) -> std::result::Result<Lease, Refusal> {
        let socket = self.connected(origin, limit).await?;
        let link = Box::new(Link { socket, input: Input::new(), output: Output::new(), timer: Timer::default() });
        let place = self.shelves().place(origin);
        Ok(Lease { pool: Arc::clone(self), place, link, age: Age::New, written: 0 })
    }

    /// The HTTP/2 connection, which all requests share; opened within `limit` if there is none.
    pub(super) async fn shared(
        &self,
        origin: &Origin,
        limit: Duration,
    ) -> std::result::Result<(SendRequest<Outgoing>, Age), Refusal> {
        let place = self.shelves().place(origin);
        let known = self.shelves().shelves.get(place).and_then(|shelf| shelf.shared.clone());
        if let Some(sender) = known.filter(|sender| !sender.is_closed()) {
            return Ok((sender, Age::Used));
        }
        let socket = self.connected(origin, limit).await?;
        let shaken = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .adaptive_window(true)
            .handshake(TokioIo::new(socket));
        let Ok(Ok((sender, connection))) = tokio::time::timeout(limit, shaken).await else {
            tracing::warn!(host = %origin.host, port = origin.port, "a backend does not speak HTTP/2");
            return Err(Refusal::BackendBroken);
        };
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a backend's connection ended early");
            }
        });
        if let Some(shelf) = self.shelves().shelves.get_mut(place) {
            shelf.shared = Some(sender.clone());
        }
        Ok((sender, Age::New))
    }

    /// Closes what was idle for long.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        for shelf in &mut self.shelves().shelves {
            shelf.idle.retain_mut(|c| now.duration_since(c.since) < IDLE_FOR && c.link.socket.is_quiet());
            shelf.idle.shrink_to(8);
            if shelf.shared.as_ref().is_some_and(SendRequest::is_closed) {
                shelf.shared = None;
            }
        }
    }

    /// How many connections are idle.
    pub(super) fn idle(&self) -> usize {
        self.shelves().shelves.iter().map(|shelf| shelf.idle.len()).sum()
    }

    async fn connected(&self, origin: &Origin, limit: Duration) -> std::result::Result<Socket, Refusal> {
        // Never without what the publisher asks for.
        if origin.scheme == Scheme::Https && !self.tls.has(origin.tls.as_deref()) {
            return Err(Refusal::NoBackendTls);
        }
        match tokio::time::timeout(limit, self.connect(origin)).await {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(error)) => {
                tracing::warn!(host = %origin.host, port = origin.port, %error, "a backend cannot be reached");
                Err(Refusal::BackendUnreachable)
            }
            Err(_) => {
                tracing::warn!(host = %origin.host, port = origin.port, "connecting to a backend takes too long");
                Err(Refusal::BackendConnectTimeout)
            }
        }
    }

    async fn connect(&self, origin: &Origin) -> Result<Socket> {
        let stream = TcpStream::connect((&*origin.host, origin.port)).await?;
        stream.set_nodelay(true)?;
        match origin.scheme {
            Scheme::Http => Ok(Socket::Tcp(stream)),
            Scheme::Https => {
                let profile = origin.tls.as_deref();
                let stream = self.tls.connect(&origin.host, stream, profile, origin.protocol).await?;
                Ok(Socket::Tls(Box::new(TlsStream::Client(stream))))
            }
        }
    }

    fn put(&self, place: usize, mut link: Box<Link>) {
        link.input.rest();
        if let Some(shelf) = self.shelves().shelves.get_mut(place)
            && shelf.idle.len() < IDLE_EACH
        {
            shelf.idle.push(Idle { link, since: Instant::now() });
        }
    }

    // Only the thread that owns the pool comes here, so the lock is free; it is never held over an await.
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn place(&mut self, origin: &Origin) -> usize {
        if let Some(place) = self.places.get(origin) {
            return *place;
        }
        let place = self.shelves.len();
        self.shelves.push(Shelf::default());
        self.places.insert(origin.clone(), place);
        place
    }
}

impl Lease {
    /// The exchange is over: the connection may serve another request.
    pub(super) fn give_back(self) {
        self.pool.put(self.place, self.link);
    }

    /// The connection, which will not come back.
    pub(super) fn into_link(self) -> Box<Link> {
        self.link
    }
}
