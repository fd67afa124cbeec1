//! Credentials directly on an API, for testing: what they open, who gets them, and the application that they become.

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::upstream::Upstream;
use crate::support::visitor::{Page, Visitor};
use crate::support::{make, shop};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portico::base::environment::Environment;
use portico::domain::credentials::direct;
use time::Duration;

const SANDBOX: &str = "/apis/pets/v1/keys/sandbox";
const PRODUCTION: &str = "/apis/pets/v1/keys/production";

/// Consumer key and secret of a page that shows them once.
fn issued(page: &Page) -> (String, String) {
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!(page.answer.header("cache-control"), "no-store");
    let values = page.attributes("[data-copy]", "data-copy");
    assert!(values[1].starts_with("pts_"), "{values:?}");
    (values[0].clone(), values[1].clone())
}

async fn ask(app: &TestApp, (key, secret): &(String, String)) -> Answer {
    app.settle().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")));
    let grant = [("grant_type", "client_credentials")];
    http::post_form(&app.portal("/oauth2/token"), &[("authorization", &basic)], &grant).await
}

async fn token(app: &TestApp, credentials: &(String, String)) -> String {
    let answer = ask(app, credentials).await;
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

/// The status of a call through the gateway.
async fn call(app: &TestApp, environment: Environment, path: &str, token: &str) -> u16 {
    app.settle().await;
    let url = app.gateway(environment, path);
    http::get(&url, &[("authorization", &format!("Bearer {token}"))]).await.status.as_u16()
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(count).fetch_one(app.pool()).await.unwrap()
}

#[tokio::test]
async fn they_open_their_major_of_their_api_in_their_environment_and_nothing_else() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    make::developer(&app, "ada").await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open(SANDBOX).await;
    page.assert_shows("Credentials for testing For testing only");
    page.assert_shows("Suitable for testing or short-term use.");
    assert!(!page.all("summary").contains(&"Advanced configurations".to_owned()));
    let page = ada.submit(page.form("Generate Credentials").tick("Gold")).await;
    let sandbox = issued(&page);
    let token_of_sandbox = token(&app, &sandbox).await;
    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", &token_of_sandbox).await, 200);
    assert_eq!(call(&app, Environment::Sandbox, "/ledger/v1", &token_of_sandbox).await, 403, "not subscribed");
    assert_eq!(call(&app, Environment::Production, "/pets/v1/pets", &token_of_sandbox).await, 401);

    // The other environment is another pair under the same plan; there is no third.
    let page = ada.open(SANDBOX).await;
    page.assert_shows("Subscribed under Gold.");
    assert!(page.find_form("Generate Credentials").is_none());
    let page = ada.open(PRODUCTION).await;
    page.assert_shows("Your credentials of the other environment are subscribed under Gold");
    let generate = page.form("Generate Credentials");
    assert!(!generate.has("Bronze"));
    let production = issued(&ada.submit(page.form("Generate Credentials")).await);
    let token_of_production = token(&app, &production).await;
    assert_eq!(call(&app, Environment::Production, "/pets/v1/pets", &token_of_production).await, 200);
    let again = ada.submit(generate).await;
    assert_eq!(again.status(), 422);
    again.assert_shows("Pets v1 has production credentials already.");
    assert_eq!((count(&app, "clients").await, count(&app, "applications").await), (2, 1));

    // Neither other grants nor settings.
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", sandbox.0, sandbox.1)));
    let password = [("grant_type", "password"), ("username", "ada@example.com"), ("password", make::PASSWORD)];
    let answer = http::post_form(&app.portal("/oauth2/token"), &[("authorization", &basic)], &password).await;
    assert_eq!(answer.json()["error"], "unauthorized_client");
}

