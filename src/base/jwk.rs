//! Public keys with which the tokens of others are verified (RFC 7517): the key that a token names, and the algorithms that
//! the key leaves. Both come from the set, never from the token (RFC 8725 §3.1): a header that brings a key, points to one or
//! names another algorithm changes nothing.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::Value;

/// What a set says of a token's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// The set has no key of that name. A newer set may.
    UnknownKey,
    /// It does not hold, or is made in a way that is not taken.
    Fails,
}

/// Whether the token is signed by the key of the set that it names, with one of the algorithms that are allowed.
pub fn judge(set: &Value, token: &str, header: &Header, allowed: &[Algorithm]) -> Verdict {
    // RFC 7515 §4.1.11: what we must understand and do not.
    if header.crit.is_some() || !allowed.contains(&header.alg) {
        return Verdict::Fails;
    }
    let Some(key) = key(set, header.kid.as_deref()) else { return Verdict::UnknownKey };
    let Some((key, algorithms)) = usable(key) else { return Verdict::Fails };
    if !algorithms.contains(&header.alg) {
        return Verdict::Fails;
    }
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode::<serde::de::IgnoredAny>(token, &key, &validation) {
        Ok(_) => Verdict::Holds,
        Err(_) => Verdict::Fails,
    }
}

/// The key that the token names. A set of one key needs no names.
fn key<'a>(set: &'a Value, kid: Option<&str>) -> Option<&'a Value> {
    let keys = set.get("keys")?.as_array()?;
    let id = |key: &Value| key.get("kid").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
    match (kid, keys.as_slice()) {
        (None, [only]) => Some(only),
        (Some(_), [only]) if id(only).is_none() => Some(only),
        (Some(kid), keys) => keys.iter().find(|key| id(key).as_deref() == Some(kid)),
        (None, _) => None,
    }
}

/// The key and the algorithms that its kind, and its `alg` if it has one, leave. None of them works with a secret that both
/// sides know.
fn usable(value: &Value) -> Option<(DecodingKey, Vec<Algorithm>)> {
    let jwk: Jwk = Deserialize::deserialize(value).ok()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|wanted| *wanted != PublicKeyUse::Signature) {
        return None;
    }
    let of_kind: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => &[Algorithm::ES384],
        AlgorithmParameters::RSA(_) => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
        _ => return None,
    };
    let named = value.get("alg").and_then(Value::as_str).map(|alg| if alg == "Ed25519" { "EdDSA" } else { alg });
    let fits = |algorithm: &Algorithm| named.is_none_or(|named| named.parse::<Algorithm>().ok() == Some(*algorithm));
    Some((DecodingKey::from_jwk(&jwk).ok()?, of_kind.iter().copied().filter(fits).collect()))
}
