//! ID: ID tokens of the token endpoint (OIDC Core §2).

use crate::oauth::code_flow::{allow, code, redeem};
use crate::oauth::{Registered, access_token, id_claims, jwks, part, register};
use crate::support::app::TestApp;
use crate::support::http::Answer;
use crate::support::make;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portico::base::environment::Environment;
use portico::base::jwt::KeySet;
use portico::domain::accounts::model::Member;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::Duration;

async fn arrange() -> (TestApp, Registered, Member) {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    allow(&app, &client, |_| {}).await;
    let bob = make::member(&app, "bob", &[]).await;
    (app, client, bob)
}

fn id_token(answer: &Answer) -> String {
    answer.json()["id_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

#[tokio::test]
async fn id_1_the_claims_are_complete_and_a_published_key_has_signed_them() {
    let (app, client, bob) = arrange().await;
    let code = code(&app, &client, &bob, &[("nonce", "0S6_WzA2Mj")]).await;
    let signed_in = app.clock.now().unix_timestamp();
    app.clock.advance(Duration::seconds(20));
    let answer = redeem(&app, &client, &code).await;
    let token = id_token(&answer);
    let header = part(&token, 0);
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("RS256"), Some("JWT")));
    let keys = jwks(&app).await;
    assert!(keys.iter().any(|key| key["kid"] == header["kid"] && key["alg"] == "RS256"));
    let claims: Value = KeySet::from_jwks(&keys).unwrap().verify(&token, "JWT").unwrap();
    let half = &Sha256::digest(access_token(&answer))[..16];
    assert_eq!(
        claims,
        json!({
            "iss": app.portal(""),
            "sub": bob.id.to_string(),
            "aud": client.id,
            "iat": signed_in + 20,
            "exp": signed_in + 20 + 3600,
            "auth_time": signed_in,
            "nonce": "0S6_WzA2Mj",
            "at_hash": URL_SAFE_NO_PAD.encode(half),
        })
    );
}

#[tokio::test]
async fn id_2_it_lives_as_long_as_the_application_says() {
    let (app, client, bob) = arrange().await;
    for seconds in [3600, 300] {
        allow(&app, &client, |settings| settings.id_token_seconds = seconds).await;
        let code = code(&app, &client, &bob, &[]).await;
        let answer = redeem(&app, &client, &code).await;
        for answer in [&answer, &client.refresh(&app, &crate::oauth::refresh_token(&answer)).await] {
            let claims = id_claims(answer);
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), i64::from(seconds));
            assert_eq!(answer.json()["expires_in"], 900, "the access token has a life of its own");
        }
    }
}

#[tokio::test]
async fn id_3_there_is_one_only_with_openid_and_a_nonce_only_if_it_was_sent() {
    let (app, client, bob) = arrange().await;
    let without = code(&app, &client, &bob, &[("scope", "profile"), ("nonce", "n")]).await;
    let answer = redeem(&app, &client, &without).await;
    access_token(&answer);
    assert!(answer.json().get("id_token").is_none());
    let with = code(&app, &client, &bob, &[("scope", "openid")]).await;
    assert!(id_claims(&redeem(&app, &client, &with).await).get("nonce").is_none());
}
