//! Secrets that we make: one format for API keys, consumer secrets, sessions and one-time links.
//!
//! `ptk_prd_` + 43 characters (256 random bits in base 62) + 6 characters of CRC-32. The prefix lets a scanner find a
//! leaked one, the checksum refuses a typing error without a look-up, and a double click selects the whole. Only
//! the SHA-256 digest is ever stored: with 256 random bits a slow hash would add nothing.

use crate::base::environment::Environment;
use crate::base::random::Random;
use sha2::{Digest as _, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BODY: usize = 43;
const CHECK: usize = 6;

/// The cookies that carry a session, on https and on plain http. Cookies do not know ports: where portal and gateway have
/// one host name, browsers send them to both, so the gateway must know them to keep them from the backends.
pub const SESSION_COOKIES: [&str; 2] = ["__Host-portico-session", "portico-session"];

/// What a secret is for; its prefix says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Opens an API at the gateway.
    ApiKey(Environment),
    /// Authenticates an OAuth client.
    ClientSecret(Environment),
    /// A signed-in browser.
    Session,
    /// A one-time link to an account.
    AccountLink,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey(Environment::Production) => "ptk_prd_",
            Self::ApiKey(Environment::Sandbox) => "ptk_sbx_",
            Self::ClientSecret(Environment::Production) => "pts_prd_",
            Self::ClientSecret(Environment::Sandbox) => "pts_sbx_",
            Self::Session => "ptn_",
            Self::AccountLink => "ptl_",
        }
    }
}

/// A secret in plain text. Shown once, never stored, and no `Debug` prints it.
pub struct Plain(String);

impl Plain {
    /// Makes a new one.
    pub fn mint(kind: Kind, random: &Random) -> Self {
        let mut text = format!("{}{}", kind.prefix(), base62(random, BODY));
        let check = checksum(&text);
        text.push_str(&check);
        Self(text)
    }

    /// Reads what a caller sent: right prefix, length, alphabet and checksum, or nothing. Costs no look-up.
    pub fn parse(kind: Kind, text: &str) -> Option<Self> {
        let body = text.strip_prefix(kind.prefix())?;
        let shaped = body.len() == BODY + CHECK && body.bytes().all(|b| b.is_ascii_alphanumeric());
        let (signed, check) = text.split_at_checked(text.len().checked_sub(CHECK)?)?;
        (shaped && checksum(signed) == check).then(|| Self(text.to_owned()))
    }

    /// The text itself, for the one place that shows or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored and looked up.
    pub fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The last four characters: enough to tell secrets apart in a list.
    pub fn hint(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plain(…)")
    }
}

/// The SHA-256 of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// For SQL parameters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// `length` random characters of the alphabet, without bias.
pub fn base62(random: &Random, length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in random.bytes::<64>() {
            // 248 = 4 × 62: the bytes above it would favour the first letters.
            if byte < 248 && text.len() < length {
                text.push(char::from(ALPHABET.get(usize::from(byte % 62)).copied().unwrap_or(b'0')));
            }
        }
    }
    text
}

fn checksum(text: &str) -> String {
    let mut value = crc32fast::hash(text.as_bytes());
    let mut check = [b'0'; CHECK];
    for place in check.iter_mut().rev() {
        *place = usize::try_from(value % 62).ok().and_then(|i| ALPHABET.get(i)).copied().unwrap_or(b'0');
        value /= 62;
    }
    check.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_minted_parses_and_nothing_else_does() {
        let random = Random::seeded(1);
        let kind = Kind::ApiKey(Environment::Production);
        let minted = Plain::mint(kind, &random);
        let text = minted.expose().to_owned();
        assert_eq!(text.len(), 57);
        assert_eq!(Plain::parse(kind, &text).map(|p| p.digest()), Some(minted.digest()));
        assert!(Plain::parse(Kind::ApiKey(Environment::Sandbox), &text).is_none());
        for place in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[place] = if typo[place] == b'x' { b'y' } else { b'x' };
            assert!(Plain::parse(kind, &String::from_utf8_lossy(&typo)).is_none(), "typo at {place}");
        }
        for wrong in ["", "ptk_prd_", text.get(1..).unwrap(), text.get(..56).unwrap(), &format!("{text} "), "ptk_prd_é"]
        {
            assert!(Plain::parse(kind, wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn no_debug_output_shows_a_secret() {
        let minted = Plain::mint(Kind::Session, &Random::seeded(2));
        assert_eq!(format!("{minted:?} {:?}", minted.digest()), "Plain(…) Digest(…)");
    }
}
