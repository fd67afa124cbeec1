//! Every page in a real browser: axe-core finds nothing, nothing scrolls sideways on a phone, the console stays silent,
//! and the script does what it is there for.

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Theme};
use crate::support::visitor::Visitor;
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::base::id::{ApiKeyId, ApplicationId};
use portico::base::tally::Credential;
use portico::domain::accounts::model::Member;
use portico::domain::applications::model::Application;
use portico::domain::credentials::client_model::{ClientKind, ClientSettings, GrantType, Legacy};
use portico::domain::credentials::model::Grace;
use portico::domain::credentials::{api_keys, clients, direct};
use serde_json::json;
use std::collections::BTreeSet;

const DESKTOP: (u32, u32) = (1440, 900);
const PHONE: (u32, u32) = (390, 844);

/// Signs a person made by [`make`] in, as one does.
pub(crate) async fn sign_in(browser: &Browser, app: &TestApp, name: &str) {
    browser.open(&app.portal("/sign-in")).await;
    browser.type_into("input[type=email]", &format!("{name}@example.com")).await;
    browser.type_into("input[type=password]", make::PASSWORD).await;
    browser.click("main form button").await;
    browser.wait_until(&format!("return location.href === {}", json!(app.portal("/apis")))).await;
}

/// What is wrong with the page that the browser shows: a desktop by day and a phone by night, and all four together for
/// whoever asked for pictures.
pub(crate) async fn faults(browser: &Browser, page: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (size, width) in [("desktop", DESKTOP), ("phone", PHONE)] {
        browser.size(width.0, width.1).await;
        let sideways = browser.sideways().await;
        if sideways > 0 {
            faults.push(format!("{page}, {size}: scrolls sideways by {sideways} px"));
        }
        for theme in [Theme::Light, Theme::Dark] {
            if !browser.takes_pictures() && (width == PHONE) != (theme == Theme::Dark) {
                continue;
            }
            browser.prefer(theme).await;
            let found = browser.axe().await;
            faults.extend(found.into_iter().map(|fault| format!("{page}, {size}, {theme:?}: {fault}")));
            browser.picture(&format!("{page}-{size}-{theme:?}")).await;
        }
    }
    browser.size(DESKTOP.0, DESKTOP.1).await;
    faults.extend(browser.console().await.into_iter().map(|line| format!("{page}: console: {line}")));
    faults
}

/// An application whose client has everything set that there is to set.
async fn configured(app: &TestApp, member: &Member) -> ApplicationId {
    let application = shop::application(app, member, "Configured").await.id;
    let key = json!({"kty": "EC", "crv": "P-256", "kid": "first", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let settings = ClientSettings {
        grant_types: GrantType::ALL.into_iter().filter(|grant| *grant != GrantType::ClientCredentials).collect(),
        kind: ClientKind::Public,
        redirect_uris: vec![format!("https://shop.example/{}", "long".repeat(40)), "com.example.shop:/cb".to_owned()],
        post_logout_redirect_uris: vec!["https://shop.example/bye".to_owned()],
        cors_origins: vec!["https://admin.shop.example".to_owned()],
        scopes: Some(vec!["openid".to_owned(), "email".to_owned()]),
        jwks: Some(json!({"keys": [key]})),
        ..ClientSettings::default()
    };
    let place = (application, Environment::Sandbox);
    clients::generate_with(&app.ctx, member, place, settings, Legacy::Allowed).await.unwrap();
    application
}

/// What a visitor sees.
async fn faults_for_visitors(browser: &Browser, app: &TestApp) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, path) in [
        ("visitor-home", "/"),
        ("visitor-apis", "/apis"),
        ("visitor-apis-list", "/apis?view=list"),
        ("visitor-sign-in", "/sign-in"),
        ("not-found", "/nothing"),
    ] {
        browser.open(&app.portal(path)).await;
        wrong.extend(
            faults(browser, name).await.into_iter().filter(|fault| !fault.contains("/nothing - Failed to load")),
        );
    }
    wrong
}

/// Calls of some days, with each outcome, slow and fast.
async fn busy(app: &TestApp, application: &Application, key: ApiKeyId) {
    let calls: Vec<_> =
        (0..300).flat_map(|n| [(n * 4, 2, 40 + u32::try_from(n % 90).unwrap()), (n * 9, 4, 3)]).collect();
    shop::calls(app, application, &Credential::ApiKey(key), &calls).await;
    shop::calls(app, application, &Credential::Client("AAAAAAAAAAAAAAAAAAAAAAAA".into()), &[(300, 5, 70)]).await;
}