#[tokio::test]
async fn what_is_behind_them_is_listed_nowhere() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let member = make::developer(&app, "ada").await;
    shop::application(&app, &member, "Pets v1").await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open(SANDBOX).await;
    issued(&ada.submit(page.form("Generate Credentials")).await);
    let hidden: uuid::Uuid = sqlx::query_scalar("select id from applications where direct_api_id is not null")
        .fetch_one(app.pool())
        .await
        .unwrap();
    let subscription: uuid::Uuid =
        sqlx::query_scalar("select id from subscriptions").fetch_one(app.pool()).await.unwrap();
    for list in ["/applications", "/apis/pets/v1", "/apis/pets/v1/keys/sandbox/new", "/account"] {
        let page = ada.open(list).await;
        assert_eq!(page.status(), 200);
        assert!(!page.answer.text().contains(&hidden.to_string()), "{list}");
    }
    assert_eq!(ada.open("/applications").await.all("tbody tr").len(), 1);
    let own = format!("/applications/{hidden}");
    for (path, fields) in [
        (own.clone(), None),
        (format!("{own}/details"), Some(vec![("name", "Mine")])),
        (format!("{own}/deletion"), Some(vec![("confirm", "Pets v1")])),
        (format!("{own}/subscriptions"), Some(vec![("api", "ledger"), ("major", "1"), ("plan", "bronze")])),
        (format!("{own}/subscriptions/new"), None),
        (format!("{own}/credentials/sandbox"), Some(vec![])),
        (format!("{own}/credentials/production"), Some(vec![("grant_types", "password")])),
        (format!("{own}/credentials/sandbox/settings"), Some(vec![("grant_types", "password")])),
        (format!("{own}/credentials/sandbox/regeneration"), Some(vec![])),
        (format!("{own}/credentials/sandbox/deletion"), Some(vec![])),
        (format!("{own}/credentials/sandbox/tokens/revocation"), Some(vec![])),
        (format!("/subscriptions/{subscription}/plan"), Some(vec![("plan", "gold")])),
        (format!("/subscriptions/{subscription}/deletion"), Some(vec![])),
    ] {
        assert_eq!(ada.peek(&path).await.status, 404, "{path}");
        if let Some(fields) = fields {
            assert_eq!(ada.post(&path, &fields).await.status, 404, "POST {path}");
        }
    }
    let key = [("name", "k"), ("application", &*hidden.to_string()), ("plan", "bronze")];
    assert_eq!(ada.post(SANDBOX, &key).await.status, 404, "no API key of it");
    assert_eq!(count(&app, "applications").await, 2);

    // Somebody else has their own, or none.
    make::developer(&app, "bob").await;
    let mut bob = Visitor::signed_in(&app, "bob").await;
    let page = bob.open(SANDBOX).await;
    assert!(page.find_form("Generate Credentials").is_some());
    assert!(!page.shows("Token endpoint"));
    assert_eq!(bob.peek("/apis/pets/v1/credentials/sandbox/deletion").await.status, 404);
}

#[tokio::test]
async fn a_new_secret_keeps_the_old_one_for_an_hour_and_deleting_ends_everything() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    make::developer(&app, "ada").await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open(SANDBOX).await;
    let first = issued(&ada.submit(page.form("Generate Credentials")).await);
    let page = ada.open(SANDBOX).await;
    assert!(!page.answer.text().contains(&first.1));
    let page = ada.follow(&page, "Regenerate secret").await;
    let second = issued(&ada.submit(page.form("Regenerate secret")).await);
    assert_eq!(first.0, second.0, "the consumer key stays");
    let before = token(&app, &first).await;
    let after = token(&app, &second).await;
    app.clock.advance(Duration::minutes(5));
    let page = ada.open(SANDBOX).await;
    page.assert_shows("works for 55 min");
    let page = ada.submit(page.form("End now the old consumer secret")).await;
    page.assert_shows("The old consumer secret no longer works.");
    assert_eq!(ask(&app, &first).await.status, 401);
    assert_eq!(ask(&app, &second).await.status, 200);
    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", &before).await, 200);

    let page = ada.follow(&page, "Delete credentials").await;
    page.assert_shows(&first.0);
    let page = ada.submit(page.form("Delete credentials")).await;
    page.assert_shows("The credentials are deleted.");
    assert!(page.form("Generate Credentials").has("Gold 5,000 requests a minute"), "the policy is asked for again");
    assert_eq!(ask(&app, &second).await.status, 401);
    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", &after).await, 401);
    for table in ["applications", "subscriptions", "clients"] {
        assert_eq!(count(&app, table).await, 0, "{table}: the last credentials take the rest along");
    }
    let mut actions: Vec<String> =
        sqlx::query_scalar("select action from audit_events where application_id is not null")
            .fetch_all(app.pool())
            .await
            .unwrap();
    actions.sort();
    let expected = [
        "application.created",
        "application.deleted",
        "client.deleted",
        "client.generated",
        "client.old_secret_ended",
        "client.secret_regenerated",
        "subscription.added",
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn converted_they_are_an_ordinary_application_s_and_go_on_as_before() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    let member = make::developer(&app, "ada").await;
    shop::application(&app, &member, "Storefront").await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open(SANDBOX).await;
    let credentials = issued(&ada.submit(page.form("Generate Credentials").tick("Gold")).await);
    let before = token(&app, &credentials).await;
    let production = ("pets", 1, Environment::Production);
    let other = direct::generate(&app.ctx, &member, production, None).await.unwrap();
    let page = ada.open(SANDBOX).await;
    let page = ada.follow(&page, "Convert to an application").await;
    page.assert_shows("go on as they are, in production and sandbox");
    let page = ada.submit(page.form("Convert")).await;
    assert_eq!((page.status(), page.one("#name-e").as_str()), (422, "Enter a name."));
    let page = ada.submit(page.form("Convert").fill("Name", "storefront")).await;
    assert!(page.one("#name-e").starts_with("You have an application named storefront already."));
    let page = ada.submit(page.form("Convert").fill("Name", "Checkout")).await;
    page.assert_shows("It is an application now.");
    page.assert_shows(&format!("Consumer key {}", credentials.0));
    page.assert_shows("Advanced configurations");
    assert_eq!(page.one("h1"), "Checkout");
    let overview = page.at.split("/credentials").next().unwrap().to_owned();

    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", &before).await, 200, "tokens go on");
    let after = token(&app, &credentials).await;
    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", &after).await, 200, "and the secret");
    token(&app, &(other.client.id, other.secret.expose().to_owned())).await;
    ada.open(&format!("{overview}/subscriptions")).await.assert_shows("Pets v1 every minor Gold Active");
    assert_eq!(ada.open("/applications").await.all("tbody tr").len(), 2);

    // The API is free for new ones.
    let page = ada.open(SANDBOX).await;
    let page = ada.submit(page.form("Generate Credentials")).await;
    assert_ne!(issued(&page).0, credentials.0);
    let converted: serde_json::Value =
        sqlx::query_scalar("select detail from audit_events where action = 'application.converted'")
            .fetch_one(app.pool())
            .await
            .unwrap();
    assert_eq!(converted, serde_json::json!({"direct": {"api": "pets", "major": 1}}));
}

