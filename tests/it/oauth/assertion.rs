//! OPT-1: clients that sign instead of sending a secret, `private_key_jwt` (RFC 7523, OIDC Core §9).

use crate::oauth::{GRANT, Registered, access_token, ask, assert_refused, post, register};
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portico::base::environment::Environment;
use serde_json::{Value, json};
use time::Duration;

const KIND: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

/// A key pair of a client.
enum Key {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed(Ed25519KeyPair),
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn public(&self, kid: &str) -> Value {
        match self {
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "kid": kid })
            }
            Self::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "n": text(n), "e": text(e), "kid": kid })
            }
            Self::Ed(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key()), "kid": kid }),
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Ec(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let padding: &dyn aws_lc_rs::signature::RsaEncoding =
                    if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", text(signature))
    }
}

async fn client(app: &TestApp, keys: &[Value]) -> Registered {
    let client = register(app, Environment::Sandbox).await;
    client.configure(app, |settings| settings.jwks = Some(json!({ "keys": keys }))).await;
    client
}

/// The claims of a good assertion.
fn claims(app: &TestApp, client: &str, jti: &str) -> Value {
    let now = app.clock.now().unix_timestamp();
    json!({ "iss": client, "sub": client, "aud": app.portal(""), "iat": now, "exp": now + 300, "jti": jti })
}

/// The same, changed.
fn changed(claims: &Value, change: Value) -> Value {
    let mut claims = claims.clone();
    let Value::Object(change) = change else { return claims };
    for (name, value) in change {
        match value {
            Value::Null => _ = claims.as_object_mut().unwrap().remove(&name),
            value => claims[name] = value,
        }
    }
    claims
}

async fn ask_with(app: &TestApp, assertion: &str) -> Answer {
    post(app, &[], &[GRANT, KIND, ("client_assertion", assertion)]).await
}

#[tokio::test]
async fn opt_1_a_client_signs_with_each_kind_of_key() {
    let app = TestApp::start().await;
    let keys = [
        ("ES256", Key::ec()),
        ("RS256", Key::rsa()),
        ("PS256", Key::rsa()),
        ("EdDSA", Key::Ed(Ed25519KeyPair::generate().unwrap())),
    ];
    let client = client(&app, &keys.iter().map(|(alg, key)| key.public(alg)).collect::<Vec<_>>()).await;
    for (alg, key) in &keys {
        let header = json!({ "alg": alg, "kid": alg, "typ": "JWT" });
        access_token(&ask_with(&app, &key.sign(&header, &claims(&app, &client.id, alg))).await);
        // The client_id may come along, and an exp with a fraction.
        let soon = format!("{{ \"exp\": {}.5 }}", app.clock.now().unix_timestamp() + 9);
        let again = claims(&app, &client.id, &format!("{alg}, again"));
        let other = changed(&again, serde_json::from_str(&soon).unwrap());
        let assertion = key.sign(&header, &other);
        let form = [GRANT, KIND, ("client_assertion", assertion.as_str()), ("client_id", &client.id)];
        access_token(&post(&app, &[], &form).await);
    }
    // Whoever has keys may still use the secret, but not both at once.
    access_token(&ask(&app, &client.id, &client.secret).await);
    let assertion = keys[0].1.sign(&json!({ "alg": "ES256", "kid": "ES256" }), &claims(&app, &client.id, "both"));
    let form = [GRANT, KIND, ("client_assertion", assertion.as_str()), ("client_secret", &client.secret)];
    assert_refused(&post(&app, &[], &form).await, 400, "invalid_request");
    let named = http::get(&app.portal("/.well-known/oauth-authorization-server"), &[]).await.json();
    let algorithms = &named["token_endpoint_auth_signing_alg_values_supported"];
    assert_eq!(algorithms, &keys.iter().map(|(alg, _)| *alg).collect::<Value>());
}