#[tokio::test]
async fn every_page_is_accessible_and_fits_a_phone() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let bob = make::member(&app, "bob", &["developer"]).await;
    let full = shop::application(&app, &ada, "Storefront").await;
    let empty = shop::application(&app, &ada, "Branch kiosk").await;
    shop::subscribe(&app, &ada, &full).await;
    let key = shop::key(&app, &ada, (&full, "checkout-ci"), Environment::Sandbox).await.key;
    let shared = shop::application(&app, &bob, "Back office").await;
    shop::share(&app, &shared, "ada@example.com").await;
    let subscription: uuid::Uuid =
        sqlx::query_scalar("select id from subscriptions").fetch_one(app.pool()).await.unwrap();
    clients::generate(&app.ctx, &ada, full.id, Environment::Sandbox).await.unwrap();
    // Both are in their grace hour.
    api_keys::regenerate(&app.ctx, &ada, key.id, Grace::Hour).await.unwrap();
    clients::new_secret(&app.ctx, &ada, full.id, Environment::Sandbox).await.unwrap();
    shop::key(&app, &ada, (&full, "nightly"), Environment::Sandbox).await;

    // The longest name without a gap, and what would be a script if a page forgot to escape it.
    let hostile = shop::application(&app, &ada, &format!("<script>alert(1)</script>{}", "W".repeat(45))).await.id;
    shop::share(&app, &full, "bob@example.com").await;
    shop::share(&app, &full, &format!("{}@example.com", "w".repeat(64))).await;
    busy(&app, &full, key.id).await;
    let long = shop::application(&app, &ada, "Long").await.id;
    portico::domain::applications::manage::edit(&app.ctx, &ada, long, "Long", &"ü".repeat(512)).await.unwrap();
    direct::generate(&app.ctx, &ada, ("pets", 1, Environment::Sandbox), Some("bronze")).await.unwrap();
    direct::new_secret(&app.ctx, &ada, ("pets", 1, Environment::Sandbox)).await.unwrap();
    let configured = configured(&app, &ada).await;

    let browser = Browser::start().await;
    let mut wrong = faults_for_visitors(&browser, &app).await;
    sign_in(&browser, &app, "ada").await;
    let (full_id, empty_id, shared_id) = (full.id, empty.id, shared.id);
    let pages = [
        ("home", "/".to_owned()),
        ("apis", "/apis".to_owned()),
        ("account", "/account".to_owned()),
        ("tokens", "/tokens".to_owned()),
        ("api", "/apis/pets/v1".to_owned()),
        ("api-reference", "/apis/pets/v1/reference".to_owned()),
        ("api-reference-nothing", "/apis/pets/v1/reference?q=nothing+like+it".to_owned()),
        ("api-operation", "/apis/pets/v1/reference/default/add-pet".to_owned()),
        ("api-schema", "/apis/pets/v1/reference/default/schemas/Pet".to_owned()),
        ("api-changes", "/apis/pets/v1/changes".to_owned()),
        ("api-document", "/apis/pets/v1/docs/start".to_owned()),
        ("subscribe", "/apis/pets/v1/subscriptions/new".to_owned()),
        ("refusals-latest", "/refusals".to_owned()),
        ("api-several", "/apis/reports/v2".to_owned()),
        ("applications", "/applications".to_owned()),
        ("application-new", "/applications/new".to_owned()),
        ("application", format!("/applications/{full_id}")),
        ("application-hostile", format!("/applications/{hostile}")),
        ("application-hostile-deletion", format!("/applications/{hostile}/deletion")),
        ("application-hostile-client", format!("/applications/{hostile}/credentials/sandbox")),
        ("application-long", format!("/applications/{long}")),
        ("application-shared", format!("/applications/{shared_id}")),
        ("application-sharing", format!("/applications/{full_id}/sharing")),
        ("application-departure", format!("/applications/{shared_id}/departure")),
        ("application-activity", format!("/applications/{full_id}/activity")),
        ("application-usage", format!("/applications/{full_id}/usage?period=30d")),
        ("application-usage-week", format!("/applications/{full_id}/usage")),
        ("application-usage-empty", format!("/applications/{empty_id}/usage")),
        ("applications-nothing", "/applications?q=nothing".to_owned()),
        ("application-details", format!("/applications/{full_id}/details")),
        ("application-deletion", format!("/applications/{full_id}/deletion")),
        ("subscriptions", format!("/applications/{full_id}/subscriptions")),
        ("subscriptions-empty", format!("/applications/{empty_id}/subscriptions")),
        ("subscription-new", format!("/applications/{full_id}/subscriptions/new")),
        ("subscription-plan", format!("/subscriptions/{subscription}/plan")),
        ("subscription-deletion", format!("/subscriptions/{subscription}/deletion")),
        ("client", format!("/applications/{full_id}/credentials/sandbox")),
        ("client-empty", format!("/applications/{empty_id}/credentials/production")),
        ("client-shared", format!("/applications/{shared_id}/credentials/production")),
        ("client-settings", format!("/applications/{full_id}/credentials/sandbox/settings")),
        ("secret-regeneration", format!("/applications/{full_id}/credentials/sandbox/regeneration")),
        ("client-deletion", format!("/applications/{full_id}/credentials/sandbox/deletion")),
        ("api-keys", "/apis/pets/v1/keys/sandbox".to_owned()),
        ("direct-regeneration", "/apis/pets/v1/credentials/sandbox/regeneration".to_owned()),
        ("direct-deletion", "/apis/pets/v1/credentials/sandbox/deletion".to_owned()),
        ("direct-conversion", "/apis/pets/v1/credentials/sandbox/conversion".to_owned()),
        ("direct-new", "/apis/pets/v1/keys/production".to_owned()),
        ("client-configured", format!("/applications/{configured}/credentials/sandbox")),
        ("client-configured-settings", format!("/applications/{configured}/credentials/sandbox/settings")),
        ("tokens-revocation", format!("/applications/{full_id}/credentials/sandbox/tokens/revocation")),
        ("api-keys-empty", "/apis/reports/v2/keys/production".to_owned()),
        ("api-keys-none", "/apis/ledger/v1/keys/sandbox".to_owned()),
        ("api-key-new", "/apis/reports/v2/keys/sandbox/new".to_owned()),
        ("application-api-keys", format!("/applications/{full_id}/api-keys/sandbox")),
        ("application-api-keys-empty", format!("/applications/{empty_id}/api-keys/production")),
        ("application-api-key-new", format!("/applications/{full_id}/api-keys/sandbox/new")),
        ("api-key-new-limits", "/apis/pets/v1/keys/sandbox/new".to_owned()),
        ("api-key-regeneration", format!("/api-keys/{}/regeneration", key.id)),
        ("api-key-deletion", format!("/api-keys/{}/deletion", key.id)),
        ("logout", "/oauth2/logout".to_owned()),
    ];
    for (name, path) in pages {
        browser.open(&app.portal(&path)).await;
        if name.starts_with("client") || name.contains("api-key") {
            let unfold = "document.querySelectorAll('main details').forEach(d => { d.open = true; })";
            browser.script(unfold, json!([])).await;
        }
        wrong.extend(faults(&browser, name).await);
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn every_link_leads_to_a_page_with_one_heading() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::key(&app, &ada, (&application, "one"), Environment::Sandbox).await;
    clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    direct::generate(&app.ctx, &ada, ("pets", 1, Environment::Sandbox), Some("bronze")).await.unwrap();
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let mut known = BTreeSet::from(["/".to_owned()]);
    let mut next = vec!["/".to_owned()];
    while let Some(path) = next.pop() {
        let page = visitor.open(&path).await;
        assert_eq!(page.status(), 200, "{path}");
        let is_page = page.answer.header("content-type").starts_with("text/html");
        assert!(!is_page || page.all("h1").len() == 1, "{path} has the headings {:?}", page.all("h1"));
        let links = [("a", "href"), ("link", "href"), ("script", "src"), ("use", "href")];
        for link in links.iter().flat_map(|(element, attribute)| page.attributes(element, attribute)) {
            let link = link.split('#').next().unwrap_or_default().to_owned();
            if is_page && link.starts_with('/') && known.insert(link.clone()) {
                next.push(link);
            }
        }
        assert!(known.len() < 500, "the portal has grown without end: {known:?}");
    }
    for part in [
        "/deletion",
        "/regeneration",
        "/settings",
        "/tokens/revocation",
        "/conversion",
        "/plan",
        "/new",
        "/docs/start",
        "/reference/default/list-pets.md",
        "/schemas/Pet",
        "/changes",
        "/openapi.json",
        "/openapi.yaml",
        "/subscriptions/new",
        "/refusals",
        "portal.css",
    ] {
        assert!(known.iter().any(|path| path.contains(part)), "nothing leads to {part}");
    }
}

