//! Client authentication by a signed token, `private_key_jwt` (RFC 7523 §3, OIDC Core §9).
//!
//! The key and with it the algorithm come from what the client's owner has entered, never from the token
//! (RFC 8725 §3.1): a header that brings a key, points to one or names another algorithm changes nothing.

use crate::base::error::Result;
use crate::base::jwk::{self, Verdict};
use crate::base::secret::Digest;
use crate::domain::credentials::client_model::RegisteredClient;
use crate::domain::oauth::assertion_store;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::metadata::{DEVICE_AUTHORIZATION, INTROSPECT, REVOKE, TOKEN};
use crate::infra::db::Conn;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

/// How clients may sign, as in the metadata.
pub(super) const ALGORITHMS: [&str; 4] = ["ES256", "RS256", "PS256", "EdDSA"];
const TAKEN: [Algorithm; 4] = [Algorithm::ES256, Algorithm::RS256, Algorithm::PS256, Algorithm::EdDSA];
/// The only `client_assertion_type` that we know (RFC 7523 §2.2).
const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Characters of an assertion.
const LONGEST: usize = 8 * 1024;
/// How far ahead an assertion may end by the client's clock. Authlib makes its assertions for exactly so long.
const FURTHEST_END: Duration = Duration::hours(1);
/// How far the client's clock may be ahead of ours.
const LEEWAY: Duration = Duration::minutes(1);

/// An assertion that can be read. Nothing in it is believed yet.
pub(super) struct Assertion<'a> {
    text: &'a str,
    header: Header,
    claims: Claims,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Moment,
    nbf: Option<Moment>,
    iat: Option<Moment>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Seconds since the epoch. Fractions are allowed (RFC 7519 §2), and some languages send them unasked.
#[derive(Deserialize)]
struct Moment(f64);

impl Moment {
    fn at(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::UNIX_EPOCH.checked_add(Duration::checked_seconds_f64(self.0)?)
    }
}

impl<'a> Assertion<'a> {
    /// Reads what was sent. None when it is of another type, no token, or about another client than `client_id` names:
    /// issuer, subject and client are one (RFC 7523 §3).
    pub(super) fn read(client_id: Option<&str>, kind: &str, text: &'a str) -> Option<Self> {
        if kind != KIND || text.len() > LONGEST {
            return None;
        }
        let header = jsonwebtoken::decode_header(text).ok()?;
        let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        let is_one = claims.iss == claims.sub && client_id.is_none_or(|id| id == claims.sub);
        is_one.then_some(Self { text, header, claims })
    }

    /// Which client it claims to be from.
    pub(super) fn client(&self) -> &str {
        &self.claims.sub
    }

    /// Whether the client made it, for us, for now; and it is used up by that.
    pub(super) async fn proves(
        &self,
        conn: &mut Conn,
        issuer: &Issuer,
        client: &RegisteredClient,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let Some(expires_at) = self.end(now) else { return Ok(false) };
        let is_good = self.claims.sub == client.id
            && !self.claims.jti.is_empty()
            && self.is_for(issuer)
            && client.settings.jwks.as_ref().is_some_and(|set| self.is_signed_by(set));
        if !is_good {
            return Ok(false);
        }
        // Last: only the client itself can make us remember something.
        let jti = Digest(Sha256::digest(&self.claims.jti).into());
        assertion_store::use_up(conn, &client.id, &jti, expires_at).await
    }

    /// When it ends, if it is good now.
    fn end(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let expires_at = self.claims.exp.at()?;
        let begins = [&self.claims.nbf, &self.claims.iat];
        let has_begun = begins.into_iter().flatten().all(|moment| moment.at().is_some_and(|at| at <= now + LEEWAY));
        (has_begun && expires_at > now && expires_at <= now + FURTHEST_END + LEEWAY).then_some(expires_at)
    }

