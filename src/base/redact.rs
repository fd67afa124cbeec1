//! Takes secrets out of text that callers wrote, before it is written down: a key in a path is still a key.

use std::borrow::Cow;

/// What stands in the place of something that is not written down.
pub const HIDDEN: &str = "***";
/// Percent-encoding is taken off so often to look for a secret.
const ROUNDS: usize = 4;
/// Letters and digits behind one of our prefixes that make a secret of it: a mistyped key is not told either.
const BODY: usize = 8;

/// The path with each segment hidden that holds a secret.
pub fn path(path: &str) -> Cow<'_, str> {
    if !may_hold_secret(path) {
        return Cow::Borrowed(path);
    }
    let segments: Vec<&str> = path.split('/').map(|s| if holds_secret(s) { HIDDEN } else { s }).collect();
    Cow::Owned(segments.join("/"))
}

/// The names in a query; what stands without a name is hidden like a value.
pub fn query(query: &str) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if !holds_secret(name) => format!("{name}={HIDDEN}"),
        Some(_) => format!("{HIDDEN}={HIDDEN}"),
        None if pair.is_empty() => String::new(),
        None => HIDDEN.to_owned(),
    };
    query.split('&').map(pair).collect::<Vec<_>>().join("&")
}

/// The text, or nothing of it if it holds a secret.
pub fn text(text: &str) -> &str {
    if holds_secret(text) { HIDDEN } else { text }
}

/// Whether there is something in it that looks like one of our secrets or a signed token, in any percent-encoding.
pub fn holds_secret(text: &str) -> bool {
    if !may_hold_secret(text) {
        return false;
    }
    let mut bytes = Cow::Borrowed(text.as_bytes());
    for _ in 0..ROUNDS {
        if is_secret_in(&bytes) {
            return true;
        }
        if !bytes.contains(&b'%') {
            return false;
        }
        bytes = Cow::Owned(decoded(&bytes));
    }
    is_secret_in(&bytes)
}

/// A quick look: nearly all text holds none of these.
fn may_hold_secret(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.contains(&b'%') || bytes.windows(2).any(|two| two.eq_ignore_ascii_case(b"pt") || two == b"ey")
}

/// `ptk_prd_…`, `ptn_…` and the like, or the head of a JWT: `{"` in base64url is `eyJ`.
fn is_secret_in(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|place| {
        let tail = bytes.get(place..).unwrap_or_default();
        is_ours(tail) || is_token(tail)
    })
}

fn is_ours(tail: &[u8]) -> bool {
    let [b'p' | b'P', b't' | b'T', _, b'_', rest @ ..] = tail else { return false };
    let body = if let [_, _, _, b'_', body @ ..] = rest { body } else { rest };
    body.iter().take_while(|b| b.is_ascii_alphanumeric()).count() >= BODY
}

fn is_token(tail: &[u8]) -> bool {
    let Some(rest) = tail.strip_prefix(b"eyJ") else { return false };
    rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count() >= BODY
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let (mut decoded, mut place) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(place) {
        let digits = (digit(bytes.get(place + 1)), digit(bytes.get(place + 2)));
        if let (b'%', (Some(high), Some(low))) = (byte, digits) {
            decoded.push(high * 16 + low);
            place += 3;
        } else {
            decoded.push(*byte);
            place += 1;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::environment::Environment;
    use crate::base::random::Random;
    use crate::base::secret::{Kind, Plain};

    #[test]
    fn no_secret_of_ours_and_no_token_is_left_in_a_path_however_it_is_written() {
        let random = Random::seeded(1);
        let kinds = [
            Kind::ApiKey(Environment::Production),
            Kind::ApiKey(Environment::Sandbox),
            Kind::ClientSecret(Environment::Production),
            Kind::ClientSecret(Environment::Sandbox),
            Kind::Session,
            Kind::AccountLink,
            Kind::AuthorizationCode,
            Kind::RefreshToken,
            Kind::AuthorizationRequest,
            Kind::DeviceCode,
            Kind::SignInState,
            Kind::SignInBrowser,
        ];
        let mut secrets: Vec<String> = kinds.map(|kind| Plain::mint(kind, &random).expose().to_owned()).into();
        secrets.push("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl".to_owned());
        for secret in secrets {
            let encoded = secret.replace('_', "%5F").replace("ey", "%65y");
            for written in [secret.clone(), encoded.clone(), encoded.replace('%', "%25"), format!("Bearer%20{secret}")]
            {
                assert_eq!(path(&format!("/a/{written}/b")), "/a/***/b", "{written}");
                assert_eq!(query(&format!("{written}={written}&q={written}&{written}")), "***=***&q=***&***");
                assert_eq!(text(&written), HIDDEN);
            }
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for plain in ["/shop/pets/v1/cats", "/a%20b/pt_x", "/ptk_prd_", "/they/eyes", "", "/eyJx/ptolemy_x"] {
            assert_eq!(path(plain), plain);
        }
        assert_eq!(query("a=1&&b"), "a=***&&***");
    }
}