#[tokio::test]
async fn the_script_copies_masks_and_guards_what_is_shown_once() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::subscribe(&app, &ada, &application).await;
    let other = shop::application(&app, &ada, "Another").await;
    let browser = Browser::start().await;
    browser.prefer(Theme::Light).await;
    browser.allow_clipboard(&app.portal("")).await;
    sign_in(&browser, &app, "ada").await;
    let text = async |script: &str| browser.script(script, json!([])).await;

    // The policy hides where the application is subscribed, the name of a new application where there is none,
    // the last day where none is chosen.
    browser.open(&app.portal("/apis/pets/v1/keys/sandbox/new")).await;
    let shown = "return [...document.querySelectorAll('[data-when], [data-when-not]')].map(e => !e.hidden)";
    assert_eq!(text(shown).await, json!([false, false, false]));
    let choose = "const s = document.getElementById('application'); s.value = arguments[0];
        s.dispatchEvent(new Event('change', { bubbles: true }))";
    browser.script(choose, json!([other.id])).await;
    assert_eq!(text(shown).await, json!([false, true, false]));
    browser.script(choose, json!(["new"])).await;
    assert_eq!(text(shown).await, json!([true, true, false]));
    browser.script(choose, json!([application.id])).await;

    // A double click sends one form.
    browser.type_into("#name", "checkout-ci").await;
    text("const b = [...document.querySelectorAll('main button')].find(b => b.textContent === 'Generate'); b.click(); b.click()")
        .await;
    browser.wait_for("[data-once]").await;
    let mut wrong = faults(&browser, "api-key-issued").await;
    let key = text("return document.querySelector('[data-copy]').dataset.copy").await;
    let key = key.as_str().unwrap();
    assert!(key.starts_with("ptk_sbx_"), "{key}");
    let keys: i64 = sqlx::query_scalar("select count(*) from api_keys").fetch_one(app.pool()).await.unwrap();
    assert_eq!(keys, 1);

    // The command is masked on the screen and copied whole; leaving before copying asks first.
    let command = text("return document.querySelector('pre').textContent").await;
    assert!(!command.as_str().unwrap().contains(key), "the key is masked: {command}");
    browser.click("[data-once-done]").await;
    let warned = "return !document.querySelector('[data-unsaved]').hidden";
    assert_eq!(text(warned).await, true);
    assert!(browser.url().await.ends_with("/keys/sandbox"));
    let clipboard =
        "const done = arguments[arguments.length - 1]; navigator.clipboard.readText().then(done, e => done(String(e)))";
    browser.click("[data-copy-pane]").await;
    let copied = browser.script_async(clipboard).await;
    assert!(copied.as_str().unwrap().contains(&format!("api-key: {key}")), "{copied}");
    assert_eq!(text(warned).await, false);
    browser.click("main .copy button").await;
    browser.wait_for(".toast").await;
    assert_eq!(browser.script_async(clipboard).await, *key);
    browser.click("[data-once-done]").await;
    browser.wait_for("table").await;

    // The menu of the key opens; the name wakes the button of a dangerous form.
    browser.click("td .anchor > button").await;
    assert_eq!(text("return document.querySelector('td .menu').matches(':popover-open')").await, true);
    wrong.extend(faults(&browser, "api-keys-menu").await);
    browser.open(&app.portal(&format!("/applications/{}/deletion", other.id))).await;
    let asleep = "return document.querySelector('[data-wakes]').disabled";
    assert_eq!(text(asleep).await, true);
    browser.type_into("#confirm", "Another").await;
    assert_eq!(text(asleep).await, false);
    browser.click("[data-wakes]").await;
    browser.wait_for("main [role=status]").await;

    // Application Keys are shown once too; an error takes the focus.
    browser.open(&app.portal(&format!("/applications/{}/credentials/sandbox", application.id))).await;
    browser.click("main form button").await;
    browser.wait_for("[data-once]").await;
    wrong.extend(faults(&browser, "client-issued").await);
    browser.open(&app.portal("/applications/new")).await;
    browser.type_into("#name", "storefront").await;
    browser.click("main form button").await;
    browser.wait_for("[data-summary]").await;
    assert_eq!(text("return document.activeElement.hasAttribute('data-summary')").await, true);
    wrong.extend(
        faults(&browser, "application-new-wrong").await.into_iter().filter(|fault| !fault.contains("status of 422")),
    );
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn the_script_filters_in_place_and_remembers_the_theme() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let browser = Browser::start().await;
    browser.prefer(Theme::Light).await;
    sign_in(&browser, &app, "ada").await;
    browser.open(&app.portal(&format!("/applications/{}/subscriptions/new", application.id))).await;
    browser.type_into("main [type=search]", "ledger").await;
    let rows = "return document.querySelectorAll('#found tbody tr').length === 1";
    browser.wait_until(rows).await;
    assert!(browser.url().await.ends_with("?q=ledger"), "the address follows");
    let theme = "return document.documentElement.dataset.theme || ''";
    assert_eq!(browser.script(theme, json!([])).await, "");
    browser.click("[data-theme-toggle]").await;
    assert_eq!(browser.script(theme, json!([])).await, "dark");
    assert!(browser.url().await.ends_with("?q=ledger"), "without leaving the page");
    browser.open(&app.portal("/apis")).await;
    assert_eq!(browser.script(theme, json!([])).await, "dark", "the server prints it, so nothing flashes");
    assert_eq!(browser.console().await, Vec::<String>::new());
}
