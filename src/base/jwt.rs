//! Signed tokens: ES256 and RS256, keys chosen by `kid`, the algorithm fixed by the key and never by the token
//! (RFC 8725 §3.1). Times are checked against a `now` that the caller passes in.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// How a key signs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, sqlx::Type)]
#[sqlx(type_name = "text")]
pub enum Algorithm {
    /// ECDSA on P-256 (RFC 7518 §3.4): short and quick to make.
    #[serde(rename = "ES256")]
    #[sqlx(rename = "ES256")]
    Es256,
    /// RSA PKCS#1 v1.5 with 2048 bits (RFC 7518 §3.3): for libraries that know nothing else.
    #[serde(rename = "RS256")]
    #[sqlx(rename = "RS256")]
    Rs256,
}

impl Algorithm {
    /// As in the header of a token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    fn inner(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

/// Claims of an access token (RFC 9068 §2.2), with the environment it opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it: the issuer URL, to the byte.
    pub iss: String,
    /// A user's UUID, or the client's id when no user is involved.
    pub sub: String,
    /// What it is for: the gateway's base URL in its environment, or the identifiers of single APIs (RFC 8707).
    pub aud: Audience,
    /// The client it was issued to (the consumer key).
    pub client_id: String,
    /// Granted scopes, separated by spaces.
    pub scope: String,
    /// Unique.
    pub jti: String,
    /// Issued at, seconds since the epoch.
    pub iat: i64,
    /// Expires at, seconds since the epoch.
    pub exp: i64,
    /// `production` or `sandbox`.
    pub env: crate::base::environment::Environment,
    /// The grant it belongs to, where a user is involved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<crate::base::id::GrantId>,
}

/// Whom a token is meant for (RFC 7519 §4.1.3): one name is written as a string, several as a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Audience {
    /// From names; a single one is written as such.
    pub fn new(mut names: Vec<String>) -> Self {
        match names.pop() {
            Some(only) if names.is_empty() => Self::One(only),
            Some(last) => {
                names.push(last);
                Self::Several(names)
            }
            None => Self::Several(names),
        }
    }

    /// All of them.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }

    /// Whether `name` is among them.
    pub fn contains(&self, name: &str) -> bool {
        self.names().iter().any(|n| n == name)
    }
}

/// The `typ` of an access token (RFC 9068 §2.1).
pub const ACCESS_TOKEN: &str = "at+jwt";

/// A private key that signs. Parsed once: reading a PKCS#8 document costs more than signing with it.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    pair: Arc<Pair>,
}

