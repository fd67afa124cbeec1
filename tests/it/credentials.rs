//! API keys and Application Keys in the portal: made once, shown once, never found again.

use crate::support::app::TestApp;
use crate::support::visitor::{Page, Visitor};
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::credentials::KeyUse;
use portico::domain::credentials::clients;
use std::sync::{Arc, Mutex};
use time::Duration;

const SANDBOX: &str = "/apis/pets/v1/keys/sandbox";

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The secret that a page shows once.
fn secret(page: &Page) -> String {
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!(page.answer.header("cache-control"), "no-store");
    let values = page.attributes("[data-copy]", "data-copy");
    values.into_iter().find(|value| value.starts_with("pt")).unwrap_or_else(|| panic!("no secret: {}", page.text()))
}

#[tokio::test]
async fn a_key_is_generated_as_the_guide_says_with_its_application_and_subscription() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::member(&app, "ada", &["developer"]).await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open("/apis").await;
    let page = ada.follow(&page, "Pets").await;
    let page = ada.follow(&page, "Sandbox").await;
    assert!(page.all("h2").contains(&"API Keys".to_owned()));
    page.assert_shows("No sandbox API keys yet");
    let page = ada.follow(&page, "Generate API Key").await;
    let form = page.form("Generate").fill("Key Name", "checkout-ci").fill("Application", "New application…");
    let form = form.fill("Name of the new application", "Storefront").tick("Gold");
    let page = ada.submit(form).await;
    let key = secret(&page);
    assert!(key.starts_with("ptk_sbx_"), "{key}");
    let gateway = app.gateway(Environment::Sandbox, "/pets/v1/pets");
    assert_eq!(page.one("pre"), format!("curl -H \"api-key: {key}\" \\ -X GET \"{gateway}\""));
    let page = ada.follow(&page, "Done").await;
    assert_eq!(page.at, SANDBOX);
    let hint = &key[key.len() - 4..];
    page.assert_shows(&format!("checkout-ci Created 24 November 2026 …{hint} Storefront Not yet Active"));
    let page = ada.follow(&page, "Storefront").await;
    page.assert_shows(&format!("checkout-ci Created 24 November 2026 …{hint} Pets v1 Not yet Active"));
    let page = ada.follow(&page, "Subscriptions").await;
    page.assert_shows("Pets v1 every minor Gold Active");
}

#[tokio::test]
async fn the_policy_is_skipped_where_the_application_is_subscribed() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::application(&app, &ada, "Another").await;
    shop::subscribe(&app, &ada, &application).await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("{SANDBOX}/new")).await;
    let mut form = page.form("Generate");
    assert_eq!(form.value("Application"), application.id.to_string(), "the subscribed one comes first");
    let skip = page.attributes("[data-when-not]", "data-when-not");
    assert_eq!(skip, [format!("application={}", application.id)]);
    secret(&visitor.submit(form.fill("Key Name", "one").tick("Gold")).await);
    let plans: Vec<String> =
        sqlx::query_scalar("select p.name from subscriptions s join plans p on p.id = s.plan_id order by 1")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(plans, ["bronze"], "what was chosen by the way changes no subscription");
}

