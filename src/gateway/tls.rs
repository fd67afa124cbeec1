//! TLS to backends: the certificate must hold, against the machine's own roots or those that the API's policy names.

use crate::base::policy::Protocol;
use crate::infra::tls::client::Client;
use crate::infra::tls::expiry::Expiry;
use crate::infra::tls::instance;
use rustls::pki_types::ServerName;
use std::io::{Error, Result};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What connections to backends are made with; shared by all threads. The default knows no profile.
#[derive(Default)]
pub(super) struct Tls {
    instance: Arc<instance::Tls>,
    // Reading the roots takes milliseconds and memory, so an instance without https backends never does.
    usual: OnceCell<Arc<Client>>,
}

impl Tls {
    /// With the profiles of the configuration.
    pub(super) fn new(instance: Arc<instance::Tls>) -> Self {
        Self { instance, usual: OnceCell::new() }
    }

    /// When our certificates expire, as a metric.
    pub(super) fn expiry(&self) -> Expiry {
        Expiry(Arc::clone(&self.instance))
    }

    /// Whether the configuration has the profile that a policy names. Where it lacks it, nothing may be sent.
    pub(super) fn has(&self, profile: Option<&str>) -> bool {
        profile.is_none_or(|name| self.instance.profile(name).is_some())
    }

    /// Speaks TLS on `stream`, proves that `host` is at the other end, and agrees on `protocol`: HTTP/2 must be agreed on,
    /// HTTP/1.1 is also what a backend speaks that does not say.
    pub(super) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
        profile: Option<&str>,
        protocol: Protocol,
    ) -> Result<TlsStream<TcpStream>> {
        let client = match profile {
            Some(name) => self.instance.profile(name).ok_or_else(|| lacking(name))?.client(),
            None => Arc::clone(self.usual.get_or_try_init(usual).await?),
        };
        let name = ServerName::try_from(host.to_owned()).map_err(Error::other)?;
        let stream = TlsConnector::from(Arc::clone(client.config(protocol))).connect(name, stream).await?;
        let agreed = stream.get_ref().1.alpn_protocol();
        if protocol == Protocol::Http2 && agreed != Some(b"h2") {
            return Err(Error::other("the backend does not agree to speak HTTP/2"));
        }
        Ok(stream)
    }
}

fn lacking(profile: &str) -> Error {
    Error::other(format!("the configuration has no section [gateway.backend_tls.{profile}]"))
}

async fn usual() -> Result<Arc<Client>> {
    let client = tokio::task::spawn_blocking(Client::usual).await.map_err(Error::other)?;
    client.map(Arc::new).map_err(Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BackendTls, Config, ListenerTls};
    use crate::infra::tls::server::agreed_on;
    use std::path::PathBuf;
    use std::time::Duration;
    use tokio::net::TcpListener;

    fn fixture(name: &str) -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/tls")).join(name)
    }

    /// A backend that shows this certificate; what it and a gateway with the profile `p` have agreed to speak.
    async fn spoken(shown: &str, roots: &str, host: &str, (profile, protocol): (&str, Protocol)) -> Result<Protocol> {
        let mut config = Config::default();
        let (certificate, key) = (Some(fixture(&format!("{shown}.pem"))), Some(fixture(&format!("{shown}.key"))));
        config.portal.tls = ListenerTls { certificate, key };
        let roots = BackendTls { roots: Some(fixture(roots)), ..BackendTls::default() };
        config.gateway.backend_tls.insert("p".to_owned(), roots);
        let instance = Arc::new(instance::Tls::open(&config).unwrap());
        let server = instance.portal.clone().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let backend = tokio::spawn(async move {
            let (stream, _) = listener.accept().await?;
            server.accept(stream, Duration::from_secs(20)).await.map(|stream| agreed_on(&stream))
        });
        let stream = TcpStream::connect(address).await.unwrap();
        let connected = Tls::new(instance).connect(host, stream, Some(profile), protocol).await;
        connected.and(backend.await.unwrap())
    }

    #[tokio::test]
    async fn only_a_backend_that_proves_its_name_is_believed() {
        let p = ("p", Protocol::Http1);
        assert_eq!(spoken("backend", "ca.pem", "backend.test", p).await.unwrap(), Protocol::Http1);
        assert_eq!(spoken("backend", "ca.pem", "127.0.0.1", p).await.unwrap(), Protocol::Http1);
        assert!(spoken("backend", "ca.pem", "other.test", p).await.is_err(), "the name must hold");
        assert!(spoken("backend", "other-ca.pem", "backend.test", p).await.is_err(), "the root must be known");
        assert!(spoken("expired", "ca.pem", "localhost", p).await.is_err(), "it must not have expired");
        assert!(spoken("backend", "ca.pem", "backend.test", ("q", Protocol::Http1)).await.is_err(), "no such profile");
    }

    #[tokio::test]
    async fn http2_is_agreed_on_where_it_is_asked_for() {
        let agreed = spoken("backend", "ca.pem", "backend.test", ("p", Protocol::Http2)).await;
        assert_eq!(agreed.unwrap(), Protocol::Http2);
    }
}