/// The header of a token (RFC 7515 §4.1).
#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'static str,
    kid: &'a str,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// From a PKCS#8 document in DER.
    pub fn from_pkcs8(kid: String, algorithm: Algorithm, der: &[u8]) -> Result<Self, TokenError> {
        let pair = match algorithm {
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Pair::Ec),
            Algorithm::Rs256 => RsaKeyPair::from_pkcs8(der).map(Pair::Rsa),
        };
        Ok(Self { kid, algorithm, pair: Arc::new(pair.map_err(|_rejected| TokenError::Key)?) })
    }

    /// The key's name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs `claims` as a token of type `typ`, in the compact form (RFC 7515 §3.1).
    pub fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, TokenError> {
        let header = Header { typ, alg: self.algorithm.as_str(), kid: &self.kid };
        let header = serde_json::to_vec(&header).map_err(|_unserializable| TokenError::Key)?;
        let claims = serde_json::to_vec(claims).map_err(|_unserializable| TokenError::Key)?;
        let mut token = String::with_capacity(1024);
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.signature(token.as_bytes()).map_err(|_unspecified| TokenError::Key)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match &*self.pair {
            Pair::Ec(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// The public keys that are believed, by `kid`.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: HashMap<String, (Algorithm, DecodingKey)>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

impl KeySet {
    /// From public JWKs (RFC 7517), each with `kid` and `alg`.
    pub fn from_jwks<'a>(jwks: impl IntoIterator<Item = &'a serde_json::Value>) -> Result<Self, TokenError> {
        let mut keys = HashMap::new();
        for value in jwks {
            let jwk: jsonwebtoken::jwk::Jwk = Deserialize::deserialize(value).map_err(|_malformed| TokenError::Key)?;
            let kid = jwk.common.key_id.clone().ok_or(TokenError::Key)?;
            let algorithm: Algorithm =
                value.get("alg").and_then(|alg| Deserialize::deserialize(alg).ok()).ok_or(TokenError::Key)?;
            keys.insert(kid, (algorithm, DecodingKey::from_jwk(&jwk).map_err(|_unusable| TokenError::Key)?));
        }
        Ok(Self { keys })
    }

    /// The claims of `token` if one of our keys signed it as a token of type `typ`. Checks neither times nor
    /// audience: see [`KeySet::access`].
    pub fn verify<C: DeserializeOwned + Clone>(&self, token: &str, typ: &str) -> Result<C, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_malformed| TokenError::Malformed)?;
        let is_typ = header.typ.as_deref().is_some_and(|t| {
            // RFC 7515 §4.1.9: `application/` may be written out; media types are compared without case.
            let t =
                t.get(..12).filter(|p| p.eq_ignore_ascii_case("application/")).and_then(|_| t.get(12..)).unwrap_or(t);
            t.eq_ignore_ascii_case(typ)
        });
        if !is_typ {
            return Err(TokenError::WrongType);
        }
        let (algorithm, key) = header.kid.as_ref().and_then(|kid| self.keys.get(kid)).ok_or(TokenError::UnknownKey)?;
        let mut validation = Validation::new(algorithm.inner());
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let data = jsonwebtoken::decode::<C>(token, key, &validation).map_err(|_refused| TokenError::Signature)?;
        Ok(data.claims)
    }

    /// An access token of `issuer` that is alive at `now` (seconds since the epoch). Whom it is meant for and whether it
    /// was revoked is for the caller to check.
    pub fn access(&self, token: &str, issuer: &str, now: i64) -> Result<AccessClaims, TokenError> {
        let claims = self.access_at_any_time(token, issuer)?;
        if claims.is_alive(now) { Ok(claims) } else { Err(TokenError::Expired) }
    }

    /// The same, alive or not: for whoever wants to tell its owner that it has expired.
    pub fn access_at_any_time(&self, token: &str, issuer: &str) -> Result<AccessClaims, TokenError> {
        let claims: AccessClaims = self.verify(token, ACCESS_TOKEN)?;
        if claims.iss == issuer { Ok(claims) } else { Err(TokenError::Issuer) }
    }
}

impl AccessClaims {
    /// Whether its time has begun and not ended at `now` (seconds since the epoch).
    pub fn is_alive(&self, now: i64) -> bool {
        self.exp > now && self.iat <= now + LEEWAY_SECONDS
    }
}

/// How far the clocks of two nodes may differ before a token "from the future" is refused, in seconds.
const LEEWAY_SECONDS: i64 = 60;