#[tokio::test]
async fn opt_1_the_audience_is_the_issuer_or_an_endpoint_and_nobody_else() {
    let app = TestApp::start().await;
    let key = Key::ec();
    let client = client(&app, &[key.public("k")]).await;
    let (issuer, token) = (app.portal(""), app.portal("/oauth2/token"));
    let with = |aud: &Value, jti: &str| {
        key.sign(&json!({ "alg": "ES256" }), &changed(&claims(&app, &client.id, jti), json!({ "aud": aud })))
    };
    let good = [json!(issuer), json!(token), json!([issuer]), json!([issuer, token])];
    for (jti, aud) in good.iter().enumerate() {
        access_token(&ask_with(&app, &with(aud, &jti.to_string())).await);
    }
    for endpoint in ["/oauth2/introspect", "/oauth2/revoke"] {
        let assertion = with(&json!(app.portal(endpoint)), endpoint);
        let form = [KIND, ("client_assertion", assertion.as_str()), ("token", "x")];
        assert_eq!(http::post_form(&app.portal(endpoint), &[], &form).await.status, 200, "{endpoint}");
    }
    let bad = [
        Value::Null,
        json!([]),
        json!(""),
        json!("https://other.example"),
        json!(format!("{issuer}/")),
        json!(format!("{issuer}/oauth2/jwks")),
        json!([issuer, "https://other.example"]),
        json!({ "aud": issuer }),
    ];
    for (n, aud) in bad.iter().enumerate() {
        app.clock.advance(Duration::minutes(16)); // so that none of these is slowed down
        assert_refused(&ask_with(&app, &with(aud, &format!("bad {n}"))).await, 401, "invalid_client");
    }
}

#[tokio::test]
async fn opt_1_cli_7_whatever_is_not_exactly_right_is_answered_like_a_wrong_secret() {
    let app = TestApp::start().await;
    let (key, other, rsa) = (Key::ec(), Key::ec(), Key::rsa());
    let client = client(&app, &[key.public("k"), rsa.public("r")]).await;
    let stranger = "AAAAAAAAAAAAAAAAAAAAAAAA";
    let header = json!({ "alg": "ES256", "kid": "k" });
    let wrong_secret = ask(&app, &client.id, "wrong").await;
    let x = key.public("k")["x"].as_str().unwrap().to_owned();
    let mut jti = 0;
    let mut refused = async |header: &Value, change: Value, sign: &dyn Fn(&Value, &Value) -> String| {
        jti += 1;
        app.clock.advance(Duration::minutes(16)); // so that none of these is slowed down
        let now = app.clock.now().unix_timestamp();
        // Times in the table are from now on.
        let mut change = change;
        for name in ["exp", "nbf", "iat"] {
            if let Some(seconds) = change.get(name).and_then(Value::as_i64) {
                change[name] = json!(now + seconds);
            }
        }
        let claims = changed(&claims(&app, &client.id, &jti.to_string()), change.clone());
        let answer = ask_with(&app, &sign(header, &claims)).await;
        assert_refused(&answer, 401, "invalid_client");
        assert_eq!(answer.body, wrong_secret.body, "{change}");
        assert_eq!(answer.header("www-authenticate"), wrong_secret.header("www-authenticate"));
    };
    let own = |header: &Value, claims: &Value| key.sign(header, claims);
    for change in [
        json!({ "iss": "somebody" }),
        json!({ "iss": null }),
        json!({ "sub": null }),
        json!({ "iss": stranger, "sub": stranger }),
        json!({ "exp": null }),
        json!({ "exp": "tomorrow" }),
        json!({ "exp": 0 }),
        json!({ "exp": -1 }),
        json!({ "exp": 3661 }),
        json!({ "exp": 1e300 }),
        json!({ "nbf": 61 }),
        json!({ "iat": 61 }),
        json!({ "iat": "now" }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": 7 }),
    ] {
        refused(&header, change, &own).await;
    }
    let nothing = || json!({});
    for change in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "ES384" }),
        json!({ "alg": "RS256" }),
        json!({ "kid": "other" }),
        json!({ "kid": "r" }),
        json!({ "kid": null }),
        json!({ "crit": ["exp"] }),
        json!({ "alg": null }),
    ] {
        refused(&changed(&header, change), nothing(), &own).await;
    }
    refused(&header, nothing(), &|header, claims| other.sign(header, claims)).await;
    let brings_its_key = changed(&header, json!({ "jwk": other.public("k"), "jku": "https://evil.example/jwks" }));
    refused(&brings_its_key, nothing(), &|header, claims| other.sign(header, claims)).await;
    let hs256 = |_: &Value, claims: &Value| {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        header.kid = Some("k".to_owned());
        jsonwebtoken::encode(&header, claims, &jsonwebtoken::EncodingKey::from_secret(x.as_bytes())).unwrap()
    };
    refused(&header, nothing(), &hs256).await;
    refused(&header, nothing(), &|header, claims| {
        let signed = key.sign(header, claims);
        format!("{}.", signed.rsplit_once('.').unwrap().0)
    })
    .await;
    for nonsense in ["x", "..", "e30.e30.e30"] {
        refused(&header, nothing(), &|_, _| nonsense.to_owned()).await;
    }

    // Times at their limits are right.
    let now = app.clock.now().unix_timestamp();
    let limits = json!({ "exp": now + 3660, "nbf": now + 60, "iat": now + 60 });
    access_token(&ask_with(&app, &key.sign(&header, &changed(&claims(&app, &client.id, "limits"), limits))).await);
}

