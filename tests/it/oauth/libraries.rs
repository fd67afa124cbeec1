//! The client libraries that developers use, as they are, against a running instance: CODE-1, META-7. What each does is
//! in tests/libraries; the user's part is played here.

use crate::support::app::TestApp;
use crate::support::http;
use crate::support::library::Script;
use crate::support::upstream::Upstream;
use crate::support::visitor::{Page, Stop, Visitor};
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::base::id::ApplicationId;
use portico::domain::accounts::model::Member;
use portico::domain::credentials::client_model::{ClientKind, ClientSettings, GrantType};
use portico::domain::credentials::{clients, settings};
use serde_json::{Value, json};
use std::collections::HashMap;

const ENVIRONMENT: Environment = Environment::Sandbox;
const CALLBACK: &str = "https://shop.example/callback";
const AFTERWARDS: &str = "https://shop.example/signed-out";

/// An instance in real time with a published API, and applications that are subscribed to it.
struct Stage {
    app: TestApp,
    _backend: Upstream,
    ada: Member,
    /// By consumer key.
    applications: HashMap<String, ApplicationId>,
    configuration: Value,
}

impl Stage {
    async fn set() -> Self {
        let app = TestApp::start_in_real_time().await;
        let backend = Upstream::start().await;
        shop::publish(&app, &format!("http://{}", backend.address)).await;
        let ada = make::developer(&app, "ada").await;
        let bob = make::member(&app, "bob", &["developer"]).await;
        let mut stage = Self { app, _backend: backend, ada, applications: HashMap::new(), configuration: json!({}) };
        let confidential = stage
            .client("Shop", |settings| {
                settings.redirect_uris = vec![CALLBACK.to_owned()];
            })
            .await;
        let open = stage
            .client("Notebook", |settings| {
                settings.kind = ClientKind::Public;
                settings.grant_types.retain(|grant| *grant != GrantType::ClientCredentials);
                settings.redirect_uris = vec!["http://127.0.0.1/callback".to_owned()];
            })
            .await;
        let signing = stage
            .client("Robot", |settings| {
                settings.grant_types = vec![GrantType::ClientCredentials];
                settings.redirect_uris = Vec::new();
                settings.post_logout_redirect_uris = Vec::new();
            })
            .await;
        let gateway = stage.app.gateway(ENVIRONMENT, "");
        stage.configuration = json!({
            "issuer": stage.app.portal(""),
            "gateway": gateway,
            "resource": format!("{gateway}/pets/v1"),
            "call": format!("{gateway}/pets/v1/pets"),
            "confidential": confidential,
            "open": open,
            "signing": signing,
            "redirect_uri": CALLBACK,
            "post_logout_redirect_uri": AFTERWARDS,
            "user": { "id": bob.id.to_string(), "name": bob.name, "email": "bob@example.com" },
        });
        stage.app.settle().await;
        stage
    }

    /// An application that is subscribed to `pets`, and its client with every grant that RFC 9700 has nothing against.
    async fn client(&mut self, name: &str, change: impl FnOnce(&mut ClientSettings)) -> Value {
        let application = shop::application(&self.app, &self.ada, name).await;
        shop::subscribe(&self.app, &self.ada, &application).await;
        let issued = clients::generate(&self.app.ctx, &self.ada, application.id, ENVIRONMENT).await.unwrap();
        let (id, secret) = (issued.client.id.clone(), issued.secret.expose().to_owned());
        self.applications.insert(id.clone(), application.id);
        self.configure(&id, |settings| {
            settings.grant_types = GrantType::ALL.into_iter().filter(|grant| !grant.is_legacy()).collect();
            settings.post_logout_redirect_uris = vec![AFTERWARDS.to_owned()];
            change(settings);
        })
        .await;
        json!({ "id": id, "secret": secret })
    }

    /// Changes a client as its owner would.
    async fn configure(&self, id: &str, change: impl FnOnce(&mut ClientSettings)) {
        let application = self.applications[id];
        let found = clients::get(&self.app.ctx, &self.ada, application, ENVIRONMENT).await.unwrap().unwrap();
        let mut wanted = found.settings;
        change(&mut wanted);
        let legacy = self.app.app.issuer.legacy();
        settings::save(&self.app.ctx, &self.ada, (application, ENVIRONMENT), wanted, legacy).await.unwrap();
        self.app.settle().await;
    }

    /// Runs a script to its end, and is its user.
    async fn run(&self, name: &str) {
        let mut script = Script::start(name, &self.configuration).await;
        let mut bob = Visitor::new(&self.app);
        while let Some(question) = script.question().await {
            let text = |member: &str| question[member].as_str().map(str::to_owned);
            if let Some(address) = text("visit") {
                let stop = bob.go(&address).await;
                script.answer(&json!({ "arrived": agree(&mut bob, stop).await }));
            } else if let Some(address) = text("enter") {
                enter(&mut bob, &address, &text("code").unwrap()).await;
                script.answer(&json!({}));
            } else if let Some(client) = text("register") {
                self.configure(&client, |settings| settings.jwks = Some(question["jwks"].clone())).await;
                script.answer(&json!({}));
            } else {
                panic!("{name} asks for {question}");
            }
        }
    }
}

/// Signs in and agrees to whatever is asked, until the browser leaves the portal; says for where.
async fn agree(visitor: &mut Visitor, stop: Stop) -> String {
    let mut stop = stop;
    for _ in 0..5 {
        match stop {
            Stop::Left(address) => return address,
            Stop::Here(page) => stop = step(visitor, &page).await,
        }
    }
    stop.left()
}

async fn step(visitor: &mut Visitor, page: &Page) -> Stop {
    if let Some(form) = page.find_form("Sign in") {
        let form = form.fill("E-mail address", "bob@example.com").fill("Password", make::PASSWORD);
        return visitor.send_form(form).await;
    }
    visitor.send_form(page.form("Allow")).await
}

/// Types a device's code in, and agrees.
async fn enter(visitor: &mut Visitor, address: &str, code: &str) {
    let mut page = visitor.go(address).await.here();
    if page.find_form("Sign in").is_some() {
        page = step(visitor, &page).await.here();
    }
    let page = visitor.submit(page.form("Continue").fill("Code", code)).await;
    visitor.submit(page.form("Allow")).await;
}

#[tokio::test]
async fn code_1_openid_client_runs_the_whole_flow_confidential_and_public() {
    Stage::set().await.run("openid-client.mjs").await;
}

#[tokio::test]
async fn code_1_oauth4webapi_runs_the_whole_flow_confidential_and_public() {
    Stage::set().await.run("oauth4webapi.mjs").await;
}

#[tokio::test]
async fn code_1_authlib_runs_the_whole_flow_confidential_and_public() {
    Stage::set().await.run("authlib_client.py").await;
}

#[tokio::test]
async fn code_1_requests_oauthlib_runs_the_whole_flow_confidential_and_public() {
    Stage::set().await.run("requests_oauthlib_client.py").await;
}

#[tokio::test]
async fn meta_7_strict_client_libraries_accept_the_metadata() {
    let issuer = "https://portal.example.com";
    let app = TestApp::start_with(|config| config.portal.public_url = Some(issuer.to_owned())).await;
    let read = async |path: &str| http::get(&format!("http://{}/.well-known/{path}", app.app.portal), &[]).await.json();
    let configuration = json!({
        "issuer": issuer,
        "openid": read("openid-configuration").await,
        "oauth": read("oauth-authorization-server").await,
    });
    for name in ["metadata.mjs", "metadata.py"] {
        let mut script = Script::start(name, &configuration).await;
        assert_eq!(script.question().await, None, "{name}");
    }
}
