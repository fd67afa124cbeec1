//! UI: who the user is, for whoever holds an access token.

use crate::oauth::part;
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::tokens::Client;
use crate::support::{make, shop};
use ::http::Method;
use portico::base::environment::Environment;
use portico::domain::accounts::access;
use portico::domain::audit::model::Actor;
use serde_json::json;
use time::Duration;

const USERINFO: &str = "/oauth2/userinfo";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn instance() -> (TestApp, Client) {
    let app = TestApp::start().await;
    let ada = make::developer(&app, "ada").await;
    make::member(&app, "bob", &[]).await;
    let application = shop::application(&app, &ada, "Shop").await;
    let client = Client::of(&app, &ada, application.id, Environment::Sandbox).await;
    (app, client)
}

async fn ask(app: &TestApp, token: &str) -> Answer {
    http::get(&app.portal(USERINFO), &[("authorization", &format!("Bearer {token}"))]).await
}

/// A refusal after RFC 6750 §3: in the header, and the same in the body.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (status, &json!(error)), "{}", answer.text());
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with(&format!(r#"Bearer realm="portico", error="{error}""#)), "{challenge}");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[track_caller]
fn assert_asked_for_a_token(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, r#"Bearer realm="portico""#));
    assert!(answer.json().get("error").is_none());
}

#[tokio::test]
async fn ui_1_get_and_post_tell_the_subject_of_the_id_token() {
    let (app, client) = instance().await;
    let bob = client.tokens_of(&app, "bob", "openid").await;
    let sub = part(&bob.id.unwrap(), 1)["sub"].clone();
    let bearer = format!("Bearer {}", bob.access);
    let header = [("authorization", &*bearer)];
    let url = app.portal(USERINFO);
    for answer in [
        http::get(&url, &header).await,
        http::send(Method::POST, &url, &header, "").await,
        http::post_form(&url, &header, &[]).await,
        http::post_form(&url, &[], &[("access_token", &bob.access)]).await,
    ] {
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "sub": sub })));
        assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/json", "no-store"));
    }
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = http::send(method, &url, &header, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, POST"));
    }
}

#[tokio::test]
async fn ui_2_without_a_token_it_is_asked_for_and_a_bad_one_is_invalid() {
    let (app, client) = instance().await;
    let url = app.portal(USERINFO);
    assert_asked_for_a_token(&http::get(&url, &[]).await);
    assert_asked_for_a_token(&http::send(Method::POST, &url, &[], "").await);
    assert_asked_for_a_token(&http::get(&url, &[("authorization", &client.basic())]).await);

    let bob = client.tokens_of(&app, "bob", "openid").await;
    for token in ["", "x", "a.b.c", &bob.refresh, &bob.id.unwrap(), &client.secret] {
        assert_refused(&ask(&app, token).await, 401, "invalid_token");
    }
    assert_refused(&http::get(&url, &[("authorization", "Bearer")]).await, 401, "invalid_token");

    client.revoke(&app, &bob.access).await;
    assert_refused(&ask(&app, &bob.access).await, 401, "invalid_token");
    let next = client.tokens_of(&app, "bob", "openid").await;
    app.clock.advance(Duration::seconds(900));
    assert_refused(&ask(&app, &next.access).await, 401, "invalid_token");
    let last = client.tokens_of(&app, "bob", "openid").await;
    access::disable(&app.ctx, "bob@example.com", &Actor::CommandLine).await.unwrap();
    assert_refused(&ask(&app, &last.access).await, 401, "invalid_token");
}

#[tokio::test]
async fn ui_3_without_openid_and_without_a_user_there_is_no_answer() {
    let (app, client) = instance().await;
    let bob = client.tokens_of(&app, "bob", "profile email").await;
    for token in [&bob.access, &client.token(&app).await] {
        let answer = ask(&app, token).await;
        assert_refused(&answer, 403, "insufficient_scope");
        assert!(answer.header("www-authenticate").ends_with(r#", scope="openid""#));
    }
    // A token without a user could have the scope only by a mistake of ours.
    let mut claims = part(&client.token(&app).await, 1);
    claims["scope"] = json!("openid profile");
    let forged = app.app.issuer.access_key().sign("at+jwt", &claims).unwrap();
    assert_refused(&ask(&app, &forged).await, 401, "invalid_token");
}

#[tokio::test]
async fn ui_4_claims_follow_the_scopes() {
    let (app, client) = instance().await;
    for (scope, names) in [
        ("openid", &["sub"][..]),
        ("openid profile", &["name", "sub"]),
        ("openid email", &["email", "sub"]),
        ("openid profile email", &["email", "name", "sub"]),
    ] {
        let bob = client.tokens_of(&app, "bob", scope).await;
        let said = ask(&app, &bob.access).await.json();
        let mut found: Vec<_> = said.as_object().unwrap().keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, names);
        if scope == "openid profile email" {
            assert_eq!((&said["name"], &said["email"]), (&json!("bob"), &json!("bob@example.com")));
        }
    }
}

#[tokio::test]
async fn ui_5_a_token_comes_in_one_way_never_in_the_address_and_the_scheme_in_any_case() {
    let (app, client) = instance().await;
    let bob = client.tokens_of(&app, "bob", "openid").await.access;
    let url = app.portal(USERINFO);
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let answer = http::get(&url, &[("authorization", &format!("{scheme} {bob}"))]).await;
        assert_eq!(answer.status, 200);
    }
    let in_address = format!("{url}?access_token={bob}");
    assert_asked_for_a_token(&http::get(&in_address, &[]).await);
    assert_asked_for_a_token(&http::get(&format!("{url}?access%5Ftoken={bob}"), &[]).await);
    let bearer = format!("Bearer {bob}");
    let header = ("authorization", &*bearer);
    let body = format!("access_token={bob}");
    for answer in [
        http::get(&url, &[header, header]).await,
        http::get(&in_address, &[header]).await,
        http::post_form(&url, &[header], &[("access_token", &bob)]).await,
        http::post_form(&in_address, &[], &[("access_token", &bob)]).await,
        http::post_form(&url, &[], &[("access_token", &bob), ("access_token", &bob)]).await,
        http::send(Method::POST, &url, &[FORM], "access_token=%ff").await,
    ] {
        assert_refused(&answer, 400, "invalid_request");
    }
    // A body of another kind, or of a GET, is no form.
    let answer = http::send(Method::POST, &url, &[("content-type", "text/plain")], body.clone()).await;
    assert_asked_for_a_token(&answer);
    assert_asked_for_a_token(&http::send(Method::GET, &url, &[FORM], body).await);
}
