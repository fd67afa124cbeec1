//! Proof key for code exchange (RFC 7636): ties a code to the one who asked for it.

use crate::domain::credentials::client_model::{ClientKind, ClientSettings};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Characters of a verifier, and so of a plain challenge (RFC 7636 §4.1).
const LENGTHS: std::ops::RangeInclusive<usize> = 43..=128;
/// Characters of a SHA-256 in base64url without padding.
const S256_LENGTH: usize = 43;

/// What an authorization request commits itself to: whoever brings the code must know the verifier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Challenge {
    /// The verifier's SHA-256 in base64url.
    S256(String),
    /// The verifier itself: whoever reads the request knows it. Only where the application has ticked it.
    Plain(String),
}

impl Challenge {
    /// Reads the parameters `code_challenge` and `code_challenge_method`. None where the application may do without;
    /// the error is the description for the client.
    pub(super) fn parse(
        settings: &ClientSettings,
        challenge: Option<&str>,
        method: Option<&str>,
    ) -> Result<Option<Self>, &'static str> {
        let Some(challenge) = challenge else {
            // A public client proves nothing else, so no setting takes this from it (RFC 9700 §2.1.1).
            return if settings.pkce_mandatory || settings.kind == ClientKind::Public {
                Err("The parameter code_challenge is missing. The application needs PKCE.")
            } else if method.is_some() {
                Err("There is a code_challenge_method but no code_challenge.")
            } else {
                Ok(None)
            };
        };
        match method {
            Some("S256") if is_s256(challenge) => Ok(Some(Self::S256(challenge.to_owned()))),
            Some("S256") => Err("The code_challenge is not a SHA-256 in base64url without padding."),
            // RFC 7636 §4.3: a method that is left out means plain.
            None | Some("plain") if !settings.pkce_plain_allowed => {
                Err("The application may not use the code_challenge_method plain. Use S256.")
            }
            None | Some("plain") if is_verifier(challenge) => Ok(Some(Self::Plain(challenge.to_owned()))),
            None | Some("plain") => Err("The code_challenge must have 43 to 128 unreserved characters."),
            Some(_) => Err("The server does not know this code_challenge_method. Use S256."),
        }
    }

    /// From the two columns.
    pub(super) fn stored(challenge: Option<String>, method: Option<&str>) -> Option<Self> {
        let challenge = challenge?;
        Some(if method == Some("plain") { Self::Plain(challenge) } else { Self::S256(challenge) })
    }

    /// The challenge as it was sent.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::S256(challenge) | Self::Plain(challenge) => challenge,
        }
    }

    /// The method as it was sent, or was meant.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::S256(_) => "S256",
            Self::Plain(_) => "plain",
        }
    }

    /// Whether this is the verifier (RFC 7636 §4.6). Takes as long for a wrong one.
    pub(super) fn is_met_by(&self, verifier: &str) -> bool {
        if !is_verifier(verifier) {
            return false;
        }
        match self {
            Self::S256(challenge) => {
                let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
                digest.as_bytes().ct_eq(challenge.as_bytes()).into()
            }
            Self::Plain(challenge) => verifier.as_bytes().ct_eq(challenge.as_bytes()).into(),
        }
    }
}

