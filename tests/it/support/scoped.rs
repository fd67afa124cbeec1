//! Two APIs with scopes, `zoo` and `aviary`, for tests of tokens and of the gateway.

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::upstream::Upstream;
use crate::support::{db, make};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portico::base::environment::Environment;
use portico::base::id::ApplicationId;
use portico::domain::accounts::model::Member;
use portico::domain::applications::manage;
use portico::domain::credentials::clients;
use portico::domain::publishing::apply;
use portico::domain::subscriptions::subscribe;
use std::sync::atomic::{AtomicU32, Ordering};

/// The scopes of `zoo`, in order. `zoo:feed` is only for users with the role `keeper`.
pub(crate) const SCOPES: [&str; 4] = ["zoo:feed", "zoo:read", "zoo:write", "zoo:admin"];

/// `zoo` is called at `parks/zoo`, `aviary` at `aviary`; both take API keys and tokens, in versions 1.0 and (`zoo`) 2.0. The
/// only scope of `aviary` is `birds:read`. `{backend}` is where all of them lead.
const MANIFEST: &str = r#"
kind: role
name: keeper
title: Keepers
---
kind: api
name: zoo
title: The zoo
context: parks/zoo
visibility: public
plans: [bronze, gold]
scopes:
  - {name: zoo:feed, title: Feed the animals, roles: [keeper]}
versions:
  - version: "1.0"
    openapi: zoo.yaml
    backends: {production: "{backend}/zoo", sandbox: "{backend}/zoo"}
  - version: "2.0"
    backends: {production: "{backend}/zoo2", sandbox: "{backend}/zoo2"}
---
kind: api
name: aviary
title: The aviary
context: aviary
visibility: private
plans: [bronze]
scopes:
  - {name: birds:read, title: See the birds}
versions:
  - version: "1.0"
    backends: {production: "{backend}/aviary", sandbox: "{backend}/aviary"}
"#;

/// `GET /animals` takes `zoo:read` or `zoo:admin`; to `POST` one takes both `zoo:read` and `zoo:write`, or `zoo:admin`; `/status`
/// takes any token, and `/animals/mine` any token too, although `/animals/{name}` does not.
const OPENAPI: &str = r#"
openapi: 3.1.0
info: {title: The zoo, version: "1"}
security: [{oauth: [zoo:read]}, {oauth: [zoo:admin]}]
paths:
  /animals:
    get: {summary: All animals}
    post: {summary: A new animal, security: [{oauth: [zoo:read, zoo:write]}, {oauth: [zoo:admin]}]}
  /animals/{name}:
    get: {summary: One animal}
    delete: {summary: Let it go, security: [{oauth: [zoo:admin]}]}
  /animals/{name}/meals:
    post: {summary: Feed it, security: [{oauth: [zoo:feed]}]}
  /animals/mine:
    get: {summary: The animals I adopted, security: []}
  /status:
    get: {summary: Whether it is open, security: [{key: []}, {oauth: []}]}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: api-key}
    oauth:
      type: oauth2
      flows:
        clientCredentials:
          tokenUrl: /oauth2/token
          scopes: {zoo:read: See the animals, zoo:write: Change the animals, zoo:admin: Do anything in the zoo}
"#;

/// Publishes both before a backend such as `http://127.0.0.1:4000`.
pub(crate) async fn publish(app: &TestApp, backend: &str) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let dir = db::scratch(&format!("scoped-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(dir.join("zoo.yaml"), OPENAPI).unwrap();
    std::fs::write(dir.join("portico.yaml"), MANIFEST.replace("{backend}", backend)).unwrap();
    apply::apply_path(&app.ctx, &dir.join("portico.yaml")).await.unwrap_or_else(|e| panic!("{e:?}"));
    app.settle().await;
}

/// Subscribes an application to version 1 of both.
pub(crate) async fn subscribe(app: &TestApp, member: &Member, application: ApplicationId) {
    for api in ["zoo", "aviary"] {
        subscribe::add(&app.ctx, member, application, (api, 1), "bronze").await.unwrap();
    }
    app.settle().await;
}

/// An instance with both, in front of one backend, and a client in production that is subscribed to them.
pub(crate) struct Zoo {
    pub(crate) app: TestApp,
    pub(crate) upstream: Upstream,
    pub(crate) member: Member,
    pub(crate) application: ApplicationId,
    pub(crate) client: String,
    secret: String,
}

impl Zoo {
    pub(crate) async fn open() -> Self {
        Self::around(TestApp::start().await, Upstream::start().await).await
    }

    /// The same in this instance, in front of this backend.
    pub(crate) async fn around(app: TestApp, upstream: Upstream) -> Self {
        publish(&app, &upstream.url("")).await;
        let member = make::developer(&app, "ada").await;
        let application = manage::create(&app.ctx, &member, "Visits", "").await.unwrap().id;
        subscribe(&app, &member, application).await;
        let issued = clients::generate(&app.ctx, &member, application, Environment::Production).await.unwrap();
        app.settle().await;
        let secret = issued.secret.expose().to_owned();
        Self { app, upstream, member, application, client: issued.client.id, secret }
    }

    /// Asks for a token of the client itself, with these parameters besides.
    pub(crate) async fn ask(&self, parameters: &[(&str, &str)]) -> Answer {
        self.ask_as((&self.client, &self.secret), parameters).await
    }

    /// The same for another client.
    pub(crate) async fn ask_as(&self, (id, secret): (&str, &str), parameters: &[(&str, &str)]) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let form: Vec<_> = [("grant_type", "client_credentials")].iter().chain(parameters).copied().collect();
        http::post_form(&self.app.portal("/oauth2/token"), &[("authorization", &basic)], &form).await
    }

    /// A token of the client itself.
    pub(crate) async fn token(&self, parameters: &[(&str, &str)]) -> String {
        let answer = self.ask(parameters).await;
        answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
    }

    /// The identifier of an API such as `parks/zoo/v1`, or the gateway's base URL.
    pub(crate) fn resource(&self, path: &str) -> String {
        let slash = if path.is_empty() { "" } else { "/" };
        self.app.gateway(Environment::Production, &format!("{slash}{path}"))
    }
}
