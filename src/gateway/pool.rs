//! Connections to backends: opened with TLS verified, kept while idle, and owned by one thread.

use crate::gateway::body::Outgoing;
use crate::gateway::refusal::Refusal;
use crate::gateway::snapshot::{Origin, Scheme};
use crate::gateway::tls::Tls;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Idle connections kept for one backend by one thread.
const IDLE_EACH: usize = 256;
/// How long an idle connection is kept.
const IDLE_FOR: Duration = Duration::from_secs(30);
/// How long a connection may still be busy with an upload after its answer has ended.
const SETTLE: Duration = Duration::from_secs(10);
/// Largest response head, and how much of a body is held while it passes.
const BUFFER: usize = 64 * 1024;

/// The connections of one thread.
pub(super) struct Pool {
    shelves: Mutex<Shelves>,
    tls: Arc<Tls>,
    connect: Duration,
}

#[derive(Default)]
struct Shelves {
    places: HashMap<Origin, usize>,
    idle: Vec<Vec<Idle>>,
}

struct Idle {
    sender: SendRequest<Outgoing>,
    since: Instant,
}

/// A connection in use. Dropped, it is closed.
pub(super) struct Lease {
    pool: Arc<Pool>,
    place: usize,
    /// Sends the request.
    pub(super) sender: SendRequest<Outgoing>,
    /// Whether it served another request before: then it may have died unnoticed.
    pub(super) age: Age,
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
    /// No connection yet; `connect` is how long opening one may take.
    pub(super) fn new(tls: Arc<Tls>, connect: Duration) -> Self {
        Self { shelves: Mutex::new(Shelves::default()), tls, connect }
    }

    /// An idle connection, the one used last: it is the least likely to be closed at the other end.
    pub(super) fn take(self: &Arc<Self>, origin: &Origin) -> Option<Lease> {
        let mut shelves = self.shelves();
        let place = shelves.places.get(origin).copied()?;
        let idle = shelves.idle.get_mut(place)?;
        while let Some(Idle { sender, .. }) = idle.pop() {
            if sender.is_ready() {
                drop(shelves);
                return Some(Lease { pool: Arc::clone(self), place, sender, age: Age::Used });
            }
        }
        None
    }

    /// A new connection.
    pub(super) async fn open(self: &Arc<Self>, origin: &Origin) -> Result<Lease, Refusal> {
        let sender = match tokio::time::timeout(self.connect, self.connect(origin)).await {
            Ok(Ok(sender)) => sender,
            Ok(Err(error)) => {
                tracing::warn!(host = %origin.host, port = origin.port, %error, "a backend cannot be reached");
                return Err(Refusal::BackendUnreachable);
            }
            Err(_) => {
                tracing::warn!(host = %origin.host, port = origin.port, "connecting to a backend takes too long");
                return Err(Refusal::BackendConnectTimeout);
            }
        };
        let place = self.shelves().place(origin);
        Ok(Lease { pool: Arc::clone(self), place, sender, age: Age::New })
    }

    /// Closes what was idle for long.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        for idle in &mut self.shelves().idle {
            idle.retain(|c| c.sender.is_ready() && now.duration_since(c.since) < IDLE_FOR);
            idle.shrink_to(8);
        }
    }

    /// How many connections are idle.
    pub(super) fn idle(&self) -> usize {
        self.shelves().idle.iter().map(Vec::len).sum()
    }

    async fn connect(&self, origin: &Origin) -> std::io::Result<SendRequest<Outgoing>> {
        let stream = TcpStream::connect((&*origin.host, origin.port)).await?;
        stream.set_nodelay(true)?;
        match origin.scheme {
            Scheme::Http => handshake(stream).await,
            Scheme::Https => handshake(self.tls.connect(&origin.host, stream).await?).await,
        }
    }

    fn put(&self, place: usize, sender: SendRequest<Outgoing>) {
        if let Some(idle) = self.shelves().idle.get_mut(place)
            && idle.len() < IDLE_EACH
        {
            idle.push(Idle { sender, since: Instant::now() });
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
        let place = self.idle.len();
        self.idle.push(Vec::new());
        self.places.insert(origin.clone(), place);
        place
    }
}

impl Lease {
    /// The answer has ended: the connection may serve another request.
    pub(super) fn give_back(self) {
        let Self { pool, place, mut sender, .. } = self;
        if sender.is_ready() {
            pool.put(place, sender);
        } else if !sender.is_closed() {
            // The backend answered before it had read the whole request: the rest is still on its way.
            tokio::spawn(async move {
                if let Ok(Ok(())) = tokio::time::timeout(SETTLE, sender.ready()).await {
                    pool.put(place, sender);
                }
            });
        }
    }
}

async fn handshake<T>(stream: T) -> std::io::Result<SendRequest<Outgoing>>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(std::io::Error::other)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a backend's connection ended early");
        }
    });
    Ok(sender)
}
