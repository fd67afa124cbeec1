//! TLS: the certificate files of listeners, and what connections to backends are made with.

use crate::config::Config;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The certificate of a listener; both files or none. Only paths are kept here, never what the files hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenerTls {
    /// PEM: the listener's own certificate first, then the intermediate ones. Unset: the listener speaks plain HTTP.
    pub certificate: Option<PathBuf>,
    /// PEM: its private key.
    pub key: Option<PathBuf>,
}

/// What connections to backends are made with, where an API's policy names it. Each setting is optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackendTls {
    /// PEM: the roots that are believed, in place of the machine's own.
    pub roots: Option<PathBuf>,
    /// PEM: the certificate that the gateway shows, then the intermediate ones.
    pub certificate: Option<PathBuf>,
    /// PEM: its private key.
    pub key: Option<PathBuf>,
}

impl ListenerTls {
    /// Certificate and key, where the listener speaks TLS.
    pub fn files(&self) -> Option<(&Path, &Path)> {
        self.certificate.as_deref().zip(self.key.as_deref())
    }

    /// What URLs of the listener begin with.
    pub fn scheme(&self) -> &'static str {
        if self.files().is_some() { "https" } else { "http" }
    }
}

impl BackendTls {
    /// Certificate and key, where the gateway shows one.
    pub fn client(&self) -> Option<(&Path, &Path)> {
        self.certificate.as_deref().zip(self.key.as_deref())
    }
}

/// Whether a name can stand in `[gateway.backend_tls.NAME]`: a slug, as everything that manifests name.
pub(super) fn is_profile_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes.iter().all(|byte| is_letter(*byte) || *byte == b'-')
        && bytes.first().is_some_and(|byte| is_letter(*byte))
        && bytes.last().is_some_and(|byte| is_letter(*byte))
}

/// Checks that certificates and keys come in pairs; the error is the setting that is missing, and what to do.
pub(super) fn validate(config: &Config) -> Result<(), (String, String)> {
    let gateway = &config.gateway;
    let listeners = [
        ("portal.tls", &config.portal.tls),
        ("operations.tls", &config.operations.tls),
        ("gateway.production.tls", &gateway.production.tls),
        ("gateway.sandbox.tls", &gateway.sandbox.tls),
    ];
    for (section, tls) in listeners {
        paired(section, tls.certificate.as_deref(), tls.key.as_deref())?;
    }
    for (name, profile) in &gateway.backend_tls {
        let section = format!("gateway.backend_tls.{name}");
        paired(&section, profile.certificate.as_deref(), profile.key.as_deref())?;
    }
    Ok(())
}

fn paired(section: &str, certificate: Option<&Path>, key: Option<&Path>) -> Result<(), (String, String)> {
    let (there, missing) = match (certificate, key) {
        (Some(_), None) => ("certificate", "key"),
        (None, Some(_)) => ("key", "certificate"),
        (None, None) | (Some(_), Some(_)) => return Ok(()),
    };
    Err((format!("{section}.{there}"), format!("needs {section}.{missing} beside it; set both or neither")))
}