    /// Our name, or the URL of an endpoint that clients authenticate at: RFC 7523 §3 allows the token endpoint's, which
    /// is what libraries send. Every audience must be one of these: an assertion that is meant for somebody else too
    /// could be sent here by them.
    fn is_for(&self, issuer: &Issuer) -> bool {
        let name = issuer.name();
        let is_ours = |audience: &String| {
            audience
                .strip_prefix(name)
                .is_some_and(|path| ["", TOKEN, REVOKE, INTROSPECT, DEVICE_AUTHORIZATION].contains(&path))
        };
        match &self.claims.aud {
            Audience::One(audience) => is_ours(audience),
            Audience::Several(audiences) => !audiences.is_empty() && audiences.iter().all(is_ours),
        }
    }

    fn is_signed_by(&self, set: &Value) -> bool {
        jwk::judge(set, self.text, &self.header, &TAKEN) == Verdict::Holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use serde_json::json;

    /// A good assertion of the client `shop`, and the set that it verifies with.
    fn good() -> (String, Value) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let set = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "kid": "k" }] });
        let claims = json!({ "iss": "shop", "sub": "shop", "aud": "https://a.example", "exp": 1.5, "jti": "1" });
        let (header, claims) = (json!({ "alg": "ES256", "kid": "k" }).to_string(), claims.to_string());
        let message = format!("{}.{}", text(header.as_bytes()), text(claims.as_bytes()));
        let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        (format!("{message}.{}", text(signature.as_ref())), set)
    }

    fn is_taken(text: &str, set: &Value) -> bool {
        Assertion::read(None, KIND, text).is_some_and(|assertion| assertion.is_signed_by(set))
    }

    #[test]
    fn opt_1_no_byte_of_an_assertion_can_be_changed() {
        let (token, set) = good();
        assert!(is_taken(&token, &set));
        for place in 0..token.len() {
            for other in [b'A', b'B', b'_', b'.', b'=', b' ', b'\n'] {
                let mut changed = token.clone().into_bytes();
                if std::mem::replace(&mut changed[place], other) != other {
                    let changed = String::from_utf8(changed).unwrap();
                    assert!(!is_taken(&changed, &set), "{changed}");
                }
            }
            assert!(!is_taken(token.get(..place).unwrap(), &set), "cut at {place}");
        }
        for longer in
            [format!("{token}."), format!("{token}="), format!("{token}A"), format!(" {token}"), format!(".{token}")]
        {
            assert!(!is_taken(&longer, &set), "{longer}");
        }
    }

    #[test]
    fn a_key_is_chosen_by_its_name_and_fixes_the_algorithm() {
        let (token, set) = good();
        let with = |change: fn(&mut Value)| {
            let mut set = set.clone();
            change(&mut set);
            is_taken(&token, &set)
        };
        assert!(with(|set| set["keys"][0]["alg"] = "ES256".into()));
        assert!(with(|set| _ = set["keys"][0].as_object_mut().unwrap().remove("kid")));
        assert!(!with(|set| set["keys"][0]["alg"] = "RS256".into()));
        assert!(!with(|set| set["keys"][0]["use"] = "enc".into()));
        assert!(!with(|set| set["keys"][0]["kid"] = "other".into()));
        assert!(!with(|set| set["keys"][0]["kty"] = "oct".into()));
        assert!(!with(|set| set["keys"] = json!([])));
        assert!(!with(|set| *set = json!("keys")));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(256)
        })]

        #[test]
        fn no_assertion_is_too_strange_to_be_refused(
            header in "\\PC{0,60}",
            claims in "\\PC{0,60}",
            signature in proptest::collection::vec(any::<u8>(), 0..80),
            text in "\\PC{0,80}",
            exp in any::<f64>(),
        ) {
            let set = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": &text, "y": &claims }] });
            let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
            let signature = URL_SAFE_NO_PAD.encode(&signature);
            prop_assert!(!is_taken(&text, &set));
            let token = format!("{}.{}.{signature}", part(&header), part(&claims));
            prop_assert!(!is_taken(&token, &set));
            let claims = json!({ "iss": "a", "sub": "a", "aud": [], "exp": exp, "jti": "1" }).to_string();
            let token = format!("{}.{}.{signature}", part("{\"alg\":\"ES256\"}"), part(&claims));
            if let Some(assertion) = Assertion::read(Some("a"), KIND, &token) {
                let _ = assertion.end(OffsetDateTime::UNIX_EPOCH);
                prop_assert!(!assertion.is_signed_by(&set));
            }
        }
    }
}
