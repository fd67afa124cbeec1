//! The key that encrypts private keys at rest: configured, or a file of the data directory made at the first start.

use crate::base::random::Random;
use crate::base::secret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Bytes of an AES-256 key.
const LENGTH: usize = 32;
/// The file's name in the data directory.
const FILE: &str = "master.key";
/// Base64 as people paste it: with or without the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// 32 bytes for AES-256-GCM. No `Debug` shows them.
#[derive(Clone)]
pub struct MasterKey([u8; LENGTH]);

impl MasterKey {
    /// The configured key, or the one in `master.key` of the data directory, made at the first start. The error is
    /// one line that says what to do.
    pub fn load(configured: Option<&str>, data_dir: &Path, random: &Random) -> Result<Self, String> {
        match Self::read(configured, data_dir)? {
            Some(key) => Ok(key),
            None => create(data_dir, random),
        }
    }

    /// The same without making one: nothing when there is none yet. For `portico check`.
    pub fn read(configured: Option<&str>, data_dir: &Path) -> Result<Option<Self>, String> {
        if let Some(text) = configured {
            return match parse(text) {
                Some(key) => Ok(Some(key)),
                None => Err("oauth.master_key: it must be 32 bytes in base64; make one with: openssl rand -base64 32"
                    .to_owned()),
            };
        }
        let path = data_dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => match std::str::from_utf8(&bytes).ok().and_then(parse) {
                Some(key) => Ok(Some(key)),
                None => Err(format!(
                    "{}: not a master key (32 bytes in base64); restore the file from a backup",
                    path.display()
                )),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!(
                "{}: cannot read the master key: {error}; let the account that runs Portico read it",
                path.display()
            )),
        }
    }

    /// Encrypts `plain` so that it opens only under the same `name`.
    pub(super) fn seal(&self, name: &str, plain: &[u8], random: &Random) -> Result<Vec<u8>, CipherError> {
        let nonce: [u8; NONCE_LEN] = random.bytes();
        let mut sealed = plain.to_vec();
        self.cipher()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut sealed)
            .map_err(|_unspecified| CipherError)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`MasterKey::seal`] made under `name`.
    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, CipherError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(CipherError)?;
        let mut sealed = sealed.to_vec();
        let plain = self
            .cipher()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(name), &mut sealed)
            .map_err(|_unspecified| CipherError)?;
        Ok(plain.to_vec())
    }

    /// A key of its own for another purpose (RFC 5869), so that the master key itself only ever encrypts.
    pub(super) fn derive(&self, label: &str) -> Result<[u8; LENGTH], CipherError> {
        let mut key = [0; LENGTH];
        Salt::new(HKDF_SHA256, &[])
            .extract(&self.0)
            .expand(&[label.as_bytes()], HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .map_err(|_unspecified| CipherError)?;
        Ok(key)
    }

    fn cipher(&self) -> Result<LessSafeKey, CipherError> {
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.0).map_err(|_unspecified| CipherError)?))
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The ciphertext was made with another key, under another name, or is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open with this master key")]
pub(super) struct CipherError;

fn parse(text: &str) -> Option<MasterKey> {
    BASE64.decode(text.trim()).ok()?.try_into().ok().map(MasterKey)
}

/// Writes a new key beside its place and links it there: an existing file is never replaced, a half-written one is
/// never seen, and of two processes that start together both use the same key.
fn create(data_dir: &Path, random: &Random) -> Result<MasterKey, String> {
    let path = data_dir.join(FILE);
    let explain = |error: std::io::Error| {
        let dir = data_dir.display();
        format!("{dir}: cannot write the master key: {error}; choose a writable data_dir or set oauth.master_key")
    };
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(explain)?;
    let draft = data_dir.join(format!("{FILE}.{}", secret::base62(random, 12)));
    let key = MasterKey(random.bytes());
    let written = write_synced(&draft, &format!("{}\n", BASE64.encode(key.0))).and_then(|()| {
        match std::fs::hard_link(&draft, &path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()), // another process was quicker
            linked => linked,
        }
    });
    let removed = std::fs::remove_file(&draft);
    written.and(removed).and_then(|()| File::open(data_dir)?.sync_all()).map_err(explain)?;
    MasterKey::read(None, data_dir)?
        .ok_or_else(|| format!("{}: the master key vanished while it was being made", path.display()))
}