#[tokio::test]
async fn a_double_click_makes_one_key_and_one_application() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::developer(&app, "ada").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("{SANDBOX}/new")).await;
    let once = page.attributes("input[name=once]", "value").remove(0);
    let fields = [
        ("name", "one"),
        ("application", "new"),
        ("application_name", "Storefront"),
        ("plan", "bronze"),
        ("once", once.as_str()),
    ];
    let cookie = format!("portico-session={}", visitor.cookie("portico-session").unwrap());
    let origin = app.portal("");
    let headers = [("cookie", cookie.as_str()), ("origin", &origin), ("sec-fetch-site", "same-origin")];
    let url = app.portal(SANDBOX);
    let click = || crate::support::http::post_form(&url, &headers, &fields);
    let (first, second) = tokio::join!(click(), click());
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);
    let refused = if first.status == 200 { second } else { first };
    assert!(refused.text().contains("The key one has been made already"), "{}", refused.text());
    for table in ["api_keys", "applications", "subscriptions"] {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(count).fetch_one(app.pool()).await.unwrap();
        assert_eq!(count, 1, "{table}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_new_key_stands_next_to_its_field() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::key(&app, &ada, (&application, "taken"), Environment::Sandbox).await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("{SANDBOX}/new")).await;
    let page = visitor.submit(page.form("Generate").fill("Key Name", "taken")).await;
    assert_eq!(page.status(), 422);
    assert_eq!(page.one("#name-e"), "Storefront has a key named taken for this API already.");
    assert_eq!(page.form("Generate").value("Key Name"), "taken");
    let page = visitor.submit(page.form("Generate").fill("Key Name", "other").fill("Application", "new")).await;
    assert_eq!(page.one("#application_name-e"), "Enter a name.");
    let form = page.form("Generate").fill("Name of the new application", "Storefront");
    let page = visitor.submit(form).await;
    assert!(page.one("#application_name-e").contains("You have an application named Storefront already."));

    let reports = "/apis/reports/v2/keys/sandbox/new";
    let page = visitor.open(reports).await;
    let page = visitor.submit(page.form("Generate").fill("Key Name", "r")).await;
    assert_eq!(page.one("#endpoint-e"), "Choose the endpoint that the key shall open.");
    let page = visitor.submit(page.form("Generate").tick("Yearly")).await;
    let gateway = app.gateway(Environment::Sandbox, "/back-office/reports/v2/yearly");
    let key = secret(&page);
    assert_eq!(page.one("pre"), format!("curl -H \"x-report-key: {key}\" \\ -X GET \"{gateway}\""));
    let page = visitor.follow(&page, "Done").await;
    page.assert_shows("Endpoint yearly");
    let production = visitor.open("/apis/reports/v2/keys/production/new").await;
    assert_eq!(production.all(".choices.is-stacked b"), ["Daily", "Monthly"], "only endpoints with a backend there");
}

#[tokio::test]
async fn an_api_that_takes_no_key_or_is_not_visible_gives_none() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::developer(&app, "ada").await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open("/apis/ledger/v1/keys/sandbox").await;
    page.assert_shows("This API takes access tokens");
    assert!(page.find_form("Generate API Key").is_none());
    let new = [("name", "k"), ("application", "new"), ("application_name", "A"), ("plan", "bronze")];
    assert_eq!(ada.post("/apis/ledger/v1/keys/sandbox", &new).await.status, 422);
    for path in ["/apis/vault/v1/keys/production", "/apis/pets/v9/keys/sandbox", "/apis/pets/v1/keys/staging"] {
        assert_eq!(ada.peek(path).await.status, 404, "{path}");
        assert_eq!(ada.post(path, &new).await.status, 404, "{path}");
    }
    let applications: i64 =
        sqlx::query_scalar("select count(*) from applications").fetch_one(app.pool()).await.unwrap();
    assert_eq!(applications, 0, "a refused key leaves no application behind");
}

#[tokio::test]
async fn production_takes_a_role_and_the_page_says_which() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let bob = make::member(&app, "bob", &["developer"]).await;
    let application = shop::application(&app, &bob, "Back office").await;
    shop::subscribe(&app, &bob, &application).await;
    let mut visitor = Visitor::signed_in(&app, "bob").await;
    let at = format!("/applications/{}/credentials/production", application.id);
    for path in [at.as_str(), "/apis/pets/v1/keys/production"] {
        let page = visitor.open(path).await;
        page.assert_shows("take the role production");
        assert_eq!(page.attributes("main form", "action"), Vec::<String>::new());
    }
    assert_eq!(visitor.open("/apis/pets/v1/keys/production/new").await.status(), 403);
    let id = application.id.to_string();
    let new = [("name", "k"), ("application", id.as_str())];
    assert_eq!(visitor.post("/apis/pets/v1/keys/production", &new).await.status, 403);
    assert_eq!(visitor.post(&at, &[]).await.status, 403);
}

