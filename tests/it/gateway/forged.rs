//! AT-3, AT-4: what is no access token of ours opens nothing at the gateway, says nothing at `UserInfo` and is inactive at
//! introspection.

use crate::gateway::{Gate, assert_refused};
use crate::oauth::part;
use crate::support::http;
use crate::support::make;
use crate::support::tokens::{Client, Tokens};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use portico::base::environment::Environment;
use portico::base::jwt::{Algorithm, SigningKey};
use serde_json::{Value, json};

const PATH: &str = "/shop/pets/v1/cats";

struct Held {
    gate: Gate,
    client: Client,
    tokens: Tokens,
}

async fn held() -> Held {
    let gate = Gate::open().await;
    let client = Client::of(&gate.app, &gate.member, gate.issued.key.application, Environment::Production).await;
    make::member(&gate.app, "bob", &[]).await;
    let tokens = client.tokens_of(&gate.app, "bob", "openid profile").await;
    Held { gate, client, tokens }
}

impl Held {
    /// What gateway, `UserInfo` and introspection make of a token.
    async fn accepted(&self, token: &str) -> [bool; 3] {
        let (app, bearer) = (&self.gate.app, format!("Bearer {token}"));
        let headers = [("authorization", &*bearer)];
        let gateway = http::get(&self.gate.url(PATH), &headers).await;
        let userinfo = http::get(&app.portal("/oauth2/userinfo"), &headers).await;
        if gateway.status != 200 {
            assert_refused(&gateway, 401, "900901");
        }
        if userinfo.status != 200 {
            assert_eq!((userinfo.status.as_u16(), &userinfo.json()["error"]), (401, &json!("invalid_token")));
        }
        let is_active = token.is_empty() || self.client.is_active(app, token).await;
        [gateway.status == 200, userinfo.status == 200, is_active && !token.is_empty()]
    }

    async fn assert_refused(&self, what: &str, token: &str) {
        assert_eq!(self.accepted(token).await, [false; 3], "{what}: {token}");
    }

