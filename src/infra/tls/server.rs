//! A listener's side of TLS: the certificate that counts now, and handshakes that cannot hang.

use crate::base::clock::Clock;
use crate::base::policy::Protocol;
use crate::config::ListenerTls;
use crate::infra::tls::files::{self, Named};
use crate::infra::tls::validity::Validity;
use crate::infra::tls::watched::{Stage, Watched};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::io::{Error, ErrorKind, Result as IoResult};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The first byte of every TLS connection: a handshake record (RFC 8446 §5.1). No HTTP request begins with it.
const HANDSHAKE: u8 = 22;
/// What somebody hears who speaks plain HTTP to a listener with TLS.
pub const PLAIN_REFUSED: &str = "This port of Portico speaks TLS only. Use an https:// URL.\n";

/// A listener's certificate and how it is shown.
pub struct Server {
    /// The section of the configuration, such as `portal.tls`.
    section: &'static str,
    acceptor: TlsAcceptor,
    identity: Arc<Watched<Identity>>,
}

/// A certificate with its key.
struct Identity {
    certified: Arc<CertifiedKey>,
    validity: Option<Validity>,
}

/// Shows the certificate that counts now.
struct Shown(Arc<Watched<Identity>>);

impl Server {
    /// From the files; none where the listener speaks plain HTTP. A certificate that has expired is shown all the same.
    pub(super) fn open(section: &'static str, tls: &ListenerTls) -> Result<Option<Arc<Self>>, String> {
        let Some((certificate, key)) = tls.files() else { return Ok(None) };
        let files = vec![Named::new(section, "certificate", certificate), Named::new(section, "key", key)];
        let identity = Arc::new(Watched::open(files, Identity::make)?);
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("{section}: {error}"))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Shown(Arc::clone(&identity))));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Clients that come back skip the signature, and threads share no list of them.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| format!("{section}: {error}"))?;
        Ok(Some(Arc::new(Self { section, acceptor: TlsAcceptor::from(Arc::new(config)), identity })))
    }

    /// Accepts connections with the certificate that counts at that moment.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// The handshake on a new connection, for at most `limit`. Who speaks plain HTTP is told so, and gets an error here.
    pub async fn accept(&self, stream: TcpStream, limit: Duration) -> IoResult<TlsStream<TcpStream>> {
        let handshake = async {
            let mut first = [0];
            match (stream.peek(&mut first).await?, first) {
                (0, _) => Err(ErrorKind::UnexpectedEof.into()),
                (_, [HANDSHAKE]) => self.acceptor.accept(stream).await,
                (_, [other]) => {
                    // Somebody who writes letters may understand an answer in letters.
                    if other.is_ascii_uppercase() {
                        refuse(stream).await;
                    }
                    Err(Error::new(ErrorKind::InvalidData, "no TLS"))
                }
            }
        };
        // On the heap: the state of a handshake is large, and every connection's task would carry it to its end.
        tokio::time::timeout(limit, Box::pin(handshake)).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }

    /// The section of the configuration that it comes from, such as `portal.tls`.
    pub fn section(&self) -> &'static str {
        self.section
    }

    /// When its certificate expires, in seconds since the epoch, where that can be read.
    pub fn expires_at(&self) -> Option<i64> {
        self.identity.current().validity.map(|validity| validity.end.unix_timestamp())
    }

    /// The certificate itself, as it is shown now.
    pub(super) fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.identity.current().certified.cert.first().cloned()
    }

    /// What is wrong with its certificate by the machine's clock, if something is.
    pub(super) fn fault(&self) -> Option<String> {
        let fault = self.identity.current().validity.and_then(|validity| validity.fault(Clock::System.now()))?;
        Some(format!("{}.certificate: {fault}", self.section))
    }

    pub(super) fn look(&self) {
        self.identity.look();
    }
}

/// What client and server have agreed to speak (ALPN); HTTP/1.1 where the client has not said.
pub fn agreed_on(stream: &TlsStream<TcpStream>) -> Protocol {
    let (_, connection) = stream.get_ref();
    if connection.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 }
}

/// Answers in plain HTTP. What the client has sent is read first, or closing would reset the connection and take the
/// answer with it.
async fn refuse(mut stream: TcpStream) {
    let mut sent = [0; 4096];
    let _ = stream.try_read(&mut sent);
    let length = PLAIN_REFUSED.len();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{PLAIN_REFUSED}"
    );
    if stream.write_all(answer.as_bytes()).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}

impl Identity {
    fn make(contents: &[files::Contents], stage: Stage) -> Result<Self, String> {
        let [certificate, key] = contents else { return Err("a certificate needs a key".to_owned()) };
        let certified = files::pair(certificate, key)?;
        let validity = certified.cert.first().and_then(|certificate| Validity::of(certificate));
        // At a start there is nothing better to show. Later there may be.
        match validity.and_then(|validity| validity.fault(Clock::System.now())) {
            Some(fault) if stage == Stage::Later => Err(fault),
            _ => Ok(Self { certified: Arc::new(certified), validity }),
        }
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().certified))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}
