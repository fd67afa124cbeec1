//! AT: what an access token says, and what no access token is.

use crate::oauth::{access_token, ask, jwks, part, register};
use crate::support::app::TestApp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portico::base::environment::Environment;
use portico::base::jwt::{AccessClaims, Algorithm, KeySet, TokenError};
use serde_json::json;
use std::collections::HashSet;

#[tokio::test]
async fn at_1_an_access_token_has_the_claims_of_rfc_9068() {
    for environment in Environment::ALL {
        let app = TestApp::start_with(|config| {
            config.portal.public_url = Some("https://portal.example.com".to_owned());
            config.gateway.production.public_url = Some("https://api.example.com".to_owned());
            config.gateway.sandbox.public_url = Some("https://sandbox.example.com/base".to_owned());
        });
        let app = app.await;
        let client = register(&app, environment).await;
        let address = format!("http://{}", app.app.portal);
        let token = crate::oauth::ask_at(&address, &client.id, &client.secret).await;
        let token = access_token(&token);
        let kid = part(&token, 0)["kid"].clone();
        assert_eq!(part(&token, 0), json!({ "typ": "at+jwt", "alg": "ES256", "kid": kid }));
        let claims = part(&token, 1);
        let now = app.clock.now().unix_timestamp();
        let audience = match environment {
            Environment::Production => "https://api.example.com",
            Environment::Sandbox => "https://sandbox.example.com/base",
        };
        let expected = json!({
            "iss": "https://portal.example.com",
            "sub": client.id,
            "aud": audience,
            "client_id": client.id,
            "scope": "",
            "jti": claims["jti"],
            "iat": now,
            "exp": now + 900,
            "env": environment.as_str(),
        });
        assert_eq!(claims, expected);
    }
}

#[tokio::test]
async fn at_2_the_subject_is_the_client_and_the_lifetime_its_setting() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let mut seen = HashSet::new();
    for seconds in [60, 900, 86_400] {
        client.configure(&app, |settings| settings.access_token_seconds = seconds).await;
        let answer = ask(&app, &client.id, &client.secret).await;
        let claims = part(&access_token(&answer), 1);
        assert_eq!(answer.json()["expires_in"], seconds);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), i64::from(seconds));
        assert_eq!(claims["sub"], claims["client_id"]);
        let jti = claims["jti"].as_str().unwrap().to_owned();
        assert!(jti.len() >= 20 && seen.insert(jti));
    }
}

#[tokio::test]
async fn at_5_the_configuration_chooses_the_algorithm() {
    let app = TestApp::start_with(|config| config.oauth.access_token_algorithm = Algorithm::Rs256).await;
    let client = register(&app, Environment::Sandbox).await;
    let token = access_token(&ask(&app, &client.id, &client.secret).await);
    assert_eq!(part(&token, 0)["alg"], "RS256");
    let keys = KeySet::from_jwks(&jwks(&app).await).unwrap();
    let now = app.clock.now().unix_timestamp();
    let claims = keys.access(&token, &app.app.urls.portal, now).unwrap();
    assert_eq!(claims.client_id, client.id);
}

/// AT-3, AT-4 for what verifies: the gateway uses the same [`KeySet`].
#[tokio::test]
async fn at_3_at_4_at_5_a_forged_or_foreign_token_is_not_believed() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    let published = jwks(&app).await;
    let keys = KeySet::from_jwks(&published).unwrap();
    let token = access_token(&ask(&app, &client.id, &client.secret).await);
    let iss = app.app.urls.portal.as_str();
    let now = app.clock.now().unix_timestamp();
    let check = |token: &str| keys.access(token, iss, now);
    assert_eq!(check(&token).unwrap().client_id, client.id);

    let [header, claims, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let with_header = |change: serde_json::Value| {
        let mut header = part(&token, 0);
        header.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        format!("{}.{claims}.{signature}", encode(&header))
    };
    let mut other_claims = part(&token, 1);
    other_claims["sub"] = json!("admin");
    let x = published.iter().find(|key| key["kid"] == part(&token, 0)["kid"]).unwrap()["x"].as_str().unwrap();
    let hs256 = jsonwebtoken::EncodingKey::from_secret(x.as_bytes());
    let mut hs256_header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    hs256_header.typ = Some("at+jwt".to_owned());
    hs256_header.kid = Some(part(&token, 0)["kid"].as_str().unwrap().to_owned());
    let by_public_key = jsonwebtoken::encode(&hs256_header, &part(&token, 1), &hs256).unwrap();
    let forged = [
        format!("{header}.{}.{signature}", encode(&other_claims)),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{}", "A".repeat(signature.len())),
        format!("{}.{claims}.", encode(&json!({ "alg": "none", "typ": "at+jwt", "kid": part(&token, 0)["kid"] }))),
        with_header(json!({ "alg": "none" })),
        with_header(json!({ "alg": "RS256" })),
        with_header(json!({ "kid": "../../etc/passwd" })),
        with_header(json!({ "jwk": published[0], "jku": "https://evil.example/jwks" })),
        with_header(json!({ "typ": "JWT" })),
        by_public_key,
        String::new(),
        "..".to_owned(),
    ];
    for token in forged {
        assert!(check(&token).is_err(), "{token}");
    }

    // Signed by our key, and still no access token for here and now.
    let key = app.app.issuer.access_key();
    assert_eq!(check(&key.sign("JWT", &part(&token, 1)).unwrap()), Err(TokenError::WrongType));
    assert_eq!(check(&key.sign("id_token", &part(&token, 1)).unwrap()), Err(TokenError::WrongType));
    check(&key.sign("application/AT+jwt", &part(&token, 1)).unwrap()).unwrap();
    let good: AccessClaims = serde_json::from_value(part(&token, 1)).unwrap();
    let signed = |change: fn(&mut AccessClaims)| {
        let mut claims = good.clone();
        change(&mut claims);
        check(&key.sign("at+jwt", &claims).unwrap())
    };
    assert_eq!(signed(|c| c.iss.push('/')), Err(TokenError::Issuer));
    assert_eq!(signed(|c| c.exp = c.iat), Err(TokenError::Expired));
    assert_eq!(signed(|c| c.iat += 3600), Err(TokenError::Expired));
    let other = TestApp::start().await;
    let foreign = other.app.issuer.access_key().sign("at+jwt", &good).unwrap();
    assert_eq!(check(&foreign), Err(TokenError::UnknownKey));
}
