//! Calls to servers elsewhere that the operator has named, over HTTP/1.1: small, bounded, and without following anything that
//! an answer points to.

use crate::base::policy::Protocol;
use crate::infra::tls::client::Client;
use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// How long a call may take from the first packet to the last. A page waits for up to four of them, and for 30 seconds.
const LIMIT: Duration = Duration::from_secs(6);
/// Bytes of an answer.
const MOST_BYTES: usize = 256 * 1024;

/// Makes calls.
#[derive(Clone)]
pub struct Caller(Arc<ClientConfig>);

/// Why there is no answer; for logs.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

impl Caller {
    /// Believes the roots in the file that the setting `roots` of `section` names, or the machine's own. Reads files, and
    /// blocks for that. The error is one line that says what to do.
    pub fn open(section: &str, roots: Option<&Path>) -> Result<Self, String> {
        let client = match roots {
            Some(path) => Client::trusting(section, path)?,
            None => Client::usual()?,
        };
        Ok(Self(Arc::clone(client.config(Protocol::Http1))))
    }

    /// Sends a request to this address, which takes the place of the request's own. A redirect is an answer like any other.
    pub async fn call(&self, url: &Url, request: Request<Bytes>) -> Result<Response<Bytes>, NoAnswer> {
        // On the heap: the state of a handshake is large.
        let called = Box::pin(tokio::time::timeout(LIMIT, self.exchange(url, request))).await;
        called.unwrap_or_else(|_| Err(NoAnswer(format!("no whole answer within {} seconds", LIMIT.as_secs()))))
    }

    async fn exchange(&self, url: &Url, mut request: Request<Bytes>) -> Result<Response<Bytes>, NoAnswer> {
        let (name, port) = place(url).ok_or_else(|| NoAnswer(format!("{url} names no host")))?;
        *request.uri_mut() = target(url).map_err(|error| explain(&error))?;
        request.headers_mut().insert(HOST, host(url).map_err(|error| explain(&error))?);
        let address = name.to_str().into_owned();
        let stream = TcpStream::connect((address.as_str(), port)).await.map_err(|error| explain(&error))?;
        stream.set_nodelay(true).map_err(|error| explain(&error))?;
        if url.scheme() != "https" {
            return converse(stream, request).await;
        }
        let stream = TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await;
        converse(stream.map_err(|error| explain(&error))?, request).await
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Caller")
    }
}

/// Whom to connect to.
fn place(url: &Url) -> Option<(ServerName<'static>, u16)> {
    let name = match url.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok()?,
        Host::Ipv4(address) => ServerName::IpAddress(address.into()),
        Host::Ipv6(address) => ServerName::IpAddress(address.into()),
    };
    Some((name, url.port_or_known_default()?))
}

/// Path and query.
fn target(url: &Url) -> Result<Uri, http::uri::InvalidUri> {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", url.path()).parse()
}

/// Host, and the port where it is not the scheme's own.
fn host(url: &Url) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{}{port}", url.host_str().unwrap_or_default()))
}

fn explain(error: &impl std::fmt::Display) -> NoAnswer {
    NoAnswer(error.to_string())
}

async fn converse<S>(stream: S, request: Request<Bytes>) -> Result<Response<Bytes>, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| explain(&error))?;
    let exchange = async move {
        let response = sender.send_request(request.map(Full::new)).await.map_err(|error| explain(&error))?;
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, read(body).await?))
    };
    // The connection ends by itself once nobody waits for an answer; what ended it early, the exchange says too.
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}

async fn read(mut body: Incoming) -> Result<Bytes, NoAnswer> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| explain(&error))?;
        read.extend_from_slice(frame.data_ref().map_or(&[], |bytes| bytes.as_ref()));
        if read.len() > MOST_BYTES {
            return Err(NoAnswer(format!("the answer has more than {MOST_BYTES} bytes")));
        }
    }
    Ok(read.freeze())
}
