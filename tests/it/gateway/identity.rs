//! Who calls, for backends: as headers, and as a signed statement that is good for nothing else.

use crate::gateway::{Gate, assert_refused};
use crate::support::http;
use crate::support::make;
use crate::support::tokens::Client;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portico::base::environment::Environment;
use portico::base::jwt::KeySet;
use serde_json::{Value, json};
use time::Duration;

const PATH: &str = "/shop/pets/v1/cats";

async fn gate() -> Gate {
    let gate = Gate::open().await;
    make::policies(&gate.app, "pets", &json!({ "assertion": true })).await;
    gate
}

async fn client(gate: &Gate) -> Client {
    Client::of(&gate.app, &gate.member, gate.issued.key.application, Environment::Production).await
}

/// What the backend of a call with this token hears in a header.
async fn with_token(gate: &Gate, token: &str) -> crate::support::upstream::Seen {
    let headers = [
        ("authorization", &*format!("Bearer {token}")),
        ("x-portico-user", "forged"),
        ("X-Portico-Scopes", "forged"),
        ("x_portico_assertion", "forged"),
    ];
    let answer = http::get(&gate.url(PATH), &headers).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = gate.upstream.last();
    assert!(!format!("{:?}", seen.headers).contains("forged"), "{:?}", seen.headers);
    seen
}

/// What a statement says, if a published key verifies it.
fn verified(gate: &Gate, statement: &str) -> Value {
    let jwks: Value = serde_json::from_str(&gate.app.app.issuer.jwks().body).unwrap();
    let keys = KeySet::from_jwks(jwks["keys"].as_array().unwrap()).unwrap();
    keys.verify(statement, "portico-assertion+jwt").unwrap_or_else(|error| panic!("{error}: {statement}"))
}

#[tokio::test]
async fn a_backend_hears_the_user_and_the_scopes_of_a_token() {
    let gate = Gate::open().await;
    let client = client(&gate).await;
    let bob = make::member(&gate.app, "bob", &[]).await;
    let tokens = client.tokens_of(&gate.app, "bob", "openid profile").await;
    for _ in 0..2 {
        let seen = with_token(&gate, &tokens.access).await;
        assert_eq!(seen.header("x-portico-user"), bob.id.to_string());
        assert_eq!(seen.header("x-portico-scopes"), "openid profile");
        assert_eq!(seen.header("x-portico-assertion"), "");
    }
    let seen = with_token(&gate, &client.token(&gate.app).await).await;
    assert!(!seen.headers.contains_key("x-portico-user") && !seen.headers.contains_key("x-portico-scopes"));
    assert_eq!(gate.get(PATH).await.status, 200);
    let seen = gate.upstream.last();
    assert!(!seen.headers.contains_key("x-portico-user") && !seen.headers.contains_key("x-portico-scopes"));
}

#[tokio::test]
async fn a_statement_says_who_calls_and_our_published_keys_verify_it() {
    let gate = gate().await;
    let client = client(&gate).await;
    let bob = make::member(&gate.app, "bob", &[]).await;
    let tokens = client.tokens_of(&gate.app, "bob", "openid").await;
    let application = gate.issued.key.application.to_string();
    let seen = with_token(&gate, &tokens.access).await;
    let user = verified(&gate, seen.header("x-portico-assertion"));
    let own = verified(&gate, with_token(&gate, &client.token(&gate.app).await).await.header("x-portico-assertion"));
    assert_eq!(gate.get(PATH).await.status, 200);
    let key = verified(&gate, gate.upstream.last().header("x-portico-assertion"));
    let now = gate.app.clock.now().unix_timestamp();
    for (said, sub, scope) in [
        (&user, bob.id.to_string(), json!("openid")),
        (&own, client.id.clone(), Value::Null),
        (&key, application.clone(), Value::Null),
    ] {
        assert_eq!(said["sub"], sub);
        assert_eq!(said["scope"], scope);
        for (name, value) in [
            ("iss", json!(gate.app.app.urls.portal)),
            ("aud", json!(gate.upstream.url(""))),
            ("app", json!(application)),
            ("subscription", json!(seen.header("x-portico-subscription"))),
            ("plan", json!("bronze")),
            ("env", json!("production")),
            ("api", json!("pets")),
            ("version", json!("1.0")),
            ("iat", json!(now)),
            ("exp", json!(now + 60)),
        ] {
            assert_eq!(said[name], value, "{name}");
        }
    }
    assert!(user["jti"] != own["jti"] && own["jti"] != key["jti"]);
}

#[tokio::test]
async fn a_statement_is_said_again_for_a_while_and_never_when_it_is_about_to_end() {
    let gate = gate().await;
    let mut said = Vec::new();
    for seconds in [0, 29, 1, 29, 1] {
        gate.app.clock.advance(Duration::seconds(seconds));
        assert_eq!(gate.get(PATH).await.status, 200);
        let statement = gate.upstream.last().header("x-portico-assertion").to_owned();
        let left = verified(&gate, &statement)["exp"].as_i64().unwrap() - gate.app.clock.now().unix_timestamp();
        assert!((30..=60).contains(&left), "{left}");
        said.push(statement);
    }
    assert!(said[0] == said[1] && said[1] != said[2] && said[2] == said[3] && said[3] != said[4]);
}

#[tokio::test]
async fn after_a_rotation_the_new_key_signs_at_once() {
    let gate = gate().await;
    let kid = |statement: &str| {
        let header = URL_SAFE_NO_PAD.decode(statement.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    assert_eq!(gate.get(PATH).await.status, 200);
    let before = kid(gate.upstream.last().header("x-portico-assertion"));
    // Keys that are compromised: they are gone, and others sign.
    sqlx::query("delete from signing_keys").execute(gate.app.pool()).await.unwrap();
    gate.app.app.issuer.refresh(&gate.app.ctx).await.unwrap();
    gate.app.settle().await;
    assert_eq!(gate.get(PATH).await.status, 200);
    let after = gate.upstream.last().header("x-portico-assertion").to_owned();
    assert_ne!(kid(&after), before);
    assert_eq!(verified(&gate, &after)["plan"], "bronze");
}

#[tokio::test]
async fn a_statement_opens_nothing() {
    let gate = gate().await;
    let client = client(&gate).await;
    make::member(&gate.app, "bob", &[]).await;
    let tokens = client.tokens_of(&gate.app, "bob", "openid profile").await;
    let statement = with_token(&gate, &tokens.access).await.header("x-portico-assertion").to_owned();
    let bearer = format!("Bearer {statement}");
    let headers = [("authorization", &*bearer)];
    assert_refused(&http::get(&gate.url(PATH), &headers).await, 401, "900901");
    let userinfo = http::get(&gate.app.portal("/oauth2/userinfo"), &headers).await;
    assert_eq!((userinfo.status.as_u16(), &userinfo.json()["error"]), (401, &json!("invalid_token")));
    assert!(!client.is_active(&gate.app, &statement).await);
    // And where nobody is known to call, nothing is said.
    let open = crate::gateway::pets(&[("1.0", "published", &gate.upstream.url("/"))])
        .replace("plans: [bronze, gold]", "auth: []");
    make::publish(&gate.app, &open).await;
    make::policies(&gate.app, "pets", &json!({ "assertion": true })).await;
    assert_eq!(http::get(&gate.url(PATH), &[("x-portico-assertion", &statement)]).await.status, 200);
    assert_eq!(gate.upstream.last().header("x-portico-assertion"), "");
}
