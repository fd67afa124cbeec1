//! One client's connection: which protocol it speaks, how long it may be silent, and how it ends.
//!
//! The time limits are watched here, once a connection, and not by hyper, which would set a timer for every request.

use crate::base::environment::Environment;
use crate::base::policy::Protocol;
use crate::gateway::body::Inbound;
use crate::gateway::core::Core;
use crate::gateway::headers::Peer;
use crate::gateway::listen::stopped;
use crate::gateway::pipeline;
use crate::gateway::session;
use crate::gateway::wire::encode;
use crate::gateway::wire::socket::Socket;
use crate::infra::tls::server::{self, Server};
use bytes::BytesMut;
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsStream;

/// How long a connection may be idle between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Streams of one HTTP/2 connection at once.
const STREAMS: u32 = 100;

/// A client's connection.
pub(super) struct Client {
    /// The thread it is served by.
    pub(super) core: Arc<Core>,
    /// The environment of the listener it came to.
    pub(super) environment: Environment,
    /// Who is at the other end.
    pub(super) peer: Peer,
    /// What it does.
    pub(super) activity: Activity,
    /// What is to be said before the answer; only over HTTP/1, where there is one request at a time.
    interim: Option<Mutex<BytesMut>>,
}

/// What a connection does, so that silence can be told from work. Times are milliseconds since the core was born.
pub(super) struct Activity {
    busy: AtomicU32,
    /// Since when there is no request.
    since: AtomicU64,
    /// Whether bytes of a request's head have arrived.
    has_begun: AtomicBool,
    /// Since when the client takes no bytes; 0: it takes them.
    blocked: AtomicU64,
    order: AtomicU8,
}

/// What an HTTP/1 connection is told to do when it waits for a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// To wait.
    None,
    /// To end.
    Finish,
    /// To end although a request has begun, and to say so.
    GiveUp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Fine,
    Idle,
    HeadTooSlow,
    Stuck,
}

impl Activity {
    fn new(now: u64) -> Self {
        Self {
            busy: AtomicU32::new(0),
            since: AtomicU64::new(now),
            // A new connection owes its first request at once.
            has_begun: AtomicBool::new(true),
            blocked: AtomicU64::new(0),
            order: AtomicU8::new(0),
        }
    }

    /// What the connection is told to do.
    pub(super) fn ordered(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            0 => Order::None,
            1 => Order::Finish,
            _ => Order::GiveUp,
        }
    }

    fn order(&self, order: Order) {
        let code = match order {
            Order::None => 0,
            Order::Finish => 1,
            Order::GiveUp => 2,
        };
        self.order.store(code, Ordering::Relaxed);
    }

    /// A request's head is complete.
    pub(super) fn begin(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.has_begun.store(false, Ordering::Relaxed);
    }

    /// A request's answer is complete.
    pub(super) fn end(&self, now: u64) {
        self.since.store(now, Ordering::Relaxed);
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }

    fn verdict(&self, now: u64, head: Duration, idle: Duration) -> Verdict {
        let longer = |since: u64, limit: Duration| Duration::from_millis(now.saturating_sub(since)) >= limit;
        let blocked = self.blocked.load(Ordering::Relaxed);
        let since = self.since.load(Ordering::Relaxed);
        if blocked > 0 && longer(blocked, idle) {
            Verdict::Stuck
        } else if self.busy.load(Ordering::Relaxed) > 0 {
            Verdict::Fine
        } else if self.has_begun.load(Ordering::Relaxed) && longer(since, head) {
            Verdict::HeadTooSlow
        } else if longer(since, KEEP_ALIVE) {
            Verdict::Idle
        } else {
            Verdict::Fine
        }
    }
}

impl Client {
    /// Milliseconds since the core was born, never 0.
    pub(super) fn now(&self) -> u64 {
        now(&self.core)
    }

    /// Bytes have arrived.
    pub(super) fn heard(&self) {
        let activity = &self.activity;
        if activity.busy.load(Ordering::Relaxed) == 0 && !activity.has_begun.load(Ordering::Relaxed) {
            activity.since.store(self.now(), Ordering::Relaxed);
            activity.has_begun.store(true, Ordering::Relaxed);
        }
    }

    /// Bytes were written, or could not be.
    pub(super) fn wrote<T>(&self, written: Poll<T>) -> Poll<T> {
        let blocked = &self.activity.blocked;
        if written.is_ready() {
            blocked.store(0, Ordering::Relaxed);
        } else if blocked.load(Ordering::Relaxed) == 0 {
            blocked.store(self.now(), Ordering::Relaxed);
        }
        written
    }

