//! Keys under arbitrary input: reading one never panics, and takes nothing but what was made.

use crate::base::environment::Environment;
use crate::base::random::Random;
use crate::base::secret::{Kind, Plain};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const KINDS: [Kind; 10] = [
    Kind::ApiKey(Environment::Production),
    Kind::ApiKey(Environment::Sandbox),
    Kind::ClientSecret(Environment::Production),
    Kind::Session,
    Kind::AccountLink,
    Kind::AuthorizationCode,
    Kind::RefreshToken,
    Kind::DeviceCode,
    Kind::SignInState,
    Kind::SignInBrowser,
];

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::with_cases(1_000)
    })]

    #[test]
    fn what_was_made_is_read_as_it_is_and_as_nothing_else(bits: [u8; 32], made in 0..KINDS.len(), seed: u64) {
        for secret in [Plain::from_bits(KINDS[made], &bits), Plain::mint(KINDS[made], &Random::seeded(seed))] {
            for (read, kind) in KINDS.iter().enumerate() {
                let found = Plain::parse(*kind, secret.expose());
                prop_assert_eq!(found.as_ref().map(Plain::expose), (read == made).then(|| secret.expose()));
                prop_assert!(found.is_none_or(|found| found.digest() == secret.digest()));
            }
        }
    }

    #[test]
    fn a_changed_secret_is_none(
        bits: [u8; 32], kind in 0..KINDS.len(), place in 0..57_usize, put in "\\PC{0,3}", cut in 0..3_usize,
    ) {
        let secret = Plain::from_bits(KINDS[kind], &bits);
        let text = secret.expose();
        let (start, end) = text.split_at(place.min(text.len()));
        let changed = format!("{start}{put}{}", end.get(cut..).unwrap_or_default());
        let found = Plain::parse(KINDS[kind], &changed);
        prop_assert_eq!(found.is_some(), changed == text, "{} from {}", changed, text);
    }

    #[test]
    fn any_text_is_read_without_harm(kind in 0..KINDS.len(), text in "(pt[a-z]_(prd_|sbx_)?)?([0-9A-Za-z]{49}|\\PC{0,60})") {
        if let Some(found) = Plain::parse(KINDS[kind], &text) {
            prop_assert_eq!(found.expose(), &text);
            prop_assert_eq!(format!("{:?}", found), "Plain(…)");
        }
    }
}
