//! TLS to backends: the certificate must hold, against the machine's own roots.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io::{Error, Result};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What connections to backends are verified with; shared by all threads.
#[derive(Default)]
pub(super) struct Tls {
    // Reading the roots takes milliseconds and memory, so an instance without https backends never does.
    config: OnceCell<Arc<ClientConfig>>,
}

impl Tls {
    /// Speaks TLS on `stream` and proves that `host` is at the other end.
    pub(super) async fn connect(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>> {
        let config = self.config.get_or_try_init(load).await?;
        let name = ServerName::try_from(host.to_owned()).map_err(Error::other)?;
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await
    }
}

async fn load() -> Result<Arc<ClientConfig>> {
    tokio::task::spawn_blocking(|| {
        let native = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(native.certs);
        if added == 0 {
            return Err(Error::other("this machine has no root certificates; install ca-certificates"));
        }
        trusting(roots)
    })
    .await
    .map_err(Error::other)?
}

fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::ServerConfig;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    const ROOT: &[u8] = include_bytes!("../../tests/it/fixtures/tls/ca.pem");
    const CHAIN: &[u8] = include_bytes!("../../tests/it/fixtures/tls/backend.pem");
    const KEY: &[u8] = include_bytes!("../../tests/it/fixtures/tls/backend.key");

    /// Whether a backend that says it is `backend.test` is believed to be `host` by someone with these roots.
    async fn believed(roots: RootCertStore, host: &str) -> bool {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(CHAIN).unwrap()],
                PrivateKeyDer::from_pem_slice(KEY).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
        });
        let tls = Tls { config: OnceCell::new_with(Some(trusting(roots).unwrap())) };
        tls.connect(host, TcpStream::connect(address).await.unwrap()).await.is_ok()
    }

    #[tokio::test]
    async fn only_a_backend_that_proves_its_name_is_believed() {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ROOT).unwrap()).unwrap();
        assert!(believed(roots.clone(), "backend.test").await);
        assert!(!believed(roots, "other.test").await, "the name must hold");
        assert!(!believed(RootCertStore::empty(), "backend.test").await, "the root must be known");
    }
}
