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

/// The cookies of a sign-in with another provider that has begun, likewise.
pub const SIGN_IN_COOKIES: [&str; 2] = ["__Host-portico-sign-in", "portico-sign-in"];

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
    /// An authorization code (RFC 6749 §4.1.2).
    AuthorizationCode,
    /// A refresh token (RFC 6749 §6).
    RefreshToken,
    /// Names an authorization request that waits for its user.
    AuthorizationRequest,
    /// A device code (RFC 8628 §3.2).
    DeviceCode,
    /// The `state` of a sign-in that has begun at another provider (RFC 6749 §10.12).
    SignInState,
    /// What the browser keeps of it.
    SignInBrowser,
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
            Self::AuthorizationCode => "ptc_",
            Self::RefreshToken => "ptr_",
            Self::AuthorizationRequest => "ptq_",
            Self::DeviceCode => "ptd_",
            Self::SignInState => "pte_",
            Self::SignInBrowser => "ptb_",
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

    /// Writes 256 bits that were made elsewhere, such as a keyed hash, in the same form.
    pub fn from_bits(kind: Kind, bits: &[u8; 32]) -> Self {
        let mut text = format!("{}{}", kind.prefix(), encode(*bits));
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

/// 256 bits as a number in base 62: 43 digits hold them, because 62⁴³ is just above 2²⁵⁶.
fn encode(mut number: [u8; 32]) -> String {
    let mut digits = [b'0'; BODY];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u16;
        for byte in &mut number {
            let value = remainder * 256 + u16::from(*byte);
            // Below 256, since the remainder is below 62.
            *byte = u8::try_from(value / 62).unwrap_or(0);
            remainder = value % 62;
        }
        *digit = ALPHABET.get(usize::from(remainder)).copied().unwrap_or(b'0');
    }
    digits.iter().copied().map(char::from).collect()
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
    fn bits_become_a_secret_of_the_same_form_each_its_own() {
        let text = |bits: &[u8; 32]| Plain::from_bits(Kind::RefreshToken, bits).expose().to_owned();
        let mut seen = vec![text(&[0; 32]), text(&[255; 32])];
        assert!(seen[0].starts_with(&format!("ptr_{}", "0".repeat(43))));
        // 2²⁵⁶ − 1 in base 62, from another implementation.
        assert!(seen[1].starts_with("ptr_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"), "{}", seen[1]);
        for place in 0..32 {
            let mut bits = [0; 32];
            bits[place] = 1;
            seen.push(text(&bits));
        }
        for text in &seen {
            assert!(Plain::parse(Kind::RefreshToken, text).is_some(), "{text}");
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn no_debug_output_shows_a_secret() {
        let minted = Plain::mint(Kind::Session, &Random::seeded(2));
        assert_eq!(format!("{minted:?} {:?}", minted.digest()), "Plain(…) Digest(…)");
    }
}
