//! ID tokens of providers, judged by OpenID Connect Core §3.1.3.7.

use crate::base::jwk::{self, Verdict};
use crate::base::jwt::Audience;
use crate::domain::accounts::providers::claims::Claims;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

/// How a provider may sign: with a key that only it has. `none` and everything that is made with our own secret is not here.
const TAKEN: [Algorithm; 9] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::EdDSA,
];
/// How far the provider's clock may be off.
const LEEWAY: Duration = Duration::minutes(1);
/// How old a token may be that has just been made for us.
const OLDEST: Duration = Duration::minutes(10);
/// The longest subject (§2: 255 ASCII characters).
const LONGEST_SUBJECT: usize = 255;

/// What a token must say to be ours.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: OffsetDateTime,
}

/// A token that can be read. Nothing in it is believed yet.
pub(super) struct IdToken<'a> {
    text: &'a str,
    header: Header,
    named: Named,
    claims: Claims,
}

#[derive(Deserialize)]
struct Named {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
}

impl<'a> IdToken<'a> {
    /// Reads it.
    pub(super) fn read(text: &'a str) -> Result<Self, &'static str> {
        let header = jsonwebtoken::decode_header(text).map_err(|_unreadable| "it is no signed token that we know")?;
        let payload = text.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_unreadable| "its claims cannot be read")?;
        let named = Named::deserialize(Value::Object(claims.clone()));
        let named = named.map_err(|_missing| "one of iss, sub, aud, exp and iat is missing or of another type")?;
        Ok(Self { text, header, named, claims })
    }

    /// Whether a key of the set has signed it.
    pub(super) fn signature(&self, keys: &Value) -> Verdict {
        jwk::judge(keys, self.text, &self.header, &TAKEN)
    }

    /// Subject and claims of a token whose signature holds, if it was made for us, just now, and for this sign-in.
    pub(super) fn accept(self, expected: &Expected<'_>) -> Result<(String, Claims), &'static str> {
        let Named { iss, sub, aud, azp, exp, iat, nbf, nonce } = &self.named;
        // RFC 8725 §3.11: an access token is no ID token.
        if self.header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err("it is of another type");
        }
        if iss != expected.issuer {
            return Err("it is of another issuer");
        }
        // No audience beside us is trusted.
        if aud.names().is_empty() || aud.names().iter().any(|name| name != expected.client) {
            return Err("it is for another audience");
        }
        if azp.as_ref().is_some_and(|azp| azp != expected.client) {
            return Err("it is for another party (azp)");
        }
        let now = expected.now;
        if at(*exp).is_none_or(|exp| exp + LEEWAY <= now) {
            return Err("it has expired");
        }
        if at(*iat).is_none_or(|iat| iat > now + LEEWAY || iat < now - OLDEST) {
            return Err("it was not made just now (iat)");
        }
        if nbf.is_some_and(|nbf| at(nbf).is_none_or(|nbf| nbf > now + LEEWAY)) {
            return Err("its time has not come (nbf)");
        }
        let nonce = nonce.as_deref().unwrap_or_default();
        if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
            return Err("it belongs to another sign-in (nonce)");
        }
        if !(1..=LONGEST_SUBJECT).contains(&sub.len()) || !sub.bytes().all(|b| matches!(b, 0x20..=0x7e)) {
            return Err("its subject is none");
        }
        Ok((self.named.sub, self.claims))
    }
}

/// Seconds since the epoch; fractions are allowed (RFC 7519 §2).
fn at(seconds: f64) -> Option<OffsetDateTime> {
    // Beyond any year that a sum with a leeway could leave.
    (0.0..1.0e11).contains(&seconds).then_some(())?;
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::checked_seconds_f64(seconds)?)
}
