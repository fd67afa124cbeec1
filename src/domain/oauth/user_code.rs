//! The code that a person reads off a device and types in (RFC 8628 §6.1).

use crate::base::error::{Error, Result};
use crate::base::random::Random;
use crate::base::secret::Digest;
use crate::domain::oauth::master_key::MasterKey;
use aws_lc_rs::hmac;

/// Consonants without Y: no two look alike, and no code is a word. 20⁸ codes, so 34 bits.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a code.
const LENGTH: usize = 8;
/// The purpose for which the key of digests is derived from the master key.
const LABEL: &str = "portico user code digest";

/// A code in plain text; no `Debug` prints it. Its `Display` is `WDJB-MJHT`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// Makes a new one.
    pub(super) fn mint(random: &Random) -> Self {
        let mut text = String::with_capacity(LENGTH);
        while text.len() < LENGTH {
            for byte in random.bytes::<16>() {
                // 240 = 12 × 20: the bytes above it would favour the first letters.
                if byte < 240 && text.len() < LENGTH {
                    text.extend(ALPHABET.get(usize::from(byte % 20)).copied().map(char::from));
                }
            }
        }
        Self(text)
    }

    /// Reads what a person typed: case, spaces and hyphens do not matter, everything else does.
    pub fn parse(text: &str) -> Option<Self> {
        let is_filler = |c: &char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}');
        // One letter more than a code has is enough to know that it is none.
        let letters: String =
            text.chars().filter(|c| !is_filler(c)).map(|c| c.to_ascii_uppercase()).take(LENGTH + 1).collect();
        (letters.len() == LENGTH && letters.bytes().all(|b| ALPHABET.contains(&b))).then_some(Self(letters))
    }

    /// What is stored and looked up. Trying all codes against a bare hash takes a minute, so it needs a key, which only
    /// the server has.
    pub(super) fn digest(&self, master_key: &MasterKey) -> Result<Digest> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &master_key.derive(LABEL).map_err(Error::internal)?);
        let tag = hmac::sign(&key, self.0.as_bytes());
        Ok(Digest(tag.as_ref().try_into().map_err(Error::internal)?))
    }
}

impl std::fmt::Display for UserCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.split_at_checked(LENGTH / 2) {
            Some((first, second)) => write!(f, "{first}-{second}"),
            None => f.write_str(&self.0),
        }
    }
}

impl std::fmt::Debug for UserCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    #[test]
    fn opt_3_case_spaces_and_hyphens_do_not_matter() {
        let code = UserCode::parse("WDJBMJHT").unwrap();
        assert_eq!(code.to_string(), "WDJB-MJHT");
        for typed in ["wdjb-mjht", " WDJB MJHT ", "w d j b m j h t", "WDJB–MJHT", "wDjB\tmJhT\n", "--WDJBMJHT--"] {
            assert_eq!(UserCode::parse(typed).as_ref(), Some(&code), "{typed:?}");
        }
        for wrong in
            ["", "WDJB", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH1", "WDJB_MJHT", "ＷDJBMJHT", "WDJB-MJHß"]
        {
            assert_eq!(UserCode::parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(format!("{code:?}"), "UserCode(…)");
    }

    #[test]
    fn every_letter_is_as_likely_as_the_next() {
        let random = Random::seeded(3);
        let mut seen = [0_u32; 20];
        for _ in 0..2500 {
            for letter in UserCode::mint(&random).0.bytes() {
                seen[ALPHABET.iter().position(|known| *known == letter).unwrap()] += 1;
            }
        }
        assert!(seen.iter().all(|n| (850..1150).contains(n)), "{seen:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(256)
        })]

        #[test]
        fn whatever_is_typed_is_a_code_or_is_not(text in "\\PC{0,40}") {
            if let Some(code) = UserCode::parse(&text) {
                prop_assert_eq!(UserCode::parse(&code.to_string()), Some(code));
            }
        }

        #[test]
        fn what_is_shown_reads_back(seed in any::<u64>()) {
            let code = UserCode::mint(&Random::seeded(seed));
            prop_assert_eq!(UserCode::parse(&code.to_string().to_lowercase()), Some(code));
        }
    }
}
