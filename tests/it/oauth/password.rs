//! PW: the password grant, off unless chosen.

use crate::oauth::{access_token, assert_refused, id_claims, part, refresh_token, register, register_for};
use crate::support::app::TestApp;
use crate::support::http::Answer;
use crate::support::make;
use crate::support::visitor::Visitor;
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::{ClientKind, GrantType};
use time::Duration;

const CHOSEN: [GrantType; 2] = [GrantType::Password, GrantType::RefreshToken];

/// The form of the grant for bob.
fn form(password: &str) -> [(&str, &str); 3] {
    [("grant_type", "password"), ("username", "bob@example.com"), ("password", password)]
}

#[tokio::test]
async fn pw_1_where_it_is_chosen_it_gives_tokens_of_the_user_and_a_refresh_token() {
    let app = TestApp::start().await;
    let client = register_for(&app, &CHOSEN).await;
    let bob = make::member(&app, "bob", &[]).await;
    let answer = client.sign_in(&app, "bob", "openid profile").await;
    let claims = part(&access_token(&answer), 1);
    assert_eq!((claims["sub"].as_str(), claims["client_id"].as_str()), (Some(&*bob.id.to_string()), Some(&*client.id)));
    assert_eq!(
        (claims["scope"].as_str(), answer.json()["scope"].as_str()),
        (Some("openid profile"), Some("openid profile"))
    );
    assert!(claims["gid"].is_string());
    let id = id_claims(&answer);
    assert_eq!((id["sub"].clone(), id["aud"].as_str()), (claims["sub"].clone(), Some(&*client.id)));
    // The user has just proved who it is.
    assert_eq!(id["auth_time"], app.clock.now().unix_timestamp());
    let next = client.refresh(&app, &refresh_token(&answer)).await;
    assert_eq!(part(&access_token(&next), 1)["gid"], claims["gid"], "the grant stays the same");
}

#[tokio::test]
async fn pw_1_a_public_client_may_use_it_too_and_without_openid_there_is_no_id_token() {
    let app = TestApp::start().await;
    let client = register_for(&app, &CHOSEN).await;
    client.configure(&app, |settings| settings.kind = ClientKind::Public).await;
    make::member(&app, "bob", &[]).await;
    let form = [&form(make::PASSWORD)[..], &[("client_id", &*client.id)]].concat();
    let answer = crate::oauth::post(&app, &[], &form).await;
    access_token(&answer);
    assert!(answer.json().get("id_token").is_none() && answer.json()["scope"] == "");
}

#[tokio::test]
async fn pw_2_wrong_password_unknown_user_and_disabled_account_are_one_answer() {
    let app = TestApp::start().await;
    let client = register_for(&app, &CHOSEN).await;
    make::member(&app, "bob", &[]).await;
    make::member(&app, "eve", &[]).await;
    sqlx::query("update users set disabled_at = now() where name = 'eve'").execute(app.pool()).await.unwrap();
    let mut bodies = Vec::new();
    for (username, password) in [
        ("bob@example.com", "a wrong password"),
        ("nobody@example.com", make::PASSWORD),
        ("not an address", make::PASSWORD),
        ("eve@example.com", make::PASSWORD),
    ] {
        let form = [("grant_type", "password"), ("username", username), ("password", password)];
        let answer = client.post(&app, &form).await;
        assert_refused(&answer, 400, "invalid_grant");
        bodies.push(answer.text());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    for missing in [&[][..], &[("username", "bob@example.com")], &[("password", make::PASSWORD)]] {
        let answer = client.post(&app, &[&[("grant_type", "password")], missing].concat()).await;
        assert_refused(&answer, 400, "invalid_request");
    }
    let grants: i64 = sqlx::query_scalar("select count(*) from grants").fetch_one(app.pool()).await.unwrap();
    assert_eq!(grants, 0, "a refusal leaves nothing behind");
}

#[tokio::test]
async fn pw_3_where_it_is_not_chosen_it_is_refused_before_the_password_is_looked_at() {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    make::member(&app, "bob", &[]).await;
    assert_refused(&client.post(&app, &form(make::PASSWORD)).await, 400, "unauthorized_client");
    assert_refused(&client.post(&app, &form("wrong")).await, 400, "unauthorized_client");
    assert_eq!(failures(&app).await, 0);
}

#[tokio::test]
async fn pw_3_the_instance_switch_forbids_it_whatever_the_application_has_chosen() {
    let app = TestApp::start_with(|config| config.oauth.legacy_grants = false).await;
    let client = register(&app, Environment::Sandbox).await;
    sqlx::query("update clients set grant_types = '{password,refresh_token}'").execute(app.pool()).await.unwrap();
    app.settle().await;
    make::member(&app, "bob", &[]).await;
    assert_refused(&client.post(&app, &form(make::PASSWORD)).await, 400, "unsupported_grant_type");
}

#[tokio::test]
async fn pw_4_failures_here_and_on_the_sign_in_page_are_one_count() {
    let app = TestApp::start().await;
    let client = register_for(&app, &CHOSEN).await;
    make::member(&app, "bob", &[]).await;
    let mut browser = Visitor::new(&app);
    for _ in 0..3 {
        assert_refused(&client.post(&app, &form("wrong")).await, 400, "invalid_grant");
    }
    for _ in 0..2 {
        assert_eq!(at_the_page(&mut browser, "wrong").await.status, 422);
    }
    // The right password does not help as long as the wait lasts, neither here nor there.
    let answer = client.post(&app, &form(make::PASSWORD)).await;
    assert_refused(&answer, 429, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(at_the_page(&mut browser, make::PASSWORD).await.status, 429);
    app.clock.advance(Duration::seconds(2));
    access_token(&client.post(&app, &form(make::PASSWORD)).await);
    assert_eq!(failures(&app).await, 0, "a success makes them forgotten");
}

#[tokio::test]
async fn pw_4_it_counts_against_the_user_and_not_against_the_client() {
    let app = TestApp::start().await;
    let client = register_for(&app, &CHOSEN).await;
    make::member(&app, "bob", &[]).await;
    make::member(&app, "eve", &[]).await;
    for _ in 0..6 {
        client.post(&app, &form("wrong")).await;
    }
    assert_refused(&client.post(&app, &form(make::PASSWORD)).await, 429, "temporarily_unavailable");
    access_token(&client.sign_in(&app, "eve", "").await);
}

async fn at_the_page(browser: &mut Visitor, password: &str) -> Answer {
    browser.post("/sign-in", &[("email", "bob@example.com"), ("password", password)]).await
}

async fn failures(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from login_failures").fetch_one(app.pool()).await.unwrap()
}
