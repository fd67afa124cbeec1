//! TLS in tests: certificate files that can be exchanged, and clients and backends that say what they were shown.

use crate::support::db;
use crate::support::http::Answer;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use portico::config::{BackendTls, ListenerTls};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::convert::Infallible;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A file of `fixtures/tls`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/tls").join(name)
}

fn chain(name: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(fixture(&format!("{name}.pem")))
        .unwrap()
        .map(|certificate| certificate.unwrap())
        .collect()
}

fn key(name: &str) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_file(fixture(&format!("{name}.key"))).unwrap()
}

fn roots(name: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for root in chain(name) {
        roots.add(root).unwrap();
    }
    roots
}

/// A certificate and its key in files of a test's own.
pub(crate) struct Files(PathBuf);

impl Files {
    /// With a pair of the fixtures in them.
    pub(crate) fn holding(pair: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let files = Self(db::scratch(&format!("tls-{}", NEXT.fetch_add(1, Ordering::Relaxed))));
        files.put(pair);
        files
    }

    /// Exchanges both.
    pub(crate) fn put(&self, pair: &str) {
        self.put_certificate(pair);
        std::fs::copy(fixture(&format!("{pair}.key")), self.key()).unwrap();
    }

    /// Exchanges the certificate, or the roots, alone.
    pub(crate) fn put_certificate(&self, certificate: &str) {
        std::fs::copy(fixture(&format!("{certificate}.pem")), self.certificate()).unwrap();
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.0.join("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("key.pem")
    }

    pub(crate) fn listener(&self) -> ListenerTls {
        ListenerTls { certificate: Some(self.certificate()), key: Some(self.key()) }
    }
}

/// A listener that shows this pair of the fixtures.
pub(crate) fn listener(pair: &str) -> ListenerTls {
    let file = |kind: &str| Some(fixture(&format!("{pair}.{kind}")));
    ListenerTls { certificate: file("pem"), key: file("key") }
}

/// A section for backends: these roots, and this pair to show.
pub(crate) fn profile(roots: &str, shown: Option<&str>) -> BackendTls {
    let file = |kind: &str| shown.map(|pair| fixture(&format!("{pair}.{kind}")));
    BackendTls { roots: Some(fixture(&format!("{roots}.pem"))), certificate: file("pem"), key: file("key") }
}

/// Connects as `localhost`, believing the root `ca`, and offers these protocols.
pub(crate) async fn connect(address: &str, protocols: &[&str]) -> Result<TlsStream<TcpStream>> {
    connect_by(address, protocols, rustls::ALL_VERSIONS).await
}

/// The same with these versions of TLS only.
pub(crate) async fn connect_by(
    address: &str,
    protocols: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> Result<TlsStream<TcpStream>> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots("ca"))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Which pair of the fixtures the server has shown.
pub(crate) fn shown(stream: &TlsStream<TcpStream>) -> &'static str {
    let shown = stream.get_ref().1.peer_certificates().unwrap();
    let names = ["listener", "renewed", "backend", "expired", "stranger"];
    names.into_iter().find(|name| chain(name)[0] == shown[0]).unwrap()
}

/// `host:port` of `https://host:port/…`.
pub(crate) fn address(url: &str) -> &str {
    url.trim_start_matches("https://").split('/').next().unwrap()
}

/// Asks over TLS, with the protocol that is agreed on among these; the answer and its version.
pub(crate) async fn get(url: &str, protocols: &[&str], headers: &[(&str, &str)]) -> (Version, Answer) {
    let address = address(url);
    let stream = connect(address, protocols).await.unwrap();
    let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    let mut request = Request::get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Empty::<Bytes>::new()).unwrap();
    let io = TokioIo::new(stream);
    let answer = if agreed.as_deref() == Some(b"h2") {
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        request.headers_mut().insert("host", address.parse().unwrap());
        let target = request.uri().path_and_query().unwrap().as_str().parse().unwrap();
        *request.uri_mut() = target;
        sender.send_request(request).await.unwrap()
    };
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.version, Answer { status: head.status, headers: head.headers, body })
}

/// Shows this pair of the fixtures to whoever asks for TLS.
pub(crate) fn acceptor(pair: &str) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain(pair), key(pair))
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A backend over TLS.
pub(crate) struct TlsUpstream {
    port: u16,
    seen: Arc<Mutex<Vec<(Version, HeaderMap)>>>,
    connections: Arc<AtomicUsize>,
}

impl TlsUpstream {
    /// Shows this pair of the fixtures, demands a client's certificate of the root `clients` if there is one, and agrees to
    /// these protocols.
    pub(crate) async fn start(pair: &str, clients: Option<&str>, protocols: &[&str]) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = match clients {
            Some(root) => WebPkiClientVerifier::builder_with_provider(Arc::new(roots(root)), Arc::clone(&provider))
                .build()
                .unwrap(),
            None => WebPkiClientVerifier::no_client_auth(),
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain(pair), key(pair))
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (records, count) = (Arc::clone(&seen), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (acceptor, records) = (acceptor.clone(), Arc::clone(&records));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request: Request<Incoming>| {
                        records.lock().unwrap().push((request.version(), request.headers().clone()));
                        async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("over TLS")))) }
                    });
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { port, seen, connections }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    /// The protocol and headers of each request so far.
    pub(crate) fn seen(&self) -> Vec<(Version, HeaderMap)> {
        self.seen.lock().unwrap().clone()
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}