/// Why a token is not believed. For logs and for the owner; callers hear `invalid_token` and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT.
    #[error("the token is malformed")]
    Malformed,
    /// A token for something else, such as an ID token.
    #[error("the token is of another type")]
    WrongType,
    /// No key of ours has this `kid`.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// The signature or the algorithm does not fit the key.
    #[error("the signature does not hold")]
    Signature,
    /// Issued by somebody else.
    #[error("the token has another issuer")]
    Issuer,
    /// Too old, or from the future.
    #[error("the token has expired")]
    Expired,
    /// The key itself cannot be used.
    #[error("the key cannot be used")]
    Key,
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::KeyPair as _;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    /// One key of each algorithm, and the set that believes both.
    static KEYS: LazyLock<([SigningKey; 2], KeySet)> = LazyLock::new(|| {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (x, y) = ec.public_key().as_ref()[1..].split_at(32);
        let ec_jwk = json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "kid": "e", "alg": "ES256" });
        let ec = SigningKey::from_pkcs8("e".to_owned(), Algorithm::Es256, ec.to_pkcs8v1().unwrap().as_ref()).unwrap();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let n = rsa.public_key().modulus().big_endian_without_leading_zero();
        let rsa_jwk = json!({ "kty": "RSA", "n": text(n), "e": "AQAB", "kid": "r", "alg": "RS256" });
        let der = rsa.as_der().unwrap();
        let rsa = SigningKey::from_pkcs8("r".to_owned(), Algorithm::Rs256, der.as_ref()).unwrap();
        ([ec, rsa], KeySet::from_jwks([&ec_jwk, &rsa_jwk]).unwrap())
    });

    fn claims() -> Value {
        json!({ "iss": "https://a.example", "sub": "shop", "aud": "https://b.example", "client_id": "shop",
                "scope": "", "jti": "1", "iat": 0, "exp": 900, "env": "sandbox" })
    }

    fn is_taken(token: &str) -> bool {
        KEYS.1.access(token, "https://a.example", 0).is_ok()
    }

    #[test]
    fn at_3_no_byte_of_a_token_can_be_changed() {
        for key in &KEYS.0 {
            let token = key.sign(ACCESS_TOKEN, &claims()).unwrap();
            assert!(is_taken(&token));
            for place in 0..token.len() {
                for other in [b'A', b'B', b'_', b'.', b'=', b' '] {
                    let mut changed = token.clone().into_bytes();
                    if std::mem::replace(&mut changed[place], other) != other {
                        let changed = String::from_utf8(changed).unwrap();
                        assert!(!is_taken(&changed), "{changed}");
                    }
                }
                assert!(!is_taken(token.get(..place).unwrap()), "cut at {place}");
            }
            for longer in [".", "=", "A", "AA", " ", "\n"] {
                assert!(!is_taken(&format!("{token}{longer}")) && !is_taken(&format!("{longer}{token}")), "{longer:?}");
            }
        }
    }

    #[test]
    fn at_3_the_parts_of_two_tokens_make_no_third() {
        let [ec, rsa] = &KEYS.0;
        let mut other = claims();
        other["sub"] = json!("admin");
        let tokens: Vec<String> = [(ec, claims()), (ec, other), (rsa, claims())]
            .map(|(key, claims)| key.sign(ACCESS_TOKEN, &claims).unwrap())
            .into();
        let parts: Vec<Vec<&str>> = tokens.iter().map(|token| token.split('.').collect()).collect();
        for (h, c, s) in (0..27).map(|n| (n / 9, n / 3 % 3, n % 3)) {
            let token = format!("{}.{}.{}", parts[h][0], parts[c][1], parts[s][2]);
            assert_eq!(is_taken(&token), tokens.contains(&token), "{token}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(256)
        })]

        #[test]
        fn what_is_signed_reads_back(
            sub in "\\PC{0,40}",
            scope in "[!-~ ]{0,40}",
            jti in "\\PC{0,30}",
            audience in proptest::collection::vec("\\PC{0,20}", 0..3),
            iat in -1000_i64..60,
            exp in 1..i64::MAX,
        ) {
            let mut claims: AccessClaims = serde_json::from_value(claims()).unwrap();
            claims.aud = Audience::new(audience);
            (claims.sub, claims.scope, claims.jti, claims.iat, claims.exp) = (sub, scope, jti, iat, exp);
            let token = KEYS.0[0].sign(ACCESS_TOKEN, &claims).unwrap();
            prop_assert_eq!(KEYS.1.access(&token, "https://a.example", 0), Ok(claims));
        }

        #[test]
        fn at_3_no_token_is_too_strange_to_be_refused(
            text in "\\PC{0,80}",
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..5),
            header in "\\PC{0,40}",
            signature in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            prop_assert!(!is_taken(&text));
            let parts: Vec<String> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
            prop_assert!(!is_taken(&parts.join(".")));
            let good = KEYS.0[0].sign(ACCESS_TOKEN, &claims()).unwrap();
            let (head, claims) = (good.split('.').next().unwrap(), good.split('.').nth(1).unwrap());
            let forged = format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode(&signature));
            prop_assert!(!is_taken(&forged));
            let odd = json!({ "typ": "at+jwt", "alg": &header, "kid": "e" }).to_string();
            let odd = format!("{}.{claims}.{}", URL_SAFE_NO_PAD.encode(odd), URL_SAFE_NO_PAD.encode(&signature));
            prop_assert!(!is_taken(&odd));
        }
    }
}
