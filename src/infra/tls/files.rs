//! PEM files: read whole, so that one look gives one state, and told apart by what they hold.

use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes. A bundle of all public roots has a quarter of a million.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Tells one state of some files from another.
pub(super) type Mark = [u8; 32];

/// A file that a setting names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The setting, such as `portal.tls.certificate`.
    pub(super) setting: String,
    /// Where the file is.
    pub(super) path: PathBuf,
}

/// A file's contents, or why there are none.
pub(super) struct Contents {
    file: Named,
    bytes: Result<Vec<u8>, String>,
}

impl Named {
    /// The file of `section` and `field`.
    pub(super) fn new(section: &str, field: &str, path: &Path) -> Self {
        Self { setting: format!("{section}.{field}"), path: path.to_owned() }
    }

    fn read(&self) -> Contents {
        let read = || {
            let mut bytes = Vec::new();
            File::open(&self.path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        };
        let bytes = match read() {
            Ok(bytes) if u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST) => Ok(bytes),
            Ok(_) => Err(format!("is larger than {LARGEST} bytes")),
            Err(error) => Err(format!("cannot be read: {error}")),
        };
        Contents { file: self.clone(), bytes }
    }
}

/// Reads them all.
pub(super) fn read(files: &[Named]) -> Vec<Contents> {
    files.iter().map(Named::read).collect()
}

/// The same for the same contents, and never for others.
pub(super) fn mark(contents: &[Contents]) -> Mark {
    let mut digest = Sha256::new();
    for one in contents {
        let bytes = one.bytes.as_ref().map_or_else(|error| error.as_bytes(), Vec::as_slice);
        digest.update([u8::from(one.bytes.is_ok())]);
        digest.update(bytes.len().to_le_bytes());
        digest.update(bytes);
    }
    digest.finalize().into()
}

impl Contents {
    /// Every certificate in it; at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let bytes = self.bytes()?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
        match found {
            Ok(found) if found.is_empty() => {
                Err(self.complain("holds no certificate; it must be PEM, with lines -----BEGIN CERTIFICATE-----"))
            }
            Ok(found) => Ok(found),
            Err(_unreadable) => Err(self.complain("is damaged PEM")),
        }
    }

    /// The certificates in it, as roots.
    pub(super) fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| self.complain(&format!("holds what cannot be a root: {error}")))?;
        }
        Ok(roots)
    }

    /// The private key in it.
    fn key(&self) -> Result<PrivateKeyDer<'static>, String> {
        // What the library says of a broken file may repeat a line of it.
        PrivateKeyDer::from_pem_slice(self.bytes()?).map_err(|_unreadable| {
            self.complain("holds no private key that can be read; it must be PEM, without a pass phrase")
        })
    }

    fn bytes(&self) -> Result<&[u8], String> {
        self.bytes.as_deref().map_err(|error| self.complain(error))
    }

    fn complain(&self, what: &str) -> String {
        format!("{}: {} {what}", self.file.setting, self.file.path.display())
    }
}

/// A certificate with its key.
pub(super) fn pair(certificate: &Contents, key: &Contents) -> Result<CertifiedKey, String> {
    let chain = certificate.certificates()?;
    CertifiedKey::from_der(chain, key.key()?, &aws_lc_rs::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            key.complain(&format!("is not the key of the first certificate in {}", certificate.file.path.display()))
        }
        rustls::Error::InvalidCertificate(_) => certificate.complain("holds a damaged certificate"),
        _ => key.complain("holds a key of a kind that cannot be used; use ECDSA (P-256, P-384), Ed25519 or RSA"),
    })
}
