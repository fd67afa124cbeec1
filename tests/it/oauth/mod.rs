//! The token endpoint, through HTTP. Each test says which lines of the requirements it proves: META (metadata), KEY
//! (signing keys), CLI (client authentication), TOK (token endpoint), CC (client credentials), AT (access tokens).

mod access_token;
mod client_auth;
mod client_credentials;
mod keys;
mod metadata;
mod token;

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portico::base::environment::Environment;
use portico::base::id::ApplicationId;
use portico::domain::accounts::model::Member;
use portico::domain::applications::manage;
use portico::domain::credentials::clients;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// An application with a client in one environment.
struct Registered {
    member: Member,
    application: ApplicationId,
    environment: Environment,
    id: String,
    secret: String,
}

async fn register(app: &TestApp, environment: Environment) -> Registered {
    let member = make::developer(app, "ada").await;
    let application = manage::create(&app.ctx, &member, "Shop", "").await.unwrap();
    let issued = clients::generate(&app.ctx, &member, application.id, environment).await.unwrap();
    let secret = issued.secret.expose().to_owned();
    Registered { member, application: application.id, environment, id: issued.client.id, secret }
}

/// The `Authorization` header of RFC 7617.
fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn post(app: &TestApp, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
    http::post_form(&app.portal("/oauth2/token"), headers, form).await
}

/// A token for these credentials, or the refusal.
async fn ask(app: &TestApp, id: &str, secret: &str) -> Answer {
    post(app, &[("authorization", &basic(id, secret))], &[GRANT]).await
}

/// The same at an address of its own: a public URL leads nowhere in a test.
async fn ask_at(base: &str, id: &str, secret: &str) -> Answer {
    http::post_form(&format!("{base}/oauth2/token"), &[("authorization", &basic(id, secret))], &[GRANT]).await
}

/// The access token of a grant.
fn access_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// One part of a token, read without any check: 0 is the header, 1 the claims.
fn part(token: &str, place: usize) -> serde_json::Value {
    let text = token.split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

async fn jwks(app: &TestApp) -> Vec<serde_json::Value> {
    let answer = http::get(&app.portal("/oauth2/jwks"), &[]).await;
    assert_eq!(answer.status, 200);
    answer.json()["keys"].as_array().unwrap().clone()
}

/// Asserts a refusal as RFC 6749 §5.2 has it.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str().unwrap()), (status, error));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let description = answer.json()["error_description"].as_str().unwrap().to_owned();
    let allowed = |c: u8| matches!(c, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(description.bytes().all(allowed), "TOK-8: {description}");
}
