//! The token endpoint, through HTTP. Each test says which lines of the requirements it proves: META (metadata), KEY
//! (signing keys), CLI (client authentication), TOK (token endpoint), CC (client credentials), AT (access tokens), REV
//! (revocation), INT (introspection), UI (`UserInfo`).

mod access_token;
mod assertion;
mod authorize;
mod browser;
mod client_auth;
mod client_credentials;
mod code;
mod code_flow;
mod configurations;
mod cors;
mod device;
mod device_pages;
mod id_token;
mod introspection;
mod keys;
mod libraries;
mod log;
mod logout;
mod metadata;
mod password;
mod pkce;
mod refresh;
mod registry;
mod revocation;
mod rotation;
mod scopes;
mod sweep;
mod token;
mod userinfo;

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use portico::base::environment::Environment;
use portico::base::id::ApplicationId;
use portico::domain::accounts::model::Member;
use portico::domain::applications::manage;
use portico::domain::credentials::client_model::{ClientSettings, GrantType};
use portico::domain::credentials::{clients, settings};

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

impl Registered {
    /// Another client of the same person, with the same settings.
    async fn sibling(&self, app: &TestApp, name: &str) -> Self {
        let application = manage::create(&app.ctx, &self.member, name, "").await.unwrap().id;
        let issued = clients::generate(&app.ctx, &self.member, application, self.environment).await.unwrap();
        let (member, secret) = (self.member.clone(), issued.secret.expose().to_owned());
        let sibling = Self { member, application, environment: self.environment, id: issued.client.id, secret };
        let mine = clients::get(&app.ctx, &self.member, self.application, self.environment).await.unwrap().unwrap();
        sibling.configure(app, |settings| *settings = mine.settings).await;
        sibling
    }

    /// A request at the token endpoint, authenticated by its secret.
    async fn post(&self, app: &TestApp, form: &[(&str, &str)]) -> Answer {
        post(app, &[("authorization", &basic(&self.id, &self.secret))], form).await
    }

    /// Tokens for a person made by [`make`], by the password grant.
    async fn sign_in(&self, app: &TestApp, name: &str, scope: &str) -> Answer {
        let username = format!("{name}@example.com");
        let who = [("username", &*username), ("password", make::PASSWORD)];
        let answer = self.post(app, &[&[("grant_type", "password"), ("scope", scope)], &who[..]].concat()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    /// Exchanges a refresh token.
    async fn refresh(&self, app: &TestApp, token: &str) -> Answer {
        self.post(app, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Changes the client's settings as its owner would.
    async fn configure(&self, app: &TestApp, change: impl FnOnce(&mut ClientSettings)) {
        let found = clients::get(&app.ctx, &self.member, self.application, self.environment).await.unwrap().unwrap();
        let mut wanted = found.settings;
        change(&mut wanted);
        let place = (self.application, self.environment);
        settings::save(&app.ctx, &self.member, place, wanted, app.app.issuer.legacy()).await.unwrap();
        app.settle().await;
    }
}

/// A sandbox client of ada's that has chosen these grants.
async fn register_for(app: &TestApp, grants: &[GrantType]) -> Registered {
    let client = register(app, Environment::Sandbox).await;
    client.configure(app, |settings| settings.grant_types = grants.to_vec()).await;
    client
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

/// The refresh token of a grant.
fn refresh_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["refresh_token"].as_str().unwrap().to_owned()
}

/// The claims of the ID token of a grant, read without any check.
fn id_claims(answer: &Answer) -> serde_json::Value {
    part(answer.json()["id_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())), 1)
}

/// One part of a token, read without any check: 0 is the header, 1 the claims.
pub(crate) fn part(token: &str, place: usize) -> serde_json::Value {
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
