//! The authorization endpoint, through HTTP: AZ, IMP, PKCE-1, PKCE-4 and PKCE-5. Bob is the user, Ada's application the
//! client.

mod account;
mod browser;
mod consent;
mod flow;
mod implicit;
mod parameters;
mod prompt;
mod protection;
mod sign_in;
mod waiting;

use crate::oauth::{Registered, basic, post, register};
use crate::support::app::TestApp;
use crate::support::http::Answer;
use crate::support::visitor::Form;
use crate::support::visitor::{Page, Stop, Visitor};
use crate::support::{make, scoped};
use portico::base::environment::Environment;
use portico::domain::credentials::client_model::{ClientSettings, GrantType};
use std::collections::BTreeMap;

/// Where the client waits for answers.
const CALLBACK: &str = "https://shop.example/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An instance with a client that may use the code grant, and a user who is nobody's owner.
struct Stage {
    app: TestApp,
    client: Registered,
}

impl Stage {
    async fn set() -> Self {
        Self::set_in(TestApp::start().await).await
    }

    async fn set_in(app: TestApp) -> Self {
        scoped::publish(&app, "http://127.0.0.1:1").await;
        let client = register(&app, Environment::Sandbox).await;
        scoped::subscribe(&app, &client.member, client.application).await;
        make::member(&app, "bob", &[]).await;
        let stage = Self { app, client };
        stage.configure(|_| {}).await;
        stage
    }

    async fn configure(&self, change: impl FnOnce(&mut ClientSettings)) {
        self.client
            .configure(&self.app, |settings| {
                settings.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
                settings.redirect_uris = vec![CALLBACK.to_owned()];
                change(settings);
            })
            .await;
    }

    /// A request for a code, changed: a parameter with another value, a further one, or none where the value is empty.
    fn request(&self, changes: &[(&str, &str)]) -> String {
        let mut parameters = vec![
            ("client_id", self.client.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("state", "a state"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            parameters.retain(|(known, _)| known != name);
            parameters.extend(Some((*name, *value)).filter(|(_, value)| !value.is_empty()));
        }
        format!("/oauth2/authorize?{}", encode(&parameters))
    }

    /// Bob, signed in.
    async fn bob(&self) -> Visitor {
        Visitor::signed_in(&self.app, "bob").await
    }

    /// What the client is answered after Bob, signed in, has agreed where he was asked to.
    async fn answered(&self, request: &str) -> Sent {
        agree(&mut self.bob().await, request).await
    }

    /// The tokens for a code.
    async fn tokens(&self, code: &str) -> serde_json::Value {
        let answer = self.redeem(code).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// How many rows a table has.
    async fn count(&self, table: &str) -> i64 {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(count).fetch_one(self.app.pool()).await.unwrap()
    }

    /// Redeems a code.
    async fn redeem(&self, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        post(&self.app, &[("authorization", &basic(&self.client.id, &self.client.secret))], &form).await
    }

    fn issuer(&self) -> String {
        self.app.portal("")
    }
}

/// What arrives at the client.
#[derive(Debug, PartialEq)]
struct Sent {
    /// The address before the parameters.
    to: String,
    /// `?` or `#`.
    how: char,
    parameters: BTreeMap<String, String>,
}

impl Sent {
    fn read(address: &str) -> Self {
        let place = address.find(['?', '#']).unwrap_or_else(|| panic!("no answer in {address}"));
        let (to, rest) = address.split_at(place);
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(&rest.as_bytes()[1..]).into_owned() {
            assert!(parameters.insert(name.clone(), value).is_none(), "AZ-1: {name} comes twice in {address}");
        }
        Self { to: to.to_owned(), how: rest.chars().next().unwrap(), parameters }
    }

    fn get(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    fn error(&self) -> &str {
        self.get("error")
    }

    /// Asserts an error as RFC 6749 §4.1.2.1 has it, with `state` and `iss`, and nothing else.
    #[track_caller]
    fn assert_refused(&self, stage: &Stage, error: &str) {
        assert_eq!((self.error(), self.get("iss"), self.get("state")), (error, &*stage.issuer(), "a state"));
        let names: Vec<&str> = self.parameters.keys().map(String::as_str).collect();
        assert_eq!(names, ["error", "error_description", "iss", "state"]);
        let allowed = |c: u8| matches!(c, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let description = self.get("error_description");
        assert!(!description.is_empty() && description.bytes().all(allowed), "{description}");
    }
}

/// Where a request leads whoever looks: to a page, or to the client.
async fn ask(visitor: &mut Visitor, request: &str) -> Stop {
    visitor.go(request).await
}

/// The error that a request is answered with, without any page.
async fn refused(visitor: &mut Visitor, request: &str) -> Sent {
    Sent::read(&ask(visitor, request).await.left())
}

/// Asserts a page of ours that sends the browser nowhere.
#[track_caller]
fn assert_stays(stop: Stop, status: u16, text: &str) -> Page {
    let page = stop.here();
    assert_eq!(page.status(), status, "{}: {}", page.at, page.text());
    page.assert_shows(text);
    page
}

/// Signs in where that is asked for, agrees where that is asked for.
async fn agree(visitor: &mut Visitor, request: &str) -> Sent {
    let mut stop = ask(visitor, request).await;
    loop {
        let page = match stop {
            Stop::Left(address) => return Sent::read(&address),
            Stop::Here(page) => page,
        };
        stop = match page.find_form("Sign in") {
            Some(_) => visitor.send_form(signing_in(&page, "bob")).await,
            None => visitor.send_form(page.form("Allow")).await,
        };
    }
}

/// The sign-in form, filled.
fn signing_in(page: &Page, name: &str) -> Form {
    let form = page.form("Sign in").fill("E-mail address", &format!("{name}@example.com"));
    form.fill("Password", make::PASSWORD)
}

fn encode(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}
