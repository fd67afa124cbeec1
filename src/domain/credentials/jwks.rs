//! Public keys that the owner of a client enters: a JWK set (RFC 7517 §5) with which the client signs instead of sending a
//! secret (RFC 7523).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Keys of a set, at most.
const MOST: usize = 10;
/// Bytes of a set, at most.
const LARGEST: usize = 16 * 1024;
/// Bits of an RSA modulus: at least what RFC 7518 §3.3 asks for, at most what is quick to verify with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Members that only private and shared keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Characters of a `kid`, at most.
const LONGEST_ID: usize = 200;

/// Whether it is a set of public keys that signatures can be verified with. The error is a sentence.
pub(super) fn check(set: &Value) -> Result<(), String> {
    let Some(keys) = set.get("keys").and_then(Value::as_array) else {
        return Err("Paste a JWK set in JSON: {\"keys\": [ … ]}.".to_owned());
    };
    if set.to_string().len() > LARGEST {
        return Err("The JWK set is larger than 16 KiB. Leave out certificates and old keys.".to_owned());
    }
    if keys.is_empty() || keys.len() > MOST {
        return Err(format!("Enter from 1 to {MOST} keys; the set has {}.", keys.len()));
    }
    let mut ids = BTreeSet::new();
    for (place, key) in (1..).zip(keys) {
        let about = |why: &str| format!("Key {place} {why}");
        let key = key.as_object().ok_or_else(|| about("is not a JSON object."))?;
        check_key(key).map_err(about)?;
        let id = key.get("kid").map_or(Some(""), Value::as_str).ok_or_else(|| about("has a kid that is not text."))?;
        if id.len() > LONGEST_ID {
            return Err(about("has a kid of more than 200 characters."));
        }
        if id.is_empty() && keys.len() > 1 {
            return Err(about("has no kid. Several keys are told apart by it."));
        }
        if !ids.insert(id) {
            return Err(about(&format!("has the kid {id} of another key. Give each its own.")));
        }
    }
    Ok(())
}

fn check_key(key: &Map<String, Value>) -> Result<(), &'static str> {
    if PRIVATE.iter().any(|member| key.contains_key(*member)) {
        return Err(
            "is private or shared. Paste public keys only, and keep that one to yourself: replace it if it was \
                    ever sent elsewhere.",
        );
    }
    let text = |member: &str| key.get(member).and_then(Value::as_str);
    if key.contains_key("use") && text("use") != Some("sig") {
        return Err("is not for signatures: its use is not sig.");
    }
    let operations = key.get("key_ops").map(|all| all.as_array().is_some_and(|all| all.contains(&"verify".into())));
    if operations == Some(false) {
        return Err("is not for signatures: its key_ops lack verify.");
    }
    let bytes = |member: &str| text(member).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok()).unwrap_or_default();
    let (is_usable, algorithms): (bool, &[&str]) = match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => {
            let point = [&[4], bytes("x").as_slice(), bytes("y").as_slice()].concat();
            (ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok(), &["ES256"])
        }
        (Some("OKP"), Some("Ed25519")) => (ParsedPublicKey::new(&ED25519, bytes("x")).is_ok(), &["EdDSA", "Ed25519"]),
        (Some("RSA"), None) => {
            check_rsa(&bytes("n"), &bytes("e"))?;
            (true, &["RS256", "PS256"])
        }
        _ => return Err("is of a kind that is not taken. Use EC on P-256, RSA, or OKP with Ed25519."),
    };
    if !is_usable {
        return Err("is broken: its numbers are missing or make no key.");
    }
    if key.contains_key("alg") && !text("alg").is_some_and(|named| algorithms.contains(&named)) {
        return Err("names an alg that does not fit its kind or is not taken. Use ES256, RS256, PS256 or EdDSA.");
    }
    Ok(())
}

fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), &'static str> {
    const BROKEN: &str = "is broken: its numbers are missing or make no key.";
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    let leading = |number: &[u8]| number.iter().take_while(|byte| **byte == 0).count();
    let modulus = modulus.get(leading(modulus)..).unwrap_or_default();
    let exponent = exponent.get(leading(exponent)..).unwrap_or_default();
    // An exponent of 1 would make every signature right; long ones make verifying slow.
    if !is_odd(modulus) || !is_odd(exponent) || exponent == [1] || exponent.len() > 4 {
        return Err(BROKEN);
    }
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits = modulus.len() * 8 - usize::try_from(unused).unwrap_or(0);
    if RSA_BITS.contains(&bits) { Ok(()) } else { Err("is an RSA key of less than 2048 or more than 8192 bits.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    const ED25519_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn rsa(bits: usize) -> Value {
        let mut modulus = vec![0xff; bits / 8];
        modulus.insert(0, 0);
        json!({"kty": "RSA", "kid": "r", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"})
    }

    fn ec(kid: &str) -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": kid, "alg": "ES256", "use": "sig"})
    }

    fn with(mut key: Value, member: &str, value: impl Into<Value>) -> Value {
        key.as_object_mut().unwrap().insert(member.to_owned(), value.into());
        key
    }

    #[test]
    fn public_keys_are_taken() {
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": ED25519_X, "kid": "e"});
        assert_eq!(check(&json!({"keys": [ec("a"), ec("b"), ed.clone(), rsa(2048)]})), Ok(()));
        // A key alone needs no name.
        assert_eq!(check(&json!({"keys": [{"kty": "EC", "crv": "P-256", "x": X, "y": Y}]})), Ok(()));
    }

    #[test]
    fn anything_private_broken_or_weak_is_refused() {
        for member in PRIVATE {
            let said = check(&json!({"keys": [ec("a"), with(ec("b"), member, "AQAB")]})).unwrap_err();
            assert!(said.starts_with("Key 2 is private"), "{said}");
        }
        for (key, why) in [
            (json!("text"), "not a JSON object"),
            (json!({"kty": "oct", "kid": "a"}), "kind"),
            (with(ec("a"), "crv", "P-384"), "kind"),
            (with(ec("a"), "y", X), "broken"),
            (with(ec("a"), "x", "AA"), "broken"),
            (with(ec("a"), "use", "enc"), "not for signatures"),
            (with(ec("a"), "key_ops", json!(["sign"])), "key_ops"),
            (with(ec("a"), "alg", "RS256"), "alg"),
            (with(ec("a"), "alg", "none"), "alg"),
            (with(ec("a"), "kid", 7), "kid"),
            (with(ec("a"), "kid", "k".repeat(201)), "kid"),
            (rsa(1024), "2048"),
            (rsa(16384), "2048"),
            (with(rsa(2048), "e", "AQ"), "broken"),
            (with(rsa(2048), "n", ""), "broken"),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"}), "broken"),
        ] {
            let said = check(&json!({"keys": [key]})).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn a_set_is_bounded_and_its_keys_are_told_apart() {
        for (set, why) in [
            (json!("{}"), "Paste"),
            (json!({}), "Paste"),
            (json!({"keys": []}), "1 to 10"),
            (json!({"keys": (0..11).map(|n| ec(&n.to_string())).collect::<Vec<_>>()}), "1 to 10"),
            (json!({"keys": [ec("a"), ec("a")]}), "kid a"),
            (json!({"keys": [ec("a"), ec("")]}), "no kid"),
            (json!({"keys": [with(ec("a"), "x5c", json!(["A".repeat(LARGEST)]))]}), "16 KiB"),
        ] {
            let said = check(&set).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