    /// Says something before the answer, where the protocol allows it.
    pub(super) fn say(&self, write: impl FnOnce(&mut BytesMut)) {
        if let Some(interim) = &self.interim {
            write(&mut interim.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Passes an interim answer on (RFC 9110 §15.2).
    pub(super) fn say_interim(&self, code: StatusCode, headers: &HeaderMap) {
        self.say(|out| encode::interim(out, code, headers));
    }

    /// What is to be said before the answer.
    pub(super) fn take_said(&self) -> Option<BytesMut> {
        let mut said = self.interim.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        (!said.is_empty()).then(|| said.split())
    }
}

fn now(core: &Core) -> u64 {
    u64::try_from(core.settings.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
}

/// Serves one connection until it ends, or until `stop` says true and its last request is answered.
pub(super) async fn serve(
    core: Arc<Core>,
    (environment, tls): (Environment, Option<Arc<Server>>),
    (stream, address): (TcpStream, SocketAddr),
    stop: watch::Receiver<bool>,
) {
    let Some(peer) = Peer::new(address.ip(), &core.settings.trusted_proxies) else {
        return;
    };
    let peer = if tls.is_some() { peer.over_tls() } else { peer };
    // Small answers must not wait for a full segment.
    let _ = stream.set_nodelay(true);
    let limit = core.settings.head;
    let begun = async {
        match tls {
            None => {
                let protocol = tokio::time::timeout(limit, protocol(&stream)).await.ok()?.ok()?;
                Some((Socket::Tcp(stream), protocol))
            }
            Some(tls) => {
                let stream = tls.accept(stream, limit).await;
                let stream = stream.inspect_err(|error| tracing::debug!(%error, "a TLS handshake failed")).ok()?;
                let protocol = server::agreed_on(&stream);
                Some((Socket::Tls(Box::new(TlsStream::Server(stream))), protocol))
            }
        }
    };
    let mut stopping = stop.clone();
    let begun = tokio::select! {
        begun = Box::pin(begun) => begun,
        // Nothing was asked yet, so nothing is lost.
        () = stopped(&mut stopping) => return,
    };
    let Some((socket, protocol)) = begun else { return };
    let interim = (protocol == Protocol::Http1).then(Mutex::default);
    let activity = Activity::new(now(&core));
    let client = Arc::new(Client { core, environment, peer, activity, interim });
    match protocol {
        Protocol::Http1 => http1(client, socket, stop).await,
        Protocol::Http2 => Box::pin(http2(client, socket, stop)).await,
    }
}

/// HTTP/2 with prior knowledge begins with `PRI` (RFC 9113 §3.4); no HTTP/1 method does.
async fn protocol(stream: &TcpStream) -> std::io::Result<Protocol> {
    let mut start = [0; 3];
    loop {
        let length = stream.peek(&mut start).await?;
        let start = start.get(..length).unwrap_or_default();
        if start == b"PRI" {
            return Ok(Protocol::Http2);
        }
        if start.is_empty() || !b"PRI".starts_with(start) {
            return Ok(Protocol::Http1);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn http1(client: Arc<Client>, socket: Socket, mut stop: watch::Receiver<bool>) {
    let (head, idle) = (client.core.settings.head, client.core.settings.idle);
    let mut session = std::pin::pin!(session::run(Arc::clone(&client), socket));
    let every = head / 4;
    let mut tick = std::pin::pin!(tokio::time::sleep(every));
    let mut stops = false;
    loop {
        tokio::select! {
            biased;
            () = &mut session => return,
            () = stopped(&mut stop), if !stops => {
                stops = true;
                client.activity.order(Order::Finish);
            }
            () = &mut tick => {
                match client.activity.verdict(client.now(), head, idle) {
                    Verdict::Fine => {}
                    Verdict::Idle => client.activity.order(Order::Finish),
                    Verdict::HeadTooSlow => client.activity.order(Order::GiveUp),
                    Verdict::Stuck => return,
                }
                tick.as_mut().reset(Instant::now() + every);
            }
        }
    }
}

async fn http2(client: Arc<Client>, socket: Socket, mut stop: watch::Receiver<bool>) {
    let (head, idle) = (client.core.settings.head, client.core.settings.idle);
    let io = TokioIo::new(Watched { socket, client: Arc::clone(&client) });
    let service = {
        let client = Arc::clone(&client);
        service_fn(move |request: Request<Incoming>| {
            let client = Arc::clone(&client);
            async move { Ok::<_, Infallible>(pipeline::call(&client, request.map(Inbound::Http2)).await) }
        })
    };
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(KEEP_ALIVE)
        .max_header_list_size(u32::try_from(client.core.settings.head_bounds.head).unwrap_or(u32::MAX));
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let mut tick = std::pin::pin!(tokio::time::sleep(head));
    let mut stops = false;
    loop {
        tokio::select! {
            biased;
            _ = &mut connection => return,
            () = stopped(&mut stop), if !stops => {
                stops = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut tick => {
                match client.activity.verdict(client.now(), KEEP_ALIVE, idle) {
                    Verdict::Fine => {}
                    Verdict::Idle | Verdict::HeadTooSlow => connection.as_mut().graceful_shutdown(),
                    Verdict::Stuck => return,
                }
                tick.as_mut().reset(Instant::now() + head);
            }
        }
    }
}

/// The socket of an HTTP/2 connection, with an eye on what it does.
struct Watched {
    socket: Socket,
    client: Arc<Client>,
}

impl AsyncRead for Watched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            this.client.heard();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        this.client.wrote(Pin::new(&mut this.socket).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        this.client.wrote(Pin::new(&mut this.socket).poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