#[tokio::test]
async fn a_regenerated_key_counts_down_and_the_old_one_can_be_ended() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let made = shop::key(&app, &ada, (&application, "checkout-ci"), Environment::Sandbox).await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(SANDBOX).await;
    let page = visitor.follow(&page, "Regenerate").await;
    page.assert_shows(&format!("What shall become of the old one, …{} ?", made.key.hint));
    let page = visitor.submit(page.form("Regenerate key")).await;
    let fresh = secret(&page);
    assert_ne!(fresh, made.secret.expose());
    page.assert_shows("The old key works for 60 min more");
    app.clock.advance(Duration::minutes(13));
    let page = visitor.open(SANDBOX).await;
    page.assert_shows("Old key works for 47 min");
    assert_eq!(page.attributes("[data-countdown]", "data-countdown"), [(47 * 60).to_string()]);
    let again = visitor.follow(&page, "Regenerate").await;
    again.assert_shows("The key before that stops now");
    let page = visitor.submit(page.form("End old key now")).await;
    page.assert_shows("The old key no longer works.");
    page.assert_shows("Active");
    assert!(!page.shows("Old key works"));
    visitor.submit(again.form("Regenerate key")).await;
    app.clock.advance(Duration::HOUR);
    assert!(!visitor.open(SANDBOX).await.shows("Old key works"), "an hour is an hour");
}

#[tokio::test]
async fn deleting_a_key_in_use_takes_its_name_and_a_quiet_one_goes_with_one_click() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let quiet = shop::key(&app, &ada, (&application, "quiet"), Environment::Sandbox).await.key;
    let busy = shop::key(&app, &ada, (&application, "busy"), Environment::Sandbox).await.key;
    let mut conn = app.ctx.conn().await.unwrap();
    let used = KeyUse { calls: 1284, last: app.clock.now(), old_calls: 0, old_last: None };
    portico::domain::credentials::touch(&mut conn, &[(busy.id, used)], &[]).await.unwrap();
    drop(conn);
    app.clock.advance(Duration::minutes(2));
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("/api-keys/{}/deletion?list=application", quiet.id)).await;
    page.assert_shows("Never used yet");
    let page = visitor.submit(page.form("Delete key")).await;
    assert_eq!(page.at, format!("/applications/{}/api-keys/sandbox", application.id), "back where it started");
    page.assert_shows("The API key is deleted.");
    let page = visitor.open(&format!("/api-keys/{}/deletion", busy.id)).await;
    page.assert_shows("In use: no call in the last 24 hours Last called 2 min ago, by Storefront.");
    let page = visitor.submit(page.form("Delete key").fill("Type", "bus")).await;
    assert_eq!((page.status(), page.one("#confirm-e").as_str()), (422, "Type busy exactly as it is written here."));
    let page = visitor.submit(page.form("Delete key").fill("Type", "busy")).await;
    assert_eq!(page.at, SANDBOX);
    page.assert_shows("No sandbox API keys yet");
    assert_eq!(visitor.open(&format!("/api-keys/{}/deletion", busy.id)).await.status(), 404);
}

#[tokio::test]
async fn application_keys_are_generated_regenerated_and_deleted() {
    let app = TestApp::start().await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("/applications/{}", application.id)).await;
    let page = visitor.follow(&page, "Production").await;
    let place = page.at.clone();
    assert!(page.all("h2").contains(&"Application Keys".to_owned()));
    let generate = page.form("Generate Credentials");
    let page = visitor.submit(page.form("Generate Credentials")).await;
    let first = secret(&page);
    let key = page.all(".facts .copy code").remove(0);
    let token_url = app.portal("/oauth2/token");
    for (fact, value) in [("Consumer key", &key), ("Consumer secret", &first), ("Token endpoint", &token_url)] {
        page.assert_shows(&format!("{fact} {value}"));
    }
    let command = |secret: &str| {
        format!("curl -X POST {token_url} \\ -u \"{key}:{secret}\" \\ -d \"grant_type=client_credentials\"")
    };
    assert_eq!(page.one("pre"), command(&first));
    let again = visitor.submit(generate).await;
    assert_eq!(again.status(), 422);
    again.assert_shows("Storefront has production credentials already.");

    let page = visitor.open(&place).await;
    assert!(!page.answer.text().contains(&first));
    assert_eq!(page.one("pre"), command("$CONSUMER_SECRET"));
    page.assert_shows(&format!("Consumer secret ••••••••{}", &first[first.len() - 4..]));
    let page = visitor.follow(&page, "Regenerate secret").await;
    let page = visitor.submit(page.form("Regenerate secret")).await;
    let second = secret(&page);
    assert_ne!(first, second);
    app.clock.advance(Duration::minutes(50));
    let page = visitor.open(&place).await;
    page.assert_shows(&format!("Old secret ••••••••{} works for 10 min", &first[first.len() - 4..]));
    let page = visitor.submit(page.form("End now the old consumer secret")).await;
    page.assert_shows("The old consumer secret no longer works.");
    assert!(!page.shows("Old secret"));
    let page = visitor.follow(&page, "Delete credentials").await;
    let page = visitor.submit(page.form("Delete credentials")).await;
    page.assert_shows("No production credentials yet");
    page.assert_shows("The credentials are deleted.");
}