    fn keys(&self) -> Vec<Value> {
        serde_json::from_str::<Value>(&self.gate.app.app.issuer.jwks().body).unwrap()["keys"]
            .as_array()
            .unwrap()
            .clone()
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The same value with these members changed; null takes one out.
fn with(value: &Value, change: &Value) -> Value {
    let mut value = value.clone();
    for (name, member) in change.as_object().unwrap() {
        value[name] = member.clone();
    }
    value.as_object_mut().unwrap().retain(|_, member| !member.is_null());
    value
}

#[tokio::test]
async fn at_3_a_changed_token_is_refused_everywhere() {
    let held = held().await;
    let good = &held.tokens.access;
    assert_eq!(held.accepted(good).await, [true; 3]);
    let [header, claims, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let changed = |change: Value| encode(&with(&part(good, 1), &change));
    let other = part(&held.client.token(&held.gate.app).await, 1);
    for (what, claims) in [
        ("scope", changed(json!({ "scope": "openid profile email admin" }))),
        ("sub", changed(json!({ "sub": other["sub"] }))),
        ("client", changed(json!({ "client_id": "AAAAAAAAAAAAAAAAAAAAAAAA" }))),
        ("exp", changed(json!({ "exp": 9_999_999_999_u64 }))),
        ("aud", changed(json!({ "aud": held.gate.app.app.urls.sandbox }))),
        ("space", URL_SAFE_NO_PAD.encode(part(good, 1).to_string() + " ")),
    ] {
        held.assert_refused(what, &format!("{header}.{claims}.{signature}")).await;
    }
    let mut bits = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bits[40] ^= 1;
    for (what, signature) in [
        ("no signature", String::new()),
        ("one bit", URL_SAFE_NO_PAD.encode(&bits)),
        ("zeros", URL_SAFE_NO_PAD.encode([0; 64])),
        ("half", signature[..43].to_owned()),
        ("twice", format!("{signature}{signature}")),
        ("of another token", held.tokens.id.as_ref().unwrap().rsplit('.').next().unwrap().to_owned()),
    ] {
        held.assert_refused(what, &format!("{header}.{claims}.{signature}")).await;
    }
    for token in [String::new(), "..".to_owned(), format!("{header}.{claims}"), format!("{good}.{signature}")] {
        held.assert_refused("shape", &token).await;
    }
}

#[tokio::test]
async fn at_3_no_header_makes_a_signature_hold() {
    let held = held().await;
    let good = &held.tokens.access;
    let [_, claims, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let keys = held.keys();
    let kids: Vec<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    let other = kids.iter().find(|kid| **kid != part(good, 0)["kid"]).unwrap();
    for change in [
        json!({ "alg": "none" }),
        json!({ "alg": "None", "kid": null }),
        json!({ "alg": "" }),
        json!({ "alg": null }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "RS256" }),
        json!({ "alg": "ES384" }),
        json!({ "kid": null }),
        json!({ "kid": other }),
        json!({ "kid": "../../../etc/passwd" }),
        json!({ "kid": "' or 1=1 --" }),
        json!({ "kid": ["a"] }),
        json!({ "crit": ["exp"], "exp": 1 }),
        json!({ "jwk": keys[0] }),
        json!({ "jku": "https://evil.example/jwks" }),
        json!({ "x5u": "https://evil.example/cert" }),
    ] {
        let header = encode(&with(&part(good, 0), &change));
        held.assert_refused(&change.to_string(), &format!("{header}.{claims}.{signature}")).await;
        held.assert_refused(&change.to_string(), &format!("{header}.{claims}.")).await;
    }
}

#[tokio::test]
async fn at_3_signatures_by_the_public_key_or_a_foreign_one_do_not_hold() {
    let held = held().await;
    let good = &held.tokens.access;
    let keys = held.keys();
    let kid = part(good, 0)["kid"].as_str().unwrap().to_owned();
    let ours = keys.iter().find(|key| key["kid"] == kid).unwrap();
    // The public key, in every form somebody might take for a shared secret.
    let x = ours["x"].as_str().unwrap();
    let (x_bytes, y_bytes) =
        (URL_SAFE_NO_PAD.decode(x).unwrap(), URL_SAFE_NO_PAD.decode(ours["y"].as_str().unwrap()).unwrap());
    let point = [&[4][..], &x_bytes, &y_bytes].concat();
    for secret in [x.as_bytes(), &x_bytes, &point, ours.to_string().as_bytes(), kid.as_bytes(), b""] {
        for algorithm in [jsonwebtoken::Algorithm::HS256, jsonwebtoken::Algorithm::HS512] {
            let header = Header { typ: Some("at+jwt".to_owned()), kid: Some(kid.clone()), ..Header::new(algorithm) };
            let token = jsonwebtoken::encode(&header, &part(good, 1), &EncodingKey::from_secret(secret)).unwrap();
            held.assert_refused("HS with the public key", &token).await;
        }
    }

    let other = crate::support::app::TestApp::start().await;
    let foreign = other.app.issuer.access_key();
    held.assert_refused("foreign", &foreign.sign("at+jwt", &part(good, 1)).unwrap()).await;
    // The same, under our key's name, with its own public key along.
    let theirs: Value = serde_json::from_str(&other.app.issuer.jwks().body).unwrap();
    let theirs = theirs["keys"].as_array().unwrap().iter().find(|key| key["kid"] == foreign.kid()).unwrap().clone();
    let der = private_key();
    let named = SigningKey::from_pkcs8(kid.clone(), Algorithm::Es256, &der).unwrap();
    held.assert_refused("foreign under our name", &named.sign("at+jwt", &part(good, 1)).unwrap()).await;
    for change in [json!({ "jwk": theirs }), json!({ "jku": "https://evil.example/jwks", "kid": foreign.kid() })] {
        let header = with(&part(good, 0), &change);
        let signed = foreign.sign("at+jwt", &part(good, 1)).unwrap();
        let (_, rest) = signed.split_once('.').unwrap();
        held.assert_refused("foreign with its key", &format!("{}.{rest}", encode(&header))).await;
    }
}

/// A key of nobody.
fn private_key() -> Vec<u8> {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &aws_lc_rs::rand::SystemRandom::new())
        .unwrap()
        .as_ref()
        .to_vec()
}

#[tokio::test]
async fn at_4_id_tokens_and_refresh_tokens_are_no_access_tokens() {
    let held = held().await;
    held.assert_refused("ID token", held.tokens.id.as_ref().unwrap()).await;
    let refresh = &held.tokens.refresh;
    assert_eq!(held.accepted(refresh).await, [false, false, true], "introspection knows refresh tokens");
    let said = held.client.introspect(&held.gate.app, refresh).await;
    assert_eq!(said["token_type"], "refresh_token", "and says what it is");

    // Signed by our keys, with all the claims of an access token, and of another type: still none.
    let issuer = &held.gate.app.app.issuer;
    let claims = part(&held.tokens.access, 1);
    for key in [issuer.access_key(), issuer.id_key()] {
        for typ in ["JWT", "jwt", "", "at", "at+jwt ", "logout+jwt", "application/jwt", "token-introspection+jwt"] {
            held.assert_refused(typ, &key.sign(typ, &claims).unwrap()).await;
        }
        for change in [
            json!({ "iss": format!("{}/", issuer.name()) }),
            json!({ "exp": claims["iat"] }),
            json!({ "iat": 9_999_999_999_u64 }),
            json!({ "jti": null }),
            json!({ "client_id": null }),
        ] {
            held.assert_refused(&change.to_string(), &key.sign("at+jwt", &with(&claims, &change)).unwrap()).await;
        }
    }
    // RFC 7515 §4.1.9: so may it be written.
    let long = issuer.access_key().sign("application/AT+JWT", &claims).unwrap();
    assert_eq!(held.accepted(&long).await, [true; 3]);
}
