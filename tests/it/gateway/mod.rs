//! The gateway, through HTTP: its callers on one side, a backend that records on the other.

mod access_log;
mod api_key;
mod bearer;
mod cors;
mod definition;
mod drain;
mod forged;
mod forwarding;
mod fuzz;
mod identity;
mod key_in_query;
mod key_limits;
mod limits;
mod metrics;
mod plans;
mod policies;
mod processes;
mod protocols;
mod refusals;
mod refused_calls;
mod reload;
mod resource;
mod revocation;
mod routing;
mod scopes;
mod streaming;
mod tls;
mod trace;
mod usage;

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::upstream::Upstream;
use portico::base::environment::Environment;
use portico::config::Config;
use portico::domain::accounts::model::Member;
use portico::domain::applications::manage;
use portico::domain::credentials::api_keys;
use portico::domain::credentials::model::{ChosenApplication, IssuedKey, NewApiKey, WantedLimits};

/// An instance with the API `pets` in version 1.0, in front of one backend, and a developer with an API key for it.
struct Gate {
    app: TestApp,
    upstream: Upstream,
    member: Member,
    issued: IssuedKey,
}

impl Gate {
    async fn open() -> Self {
        Self::over(Upstream::start().await, |_| {}).await
    }

    async fn over(upstream: Upstream, change: impl FnOnce(&mut Config)) -> Self {
        Self::around(TestApp::start_with(change).await, upstream).await
    }

    async fn around(app: TestApp, upstream: Upstream) -> Self {
        make::publish(&app, &pets(&[("1.0", "published", &upstream.url("/base"))])).await;
        let member = make::developer(&app, "ada").await;
        let issued = key(&app, &member, "pets", "first").await;
        app.settle().await;
        Self { app, upstream, member, issued }
    }

    fn key(&self) -> &str {
        self.issued.secret.expose()
    }

    fn url(&self, path: &str) -> String {
        self.app.gateway(Environment::Production, path)
    }

    /// Calls with the developer's key.
    async fn get(&self, path: &str) -> Answer {
        self.get_with(path, self.key()).await
    }

    async fn get_with(&self, path: &str, key: &str) -> Answer {
        http::get(&self.url(path), &[("api-key", key)]).await
    }
}

/// A manifest of the API `pets` with these versions: number, state, backend.
fn pets(versions: &[(&str, &str, &str)]) -> String {
    let version = |(version, state, backend): &(&str, &str, &str)| {
        let backends = format!("{{production: \"{backend}\", sandbox: \"{backend}\"}}");
        format!("  - {{version: \"{version}\", state: {state}, backends: {backends}}}")
    };
    let versions: Vec<String> = versions.iter().map(version).collect();
    let head = "kind: api\nname: pets\ncontext: shop/pets\nplans: [bronze, gold]\nversions:\n";
    format!("{head}{}\n", versions.join("\n"))
}

/// A key of the application `Shop` of this developer, for major version 1 in production.
async fn key(app: &TestApp, member: &Member, api: &str, name: &str) -> IssuedKey {
    key_in(app, member, (api, None), Environment::Production, name).await
}

async fn key_in(
    app: &TestApp,
    member: &Member,
    (api, endpoint): (&str, Option<&str>),
    environment: Environment,
    name: &str,
) -> IssuedKey {
    let new = wanted(app, member, api, environment, name).await;
    generate(app, member, NewApiKey { endpoint: endpoint.map(str::to_owned), ..new }).await
}

/// The same in production, narrowed.
async fn limited_key(app: &TestApp, member: &Member, api: &str, name: &str, limits: WantedLimits) -> IssuedKey {
    let new = wanted(app, member, api, Environment::Production, name).await;
    generate(app, member, NewApiKey { limits, ..new }).await
}

async fn wanted(app: &TestApp, member: &Member, api: &str, environment: Environment, name: &str) -> NewApiKey {
    let known = manage::list(&app.ctx, member).await.unwrap();
    let application = match known.iter().find(|application| application.application.name == "Shop") {
        Some(shop) => ChosenApplication::Existing(shop.application.id),
        None => ChosenApplication::New("Shop".to_owned()),
    };
    NewApiKey {
        api: api.to_owned(),
        major: 1,
        environment,
        name: name.to_owned(),
        application,
        plan: Some("bronze".to_owned()),
        endpoint: None,
        limits: WantedLimits::default(),
        once: None,
    }
}

async fn generate(app: &TestApp, member: &Member, new: NewApiKey) -> IssuedKey {
    let issued = api_keys::generate(&app.ctx, member, new).await.unwrap();
    app.settle().await;
    issued
}

/// A refusal: its status and code, in the shape of RFC 9457, and its id in header and body.
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    for member in ["type", "title", "detail", "message"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
    }
}