#[tokio::test]
async fn a_secret_is_in_no_later_page_in_no_log_and_nowhere_in_the_database() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    // With one subscriber alone, `tracing` asks whichever thread comes to a line first whether anybody listens, and keeps
    // the answer; the tests beside this one do not listen. With two it asks the subscribers.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _until_the_end = tracing::subscriber::set_default(subscriber);
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("{SANDBOX}/new")).await;
    let page = visitor.submit(page.form("Generate").fill("Key Name", "one")).await;
    let mut secrets = vec![secret(&page)];
    let id: uuid::Uuid = sqlx::query_scalar("select id from api_keys").fetch_one(app.pool()).await.unwrap();
    let page = visitor.open(&format!("/api-keys/{id}/regeneration")).await;
    secrets.push(secret(&visitor.submit(page.form("Regenerate key")).await));
    let place = format!("/applications/{}/credentials/sandbox", application.id);
    let page = visitor.open(&place).await;
    secrets.push(secret(&visitor.submit(page.form("Generate Credentials")).await));
    let page = visitor.open(&format!("{place}/regeneration")).await;
    secrets.push(secret(&visitor.submit(page.form("Regenerate secret")).await));
    secrets.push(visitor.cookie("portico-session").unwrap().to_owned());

    assert!(log.text().contains("/regeneration"), "the requests are logged");
    let rows: Vec<String> = shop::dump(&app).await.into_values().flatten().collect();
    let paths = [
        place.clone(),
        format!("{place}/deletion"),
        SANDBOX.to_owned(),
        "/apis/pets/v1".to_owned(),
        format!("/api-keys/{id}/deletion"),
        format!("/applications/{}", application.id),
    ];
    let mut pages = Vec::new();
    for path in paths {
        pages.push(visitor.open(&path).await.answer.text());
    }
    for secret in secrets {
        // Also without the prefix, should somebody have stored the parts.
        let body = &secret[secret.len() - 40..];
        assert!(!rows.iter().any(|row| row.contains(body)), "a secret is in the database");
        assert!(!pages.iter().any(|page| page.contains(body)), "a secret is on a page");
        assert!(!log.text().contains(body), "a secret is in the log");
    }
}

#[tokio::test]
async fn who_lost_the_role_still_sees_and_may_delete_production_credentials() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    clients::generate(&app.ctx, &ada, application.id, Environment::Production).await.unwrap();
    let key = shop::key(&app, &ada, (&application, "one"), Environment::Production).await.key;
    sqlx::query("delete from role_grants where role = 'production'").execute(app.pool()).await.unwrap();
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(&format!("/applications/{}/credentials/production", application.id)).await;
    page.assert_shows("take the role production");
    page.assert_shows("Consumer key");
    assert!(!page.shows("Regenerate secret"));
    for secret in [format!("{}/regeneration", page.at), format!("/api-keys/{}/regeneration", key.id)] {
        assert_eq!(visitor.peek(&secret).await.status, 403, "{secret}");
        assert_eq!(visitor.post(&secret, &[]).await.status, 403, "{secret}");
    }
    let page = visitor.follow(&page, "Delete credentials").await;
    visitor.submit(page.form("Delete credentials")).await.assert_shows("No production credentials yet");
    let page = visitor.open(&format!("/api-keys/{}/deletion", key.id)).await;
    visitor.submit(page.form("Delete key")).await.assert_shows("The API key is deleted.");
}
