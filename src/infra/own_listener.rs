//! Calls of this process to one of its own listeners, over HTTP/1.1: small, bounded, and to nowhere else.

use crate::infra::tls::own;
use crate::infra::tls::server::Server;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// How long an answer may take, its body included.
const LIMIT: Duration = Duration::from_secs(15);
/// Bytes of a body that are read at most.
const MOST_BYTES: usize = 1024 * 1024;

/// A listener of this process.
#[derive(Clone)]
pub struct OwnListener {
    address: SocketAddr,
    tls: Option<Arc<Server>>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status and headers.
    pub head: Response<()>,
    /// The body, or its beginning.
    pub body: Bytes,
    /// Whether there is more of it, which took too long or was too large.
    pub is_cut: bool,
}

/// Why there is no answer. Only a listener that is going down gives none.
pub type NoAnswer = Box<dyn Error + Send + Sync>;

impl OwnListener {
    /// The listener that is bound to `address`. One that listens everywhere is reached by the loopback.
    pub fn new(address: SocketAddr, tls: Option<Arc<Server>>) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Self { address: SocketAddr::new(ip, address.port()), tls }
    }

    /// Sends a request whose target is a path, with a `Host`.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Answer, NoAnswer> {
        let ends = Instant::now() + LIMIT;
        // On the heap: the state of a handshake is large.
        Box::pin(tokio::time::timeout_at(ends + Duration::from_secs(1), self.exchange(request, ends))).await?
    }

    async fn exchange(&self, request: Request<Bytes>, ends: Instant) -> Result<Answer, NoAnswer> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let Some(server) = &self.tls else { return converse(stream, request, ends).await };
        let name = ServerName::IpAddress(self.address.ip().into());
        let stream = TlsConnector::from(own::client(server)?).connect(name, stream).await?;
        converse(stream, request, ends).await
    }
}

async fn converse<S>(stream: S, request: Request<Bytes>, ends: Instant) -> Result<Answer, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async move {
        let response = tokio::time::timeout_at(ends, sender.send_request(request.map(Full::new))).await??;
        let (head, body) = response.into_parts();
        let (body, is_cut) = read(body, ends).await;
        Ok(Answer { head: Response::from_parts(head, ()), body, is_cut })
    };
    // The connection ends by itself once nobody waits for an answer; what ended it early, the exchange says too.
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}

/// As much of the body as comes in time; answers whether something is missing.
async fn read(mut body: Incoming, ends: Instant) -> (Bytes, bool) {
    let mut read = BytesMut::new();
    loop {
        let Ok(Some(Ok(frame))) = tokio::time::timeout_at(ends, body.frame()).await.map_err(|_late| ()) else {
            let is_whole = hyper::body::Body::is_end_stream(&body);
            return (read.freeze(), !is_whole);
        };
        if let Some(bytes) = frame.data_ref() {
            read.extend_from_slice(bytes);
        }
        if read.len() > MOST_BYTES {
            read.truncate(MOST_BYTES);
            return (read.freeze(), true);
        }
    }
}