#[tokio::test]
async fn they_are_offered_where_they_would_work_and_to_whom_they_may_be_given() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::developer(&app, "ada").await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open("/apis/reports/v2/keys/sandbox").await;
    assert!(!page.shows("Credentials for testing"), "it takes API keys only");
    let answer = ada.post("/apis/reports/v2/credentials/sandbox", &[("plan", "bronze")]).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("Reports takes no access tokens. Use an API key."));
    let page = ada.open("/apis/ledger/v1/keys/production").await;
    page.assert_shows("No credentials for testing This API has no production endpoint.");
    let answer = ada.post("/apis/ledger/v1/credentials/production", &[("plan", "bronze")]).await;
    assert!(answer.text().contains("Ledger v1 has no production endpoint."));
    for path in ["/apis/vault/v1/credentials/production", "/apis/pets/v9/credentials/sandbox"] {
        assert_eq!(ada.post(path, &[("plan", "bronze")]).await.status, 404, "{path}");
    }
    // One plan is no question, several are one.
    let page = ada.open("/apis/ledger/v1/keys/sandbox").await;
    assert!(!page.shows("Subscription Policy"));
    issued(&ada.submit(page.form("Generate Credentials")).await);
    let answer = ada.post("/apis/pets/v1/credentials/sandbox", &[]).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("Choose a subscription policy."));
    assert_eq!(count(&app, "applications").await, 1, "what is refused leaves nothing behind");

    make::member(&app, "bob", &["developer"]).await;
    let mut bob = Visitor::signed_in(&app, "bob").await;
    let page = bob.open(PRODUCTION).await;
    page.assert_shows("Production credentials take the role production.");
    assert!(page.find_form("Generate Credentials").is_none());
    assert_eq!(bob.post("/apis/pets/v1/credentials/production", &[("plan", "bronze")]).await.status, 403);
    make::member(&app, "eve", &[]).await;
    let mut eve = Visitor::signed_in(&app, "eve").await;
    assert!(eve.open(SANDBOX).await.find_form("Generate Credentials").is_none());
    assert_eq!(eve.post("/apis/pets/v1/credentials/sandbox", &[("plan", "bronze")]).await.status, 403);
}

#[tokio::test]
async fn a_double_click_makes_one_pair() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let click = || direct::generate(&app.ctx, &ada, ("pets", 1, Environment::Sandbox), Some("bronze"));
    let (first, second) = tokio::join!(click(), click());
    let failed = [first, second].into_iter().filter_map(Result::err).map(|error| error.to_string()).collect::<Vec<_>>();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].contains("Load the page again to see them."), "{failed:?}");
    for table in ["applications", "subscriptions", "clients", "client_secrets"] {
        assert_eq!(count(&app, table).await, 1, "{table}");
    }
}

#[tokio::test]
async fn revoked_tokens_of_an_application_are_refused_at_once_and_new_ones_work() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    let member = make::developer(&app, "ada").await;
    let application = shop::application(&app, &member, "Storefront").await;
    shop::subscribe(&app, &member, &application).await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let place = format!("/applications/{}/credentials/sandbox", application.id);
    let page = ada.open(&place).await;
    let credentials = issued(&ada.submit(page.form("Generate Credentials")).await);
    let before = token(&app, &credentials).await;
    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", &before).await, 200);
    let page = ada.open(&place).await;
    let page = ada.follow(&page, "Revoke tokens").await;
    page.assert_shows("Every token that these credentials got stops working");
    let page = ada.submit(page.form("Revoke tokens")).await;
    assert_eq!(page.at, place);
    page.assert_shows("The tokens are revoked.");
    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", &before).await, 401);
    app.clock.advance(Duration::SECOND);
    let after = token(&app, &credentials).await;
    assert_eq!(call(&app, Environment::Sandbox, "/pets/v1/pets", &after).await, 200);
}
