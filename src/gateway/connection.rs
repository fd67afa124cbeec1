//! One client's connection: which protocol it speaks, how long it may be silent, and how it ends.
//!
//! The time limits are watched here, once a connection, and not by hyper, which would set a timer for every request.

use crate::base::environment::Environment;
use crate::gateway::core::Core;
use crate::gateway::headers::Peer;
use crate::gateway::listen::stopped;
use crate::gateway::pipeline;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

/// How long a connection may be idle between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Largest request head, and how much of a body is held while it passes.
const BUFFER: usize = 64 * 1024;
/// How long a client gets to read a last answer and to close its side, and how much it may still send meanwhile.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 16 * 1024 * 1024;
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
        }
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
}

fn now(core: &Core) -> u64 {
    u64::try_from(core.settings.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
}

/// Serves one connection until it ends, or until `stop` says true and its last request is answered.
pub(super) async fn serve(
    core: Arc<Core>,
    environment: Environment,
    (stream, address): (TcpStream, SocketAddr),
    stop: watch::Receiver<bool>,
) {
    let Some(peer) = Peer::new(address.ip(), &core.settings.trusted_proxies) else {
        return;
    };
    // Small answers must not wait for a full segment.
    let _ = stream.set_nodelay(true);
    let protocol = tokio::time::timeout(core.settings.head, protocol(&stream));
    let mut stopping = stop.clone();
    let protocol = tokio::select! {
        protocol = protocol => protocol,
        // Nothing was asked yet, so nothing is lost.
        () = stopped(&mut stopping) => return,
    };
    let activity = Activity::new(now(&core));
    let client = Arc::new(Client { core, environment, peer, activity });
    match protocol {
        Ok(Ok(Protocol::Http1)) => http1(client, stream, stop).await,
        Ok(Ok(Protocol::Http2)) => http2(client, stream, stop).await,
        Ok(Err(_)) | Err(_) => {}
    }
}

enum Protocol {
    Http1,
    Http2,
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

async fn http1(client: Arc<Client>, stream: TcpStream, mut stop: watch::Receiver<bool>) {
    let (head, idle) = (client.core.settings.head, client.core.settings.idle);
    let io = TokioIo::new(ClientIo { stream, client: Arc::clone(&client), linger: None, lingered: 0 });
    let service = {
        let client = Arc::clone(&client);
        service_fn(move |request: Request<Incoming>| {
            let client = Arc::clone(&client);
            async move { Ok::<_, Infallible>(pipeline::call(&client, request).await) }
        })
    };
    let mut connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(BUFFER)
        .max_header_size(BUFFER)
        .serve_connection(io, service);
    let every = head / 4;
    let mut tick = std::pin::pin!(tokio::time::sleep(every));
    let mut stops = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a client's connection ended early");
                }
                return;
            }
            () = stopped(&mut stop), if !stops => {
                stops = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            () = &mut tick => match client.activity.verdict(client.now(), head, idle) {
                Verdict::Fine => tick.as_mut().reset(Instant::now() + every),
                Verdict::Idle => {
                    Pin::new(&mut connection).graceful_shutdown();
                    tick.as_mut().reset(Instant::now() + every);
                }
                Verdict::HeadTooSlow => {
                    let parts = connection.into_parts();
                    // A client that has sent nothing waits for nothing.
                    if !parts.read_buf.is_empty() {
                        let answer = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                        let mut io = parts.io.into_inner();
                        let _ = tokio::time::timeout(LINGER, async { io.write_all(answer).await?; io.shutdown().await }).await;
                    }
                    return;
                }
                Verdict::Stuck => return,
            },
        }
    }
}

async fn http2(client: Arc<Client>, stream: TcpStream, mut stop: watch::Receiver<bool>) {
    let (head, idle) = (client.core.settings.head, client.core.settings.idle);
    let io = TokioIo::new(ClientIo { stream, client: Arc::clone(&client), linger: None, lingered: 0 });
    let service = {
        let client = Arc::clone(&client);
        service_fn(move |request: Request<Incoming>| {
            let client = Arc::clone(&client);
            async move { Ok::<_, Infallible>(pipeline::call(&client, request).await) }
        })
    };
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(KEEP_ALIVE)
        .max_header_list_size(u32::try_from(BUFFER).unwrap_or(u32::MAX));
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

/// The socket, with an eye on what it does, and an end that lets the last answer arrive.
struct ClientIo {
    stream: TcpStream,
    client: Arc<Client>,
    linger: Option<Pin<Box<Sleep>>>,
    lingered: usize,
}

impl ClientIo {
    fn wrote<T>(&self, written: Poll<T>) -> Poll<T> {
        let blocked = &self.client.activity.blocked;
        if written.is_ready() {
            blocked.store(0, Ordering::Relaxed);
        } else if blocked.load(Ordering::Relaxed) == 0 {
            blocked.store(self.client.now(), Ordering::Relaxed);
        }
        written
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let activity = &this.client.activity;
        if buffer.filled().len() > before
            && activity.busy.load(Ordering::Relaxed) == 0
            && !activity.has_begun.load(Ordering::Relaxed)
        {
            activity.since.store(this.client.now(), Ordering::Relaxed);
            activity.has_begun.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.wrote(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bytes);
        this.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Closes our side, then reads on until the client has closed its own: closing at once, with bytes of a refused
    /// body still unread, would make the kernel reset the connection and take the answer away from the client.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let deadline = this.linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        if deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut scratch = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer));
            this.lingered = this.lingered.saturating_add(buffer.filled().len());
            if read.is_err() || buffer.filled().is_empty() || this.lingered > LINGER_BYTES {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