#[tokio::test]
async fn opt_1_the_type_is_named_and_the_client_is_one() {
    let app = TestApp::start().await;
    let key = Key::ec();
    let client = client(&app, &[key.public("k")]).await;
    let assertion = key.sign(&json!({ "alg": "ES256" }), &claims(&app, &client.id, "1"));
    let sent = ("client_assertion", assertion.as_str());
    let saml = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    for form in [vec![GRANT, sent], vec![GRANT, saml, sent], vec![GRANT, KIND, sent, ("client_id", "somebody")]] {
        assert_refused(&post(&app, &[], &form).await, 401, "invalid_client");
    }
    access_token(&post(&app, &[], &[GRANT, KIND, sent]).await);

    // A client without keys signs in vain, and one whose key was removed too.
    client.configure(&app, |settings| settings.jwks = None).await;
    let assertion = key.sign(&json!({ "alg": "ES256" }), &claims(&app, &client.id, "2"));
    assert_refused(&ask_with(&app, &assertion).await, 401, "invalid_client");
}

#[tokio::test]
async fn opt_1_an_assertion_is_used_once() {
    let app = TestApp::start().await;
    let key = Key::ec();
    let client = client(&app, &[key.public("k")]).await;
    let sign = |jti: &str| key.sign(&json!({ "alg": "ES256" }), &claims(&app, &client.id, jti));
    let first = sign("1");
    access_token(&ask_with(&app, &first).await);
    assert_refused(&ask_with(&app, &first).await, 401, "invalid_client");
    // It is the name that counts: the same jti in a new assertion is refused too.
    app.clock.advance(Duration::seconds(10));
    assert_refused(&ask_with(&app, &sign("1")).await, 401, "invalid_client");
    let parallel = sign("2");
    let answers = futures_util::future::join_all((0..4).map(|_| ask_with(&app, &parallel))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    // What failed for another reason used nothing up.
    app.clock.advance(Duration::minutes(16));
    let wrong = Key::ec().sign(&json!({ "alg": "ES256" }), &claims(&app, &client.id, "3"));
    assert_refused(&ask_with(&app, &wrong).await, 401, "invalid_client");
    access_token(&ask_with(&app, &sign("3")).await);
}

#[tokio::test]
async fn opt_1_cli_13_wrong_signatures_are_slowed_down_like_wrong_secrets() {
    let app = TestApp::start().await;
    let key = Key::ec();
    let client = client(&app, &[key.public("k")]).await;
    let other = Key::ec();
    for n in 0..5 {
        let wrong = other.sign(&json!({ "alg": "ES256" }), &claims(&app, &client.id, &n.to_string()));
        assert_refused(&ask_with(&app, &wrong).await, 401, "invalid_client");
    }
    let right = key.sign(&json!({ "alg": "ES256" }), &claims(&app, &client.id, "right"));
    assert_refused(&ask_with(&app, &right).await, 429, "temporarily_unavailable");
    app.clock.advance(Duration::seconds(2));
    access_token(&ask_with(&app, &right).await);
}
