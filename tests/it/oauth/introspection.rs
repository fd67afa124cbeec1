//! INT: the introspection endpoint.

use crate::oauth::{assert_refused, part};
use crate::support::app::TestApp;
use crate::support::http;
use crate::support::tokens::{Client, Tokens};
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::accounts::model::Member;
use portico::domain::accounts::users;
use portico::domain::applications::manage;
use portico::domain::credentials::client_model::ClientKind;
use portico::domain::subscriptions::subscribe;
use serde_json::json;
use time::Duration;

const INTROSPECT: &str = "/oauth2/introspect";

/// An instance with the shop's APIs, a client whose application is subscribed to `pets`, and a user.
async fn instance() -> (TestApp, Member, Client) {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    make::member(&app, "bob", &[]).await;
    let application = shop::application(&app, &ada, "Shop").await;
    shop::subscribe(&app, &ada, &application).await;
    let client = Client::of(&app, &ada, application.id, Environment::Sandbox).await;
    (app, ada, client)
}

/// A client that is resource server of these APIs.
async fn server_of(app: &TestApp, owner: &Member, name: &str, apis: &[&str], environment: Environment) -> Client {
    let application = shop::application(app, owner, name).await;
    let client = Client::of(app, owner, application.id, environment).await;
    for api in apis {
        sqlx::query("insert into api_resource_servers (api_id, client_id) select id, $2 from apis where name = $1")
            .bind(api)
            .bind(&client.id)
            .execute(app.pool())
            .await
            .unwrap();
    }
    app.settle().await;
    client
}

#[tokio::test]
async fn int_1_a_good_access_token_is_described_without_who_the_user_is() {
    let (app, _, client) = instance().await;
    let own = client.token(&app).await;
    let claims = part(&own, 1);
    let now = app.clock.now().unix_timestamp();
    let expected = json!({
        "active": true,
        "iss": app.app.urls.portal,
        "sub": client.id,
        "aud": app.app.urls.sandbox,
        "client_id": client.id,
        "scope": claims["scope"],
        "token_type": "Bearer",
        "iat": now,
        "exp": now + 900,
        "jti": claims["jti"],
        "env": "sandbox",
    });
    assert_eq!(client.introspect(&app, &own).await, expected);

    let bob = client.tokens_of(&app, "bob", "openid profile email").await;
    let said = client.introspect(&app, &bob.access).await;
    let id = users::by_email(&app.ctx, "bob@example.com").await.unwrap().id;
    assert_eq!((&said["sub"], &said["scope"]), (&json!(id), &json!("openid profile email")));
    assert!(!said.to_string().contains("bob"), "{said}");
    // A wrong hint does no harm (RFC 7662 §2.1).
    for hint in ["refresh_token", "access_token", "nonsense"] {
        let form = [("token", &*own), ("token_type_hint", hint)];
        assert_eq!(client.post(&app, INTROSPECT, &form).await.json(), expected);
    }
}

#[tokio::test]
async fn int_2_a_refresh_token_is_good_until_it_is_used_revoked_or_expired() {
    let (app, _, client) = instance().await;
    let first = client.tokens_of(&app, "bob", "openid").await;
    let now = app.clock.now().unix_timestamp();
    let id = users::by_email(&app.ctx, "bob@example.com").await.unwrap().id;
    let expected = json!({
        "active": true,
        "iss": app.app.urls.portal,
        "sub": id,
        "aud": app.app.urls.portal,
        "client_id": client.id,
        "scope": "openid",
        "token_type": "refresh_token",
        "iat": now,
        "exp": now + 86_400,
        "env": "sandbox",
    });
    assert_eq!(client.introspect(&app, &first.refresh).await, expected);
    app.clock.advance(Duration::seconds(1));
    let second = Tokens::read(&client.refresh(&app, &first.refresh).await);
    assert!(!client.is_active(&app, &first.refresh).await, "rotated, though within the leeway");
    assert!(client.is_active(&app, &second.refresh).await);
    app.clock.advance(Duration::seconds(86_399));
    assert!(client.is_active(&app, &second.refresh).await);
    app.clock.advance(Duration::seconds(1));
    assert!(!client.is_active(&app, &second.refresh).await, "idle for too long");

    let third = client.tokens_of(&app, "bob", "openid").await;
    client.revoke(&app, &third.refresh).await;
    assert!(!client.is_active(&app, &third.refresh).await);
}

