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
    /// What it is for: the gateway's base URL in its environment.
    pub aud: String,
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
        let header = serde_json::json!({ "typ": typ, "alg": self.algorithm.as_str(), "kid": self.kid });
        let claims = serde_json::to_vec(claims).map_err(|_unserializable| TokenError::Key)?;
        let mut token = String::with_capacity(512);
        URL_SAFE_NO_PAD.encode_string(header.to_string(), &mut token);
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

    /// An access token of `issuer` that is alive at `now` (seconds since the epoch) and meant for `audience`.
    pub fn access(&self, token: &str, issuer: &str, audience: &str, now: i64) -> Result<AccessClaims, TokenError> {
        let claims: AccessClaims = self.verify(token, ACCESS_TOKEN)?;
        if claims.iss != issuer {
            return Err(TokenError::Issuer);
        }
        if claims.exp <= now || claims.iat > now + LEEWAY_SECONDS {
            return Err(TokenError::Expired);
        }
        if claims.aud != audience {
            return Err(TokenError::Audience);
        }
        Ok(claims)
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
    /// For another environment or resource.
    #[error("the token is meant for another audience")]
    Audience,
    /// The key itself cannot be used.
    #[error("the key cannot be used")]
    Key,
}
