//! Our side of TLS to backends: whom is believed, and which certificate is shown.

use crate::base::clock::Clock;
use crate::base::policy::Protocol;
use crate::config::BackendTls;
use crate::infra::tls::files::{self, Contents, Named};
use crate::infra::tls::validity::Validity;
use crate::infra::tls::watched::{Stage, Watched};
use rustls::crypto::aws_lc_rs;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// How backends are spoken to: one set of roots and at most one certificate, for each protocol.
pub struct Client {
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
    validity: Option<Validity>,
}

/// A section `[gateway.backend_tls.NAME]`.
pub struct Profile {
    section: String,
    client: Watched<Client>,
}

impl Client {
    /// Believes the machine's own roots and shows no certificate. Reading the roots takes milliseconds and blocks.
    pub fn usual() -> Result<Self, String> {
        Self::new(native_roots()?, None)
    }

    /// Believes the roots in a PEM file that the setting `roots` of `section` names, and shows no certificate.
    pub fn trusting(section: &str, path: &Path) -> Result<Self, String> {
        let contents = files::read(&[Named::new(section, "roots", path)]);
        let roots = contents.first().map_or_else(|| Ok(RootCertStore::empty()), Contents::roots)?;
        Self::new(roots, None)
    }

    fn new(roots: RootCertStore, shown: Option<Arc<CertifiedKey>>) -> Result<Self, String> {
        let validity = shown.as_ref().and_then(|shown| Validity::of(shown.cert.first()?));
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let config = match shown {
            Some(shown) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown))),
            None => config.with_no_client_auth(),
        };
        let speaking = |protocol: &[u8]| {
            let mut config = config.clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            // A session is taken up again by who it was begun by: one list a protocol.
            config.resumption = rustls::client::Resumption::in_memory_sessions(256);
            Arc::new(config)
        };
        Ok(Self { http1: speaking(b"http/1.1"), http2: speaking(b"h2"), validity })
    }

    /// What to connect with.
    pub fn config(&self, protocol: Protocol) -> &Arc<ClientConfig> {
        match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        }
    }
}

impl Profile {
    /// From the files that the section names.
    pub(super) fn open(name: &str, tls: &BackendTls) -> Result<Self, String> {
        let section = format!("gateway.backend_tls.{name}");
        let roots = tls.roots.as_deref().map(|path| Named::new(&section, "roots", path));
        let client = tls.client().map(|(certificate, key)| {
            [Named::new(&section, "certificate", certificate), Named::new(&section, "key", key)]
        });
        let has_roots = roots.is_some();
        let make = move |contents: &[Contents], stage: Stage| {
            let (roots, rest) = match contents {
                [roots, rest @ ..] if has_roots => (roots.roots()?, rest),
                rest => (native_roots()?, rest),
            };
            let shown = match rest {
                [certificate, key] => Some(Arc::new(files::pair(certificate, key)?)),
                _ => None,
            };
            let client = Client::new(roots, shown)?;
            match client.validity.and_then(|validity| validity.fault(Clock::System.now())) {
                Some(fault) if stage == Stage::Later => Err(fault),
                _ => Ok(client),
            }
        };
        let files = roots.into_iter().chain(client.into_iter().flatten()).collect();
        Ok(Self { client: Watched::open(files, make)?, section })
    }

    /// What new connections are made with.
    pub fn client(&self) -> Arc<Client> {
        self.client.current()
    }

    /// The section of the configuration that it comes from.
    pub(super) fn section(&self) -> &str {
        &self.section
    }

    /// When the certificate that it shows expires, in seconds since the epoch.
    pub(super) fn expires_at(&self) -> Option<i64> {
        self.client().validity.map(|validity| validity.end.unix_timestamp())
    }

    /// What is wrong with the certificate that it shows by the machine's clock, if something is.
    pub(super) fn fault(&self) -> Option<String> {
        let fault = self.client().validity.and_then(|validity| validity.fault(Clock::System.now()))?;
        Some(format!("{}.certificate: {fault}", self.section))
    }

    pub(super) fn look(&self) {
        self.client.look();
    }
}

fn native_roots() -> Result<RootCertStore, String> {
    let native = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(native.certs);
    if added == 0 {
        return Err("this machine has no root certificates; install ca-certificates".to_owned());
    }
    Ok(roots)
}