#[tokio::test]
async fn int_3_what_is_no_token_is_inactive_and_the_token_must_be_there() {
    let (app, _, client) = instance().await;
    let bob = client.tokens_of(&app, "bob", "openid").await;
    let unknown = "ptr_".to_owned() + &"0".repeat(49);
    for token in ["garbage", "a.b.c", "é", &"x".repeat(5000), &unknown, &client.secret, &bob.id.unwrap()] {
        let answer = client.post(&app, INTROSPECT, &[("token", token)]).await;
        assert_eq!((answer.status.as_u16(), &*answer.text()), (200, r#"{"active":false}"#));
        assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/json", "no-store"));
    }
    assert_refused(&client.post(&app, INTROSPECT, &[]).await, 400, "invalid_request");
}

#[tokio::test]
async fn int_4_an_expired_token_is_inactive() {
    let (app, _, client) = instance().await;
    let own = client.token(&app).await;
    app.clock.advance(Duration::seconds(899));
    assert!(client.is_active(&app, &own).await);
    app.clock.advance(Duration::seconds(1));
    assert!(!client.is_active(&app, &own).await);
}

#[tokio::test]
async fn int_5_only_confidential_clients_that_prove_who_they_are_may_ask() {
    let (app, ada, client) = instance().await;
    let token = client.token(&app).await;
    let url = app.portal(INTROSPECT);
    for form in [
        &[("token", &*token)][..],
        &[("token", &token), ("client_id", &client.id)],
        &[("token", &token), ("client_id", &client.id), ("client_secret", "wrong")],
    ] {
        let answer = http::post_form(&url, &[], form).await;
        assert_refused(&answer, 401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic "));
    }
    let bearer = format!("Bearer {token}");
    let answer = http::post_form(&url, &[("authorization", &bearer)], &[("token", &token)]).await;
    assert_refused(&answer, 401, "invalid_client");

    let application = shop::application(&app, &ada, "Public").await;
    let public = Client::of(&app, &ada, application.id, Environment::Sandbox).await;
    let own = public.tokens_of(&app, "bob", "openid").await;
    public
        .configure(&app, |settings| {
            settings.kind = ClientKind::Public;
            settings.grant_types.retain(|grant| grant.as_str() != "client_credentials");
        })
        .await;
    let by_id = [("token", &*own.access), ("client_id", &*public.id)];
    assert_refused(&http::post_form(&url, &[], &by_id).await, 401, "invalid_client");
    assert_refused(&public.post(&app, INTROSPECT, &[("token", &own.access)]).await, 401, "invalid_client");
}

#[tokio::test]
async fn int_6_another_applications_token_is_inactive_but_for_the_resource_servers_of_what_it_opens() {
    let (app, ada, client) = instance().await;
    let sandbox = Environment::Sandbox;
    let stranger = server_of(&app, &ada, "Stranger", &[], sandbox).await;
    let elsewhere = server_of(&app, &ada, "Ledger server", &["ledger"], sandbox).await;
    let pets = server_of(&app, &ada, "Pet server", &["ledger", "pets"], sandbox).await;
    let production = server_of(&app, &ada, "Production server", &["pets"], Environment::Production).await;

    let own = client.token(&app).await;
    let bob = client.tokens_of(&app, "bob", "openid").await;
    for token in [&own, &bob.access] {
        for other in [&stranger, &elsewhere, &production] {
            assert!(!other.is_active(&app, token).await);
        }
        assert_eq!(pets.introspect(&app, token).await, client.introspect(&app, token).await);
    }
    assert!(!pets.is_active(&app, &bob.refresh).await, "a refresh token is its client's alone");

    // A token for one API is nothing to the servers of another, though its application is subscribed to both.
    subscribe::add(&app.ctx, &ada, client.application, ("ledger", 1), "bronze").await.unwrap();
    app.settle().await;
    assert!(elsewhere.is_active(&app, &own).await);
    let resource = format!("{}/pets/v1", app.app.urls.sandbox);
    let form = [("grant_type", "client_credentials"), ("resource", &*resource)];
    let named = client.post(&app, "/oauth2/token", &form).await.json()["access_token"].as_str().unwrap().to_owned();
    assert!(!elsewhere.is_active(&app, &named).await);
    assert!(pets.is_active(&app, &named).await);

    // What the token no longer opens is no longer told.
    for subscription in subscribe::of_application(&app.ctx, &ada, client.application).await.unwrap() {
        subscribe::remove(&app.ctx, &ada, subscription.id).await.unwrap();
    }
    app.settle().await;
    assert!(!pets.is_active(&app, &own).await && client.is_active(&app, &own).await);
    manage::delete(&app.ctx, &ada, client.application).await.unwrap();
    app.settle().await;
    assert!(!pets.is_active(&app, &own).await);
}