fn write_synced(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// A directory that goes with the test.
    struct Scratch(std::path::PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("portico-master-key-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_first_start_makes_a_private_file_and_the_next_reads_it() {
        let dir = Scratch::new("first");
        let data_dir = dir.0.join("data");
        assert!(MasterKey::read(None, &data_dir).unwrap().is_none(), "reading makes nothing");
        let made = MasterKey::load(None, &data_dir, &Random::seeded(1)).unwrap();
        let again = MasterKey::load(None, &data_dir, &Random::seeded(2)).unwrap();
        assert_eq!(made.0, again.0);
        let bits = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((bits(&data_dir), bits(&data_dir.join(FILE))), (0o700, 0o600));
        assert_eq!(std::fs::read_dir(&data_dir).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn two_first_starts_end_up_with_one_key() {
        let dir = Scratch::new("race");
        let keys: Vec<[u8; LENGTH]> = std::thread::scope(|scope| {
            let start = |seed| {
                let path = dir.0.clone();
                move || create(&path, &Random::seeded(seed)).unwrap().0
            };
            let threads: Vec<_> = (0..8).map(|seed| scope.spawn(start(seed))).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|k| *k == keys[0]));
    }

    #[test]
    fn a_wrong_key_is_refused_in_one_line_and_not_replaced() {
        let dir = Scratch::new("wrong");
        std::fs::create_dir_all(&dir.0).unwrap();
        std::fs::write(dir.0.join(FILE), "c2hvcnQ=").unwrap();
        let error = MasterKey::load(None, &dir.0, &Random::seeded(1)).unwrap_err();
        assert!(error.ends_with("master.key: not a master key (32 bytes in base64); restore the file from a backup"));
        assert_eq!(std::fs::read(dir.0.join(FILE)).unwrap(), b"c2hvcnQ=");
        for wrong in ["", "c2hvcnQ=", "not base64!", &BASE64.encode([1; 33])] {
            let error = MasterKey::load(Some(wrong), &dir.0, &Random::seeded(1)).unwrap_err();
            assert!(error.starts_with("oauth.master_key: ") && !error.contains('\n'), "{error}");
            assert!(wrong.is_empty() || !error.contains(wrong), "the error must not repeat it");
        }
        std::fs::remove_file(dir.0.join(FILE)).unwrap();
        std::fs::create_dir(dir.0.join(FILE)).unwrap();
        let error = MasterKey::load(None, &dir.0, &Random::seeded(1)).unwrap_err();
        assert!(error.contains("cannot read the master key"), "{error}");
    }

    #[test]
    fn padding_is_optional() {
        let text = BASE64.encode([7; LENGTH]);
        assert_eq!(parse(text.trim_end_matches('=')).unwrap().0, [7; LENGTH]);
        assert_eq!(parse(&format!(" {text}\n")).unwrap().0, [7; LENGTH]);
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let random = Random::seeded(4);
        let (key, other) = (MasterKey(random.bytes()), MasterKey(random.bytes()));
        let derived = key.derive("a").unwrap();
        assert_eq!(key.derive("a").unwrap(), derived);
        for different in [key.derive("b").unwrap(), other.derive("a").unwrap(), key.0] {
            assert_ne!(different, derived);
        }
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_name_only() {
        let random = Random::seeded(3);
        let (key, other) = (MasterKey(random.bytes()), MasterKey(random.bytes()));
        let sealed = key.seal("kid-1", b"private", &random).unwrap();
        assert_eq!(key.open("kid-1", &sealed).unwrap(), b"private");
        assert_eq!(key.open("kid-2", &sealed), Err(CipherError), "another kid");
        assert_eq!(other.open("kid-1", &sealed), Err(CipherError), "another master key");
        for place in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[place] ^= 1;
            assert_eq!(key.open("kid-1", &damaged), Err(CipherError), "damaged at {place}");
        }
        assert_eq!(key.open("kid-1", &sealed[..5]), Err(CipherError), "too short");
        assert!(!sealed.windows(7).any(|w| w == b"private"));
        assert_eq!(format!("{key:?}"), "MasterKey(…)");
    }
}