fn is_verifier(text: &str) -> bool {
    LENGTHS.contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

/// Decoding, rather than looking at characters, also refuses a last character with bits that no digest leaves.
fn is_s256(text: &str) -> bool {
    text.len() == S256_LENGTH && URL_SAFE_NO_PAD.decode(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn settings(kind: ClientKind, mandatory: bool, plain: bool) -> ClientSettings {
        ClientSettings {
            grant_types: Vec::new(),
            kind,
            pkce_mandatory: mandatory,
            pkce_plain_allowed: plain,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            cors_origins: Vec::new(),
            access_token_seconds: 900,
            refresh_token_seconds: 86400,
            id_token_seconds: 3600,
            refresh_leeway_seconds: 5,
            scopes: None,
            jwks: None,
        }
    }

    /// All but the last of 43 characters.
    fn short(text: &str) -> &str {
        text.get(..42).unwrap()
    }

    fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Challenge>, &'static str> {
        Challenge::parse(&settings(ClientKind::Confidential, true, true), challenge, method)
    }

    #[test]
    fn the_example_of_the_rfc_holds() {
        let challenge = parse(Some(CHALLENGE), Some("S256")).unwrap().unwrap();
        assert!(challenge.is_met_by(VERIFIER));
        assert!(!challenge.is_met_by(CHALLENGE), "the challenge itself");
        assert_eq!(Challenge::stored(Some(CHALLENGE.to_owned()), Some("S256")), Some(challenge));
    }

    #[test]
    fn pkce_1_pkce_6_who_may_do_without() {
        use ClientKind::{Confidential, Public};
        for (kind, mandatory, may) in
            [(Public, true, false), (Public, false, false), (Confidential, true, false), (Confidential, false, true)]
        {
            let settings = settings(kind, mandatory, false);
            assert_eq!(Challenge::parse(&settings, None, None).is_ok(), may, "{kind:?} {mandatory}");
            assert!(Challenge::parse(&settings, None, Some("S256")).is_err(), "a method without a challenge");
            assert!(Challenge::parse(&settings, Some(CHALLENGE), Some("S256")).unwrap().is_some());
        }
    }

    #[test]
    fn pkce_4_a_method_left_out_means_plain_and_plain_must_be_allowed() {
        let without = settings(ClientKind::Public, true, false);
        for method in [None, Some("plain")] {
            assert!(Challenge::parse(&without, Some(VERIFIER), method).is_err());
            let challenge = parse(Some(VERIFIER), method).unwrap().unwrap();
            assert_eq!(challenge, Challenge::Plain(VERIFIER.to_owned()));
            assert!(challenge.is_met_by(VERIFIER) && !challenge.is_met_by(CHALLENGE));
            assert_eq!(Challenge::stored(Some(VERIFIER.to_owned()), Some(challenge.method())), Some(challenge));
        }
    }

    #[test]
    fn pkce_5_malformed_challenges_and_unknown_methods_are_refused_in_allowed_characters() {
        let long = "a".repeat(129);
        let spaced = format!("{VERIFIER} ");
        let padded = format!("{CHALLENGE}=");
        let dirty_end = format!("{}N", short(CHALLENGE));
        let wrong = [
            (CHALLENGE, Some("s256")),
            (CHALLENGE, Some("S512")),
            ("", Some("S256")),
            (short(CHALLENGE), Some("S256")),
            (&padded, Some("S256")),
            (&dirty_end, Some("S256")),
            (&"~".repeat(43), Some("S256")),
            (short(VERIFIER), Some("plain")),
            (&long, Some("plain")),
            (&spaced, None),
            ("ééééééééééééééééééééééé", Some("plain")),
        ];
        for (challenge, method) in wrong {
            let description = parse(Some(challenge), method).unwrap_err();
            let allowed = |c: u8| matches!(c, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(description.bytes().all(allowed), "{description}");
        }
        assert!(parse(long.get(1..), Some("plain")).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(256)
        })]

        #[test]
        fn only_the_verifier_meets_its_challenge(verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
            for (challenge, method) in [(digest.as_str(), "S256"), (verifier.as_str(), "plain")] {
                let challenge = parse(Some(challenge), Some(method)).unwrap().unwrap();
                prop_assert!(challenge.is_met_by(&verifier));
                prop_assert_eq!(challenge.is_met_by(&other), other == verifier);
                prop_assert!(!challenge.is_met_by(verifier.get(1..).unwrap()));
            }
        }

        #[test]
        fn nothing_is_too_strange(challenge in "\\PC{0,140}", method in "\\PC{0,8}", verifier in "\\PC{0,140}") {
            for method in [None, Some("S256"), Some(method.as_str())] {
                if let Ok(Some(parsed)) = parse(Some(&challenge), method) {
                    let _ = parsed.is_met_by(&verifier);
                }
            }
        }
    }
}
