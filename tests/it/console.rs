//! The console of an operation: what the portal says to a script, and the call that it makes for a browser without one.

use crate::pages::{faults, sign_in};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::http::{self, Answer};
use crate::support::scoped::Zoo;
use crate::support::upstream::Upstream;
use crate::support::visitor::Visitor;
use crate::support::{make, shop};
use portico::base::environment::Environment;
use portico::domain::credentials::{clients, testing};
use serde_json::{Value, json};
use time::Duration;

const CALLS: &str = "/apis/pets/v1/calls";

/// Sends the form as the script does.
pub(crate) async fn ask(app: &TestApp, visitor: &Visitor, path: &str, fields: &[(&str, &str)]) -> Answer {
    let cookie = format!("portico-session={}", visitor.cookie("portico-session").unwrap());
    let origin = app.portal("");
    let headers = [
        ("cookie", cookie.as_str()),
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("accept", "application/json"),
    ];
    http::post_form(&app.portal(path), &headers, fields).await
}

/// Calls the gateway with what the portal said, as a browser on a page of the portal does.
async fn call(app: &TestApp, said: &Value) -> Answer {
    app.settle().await;
    let credential = (said["credential"]["header"].as_str().unwrap(), said["credential"]["value"].as_str().unwrap());
    let origin = app.portal("");
    http::get(said["url"].as_str().unwrap(), &[credential, ("origin", &origin)]).await
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(app.pool()).await.unwrap()
}

#[tokio::test]
async fn without_a_script_the_portal_calls_the_gateway_and_shows_what_came_back() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    make::developer(&app, "ada").await;
    let operation = "/apis/pets/v1/reference/default/list-pets";
    let page = Visitor::new(&app).open(operation).await;
    assert!(page.find_form("Send").is_none());
    assert!(page.link("Sign in to try it").starts_with("/sign-in?next="));
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open(operation).await;
    let page = visitor.submit(page.form("Send").fill("limit", "5")).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!(page.answer.header("cache-control"), "no-store");
    page.assert_shows("Answer 200 OK");
    page.assert_shows("999 of 1,000 calls left");
    let seen = upstream.only();
    assert_eq!(seen.target, "/pets?limit=5");
    assert_eq!((seen.header("cookie"), seen.header("api-key")), ("", ""), "neither reaches the backend");
    assert!(!page.answer.text().contains("ptk_sbx_"), "nothing to copy, nothing to leak");
    // What was typed stays, in the form and in the code.
    assert_eq!(page.form("Send").value("limit"), "5");
    assert!(page.all("pre").iter().any(|code| code.starts_with("curl") && code.contains("limit=5")));

    let key = "select count(*) from api_keys where purpose = 'test' and environment = 'sandbox'
               and expires_at = created_at + interval '15 minutes'";
    assert_eq!(count(&app, key).await, 1);
    let list = visitor.open("/apis/pets/v1/keys/sandbox").await;
    list.assert_shows("No sandbox API keys yet");
    assert_eq!(count(&app, "select count(*) from audit_events where action = 'test_key.issued'").await, 1);
    app.clock.advance(Duration::minutes(15));
    assert_eq!(testing::sweep(&app.ctx).await.unwrap(), 1);
    assert_eq!(count(&app, key).await, 0);
}

#[tokio::test]
async fn an_answer_that_is_a_refusal_leads_to_its_reason() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    make::developer(&app, "ada").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open("/apis/pets/v1/reference/default/list-pets").await;
    let page = visitor.submit(page.form("Send").fill("limit", "5")).await;
    page.assert_shows("Answer 502 Bad Gateway");
    let page = visitor.follow(&page, "see why").await;
    assert!(page.at.starts_with("/refusals?request_id="), "{}", page.at);
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn what_is_missing_stands_next_to_its_field_and_nothing_is_sent() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    make::developer(&app, "ada").await;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let page = visitor.open("/apis/pets/v1/reference/default/get-pet").await;
    let page = visitor.submit(page.form("Send")).await;
    assert_eq!(page.status(), 422);
    assert!(page.all(".error").contains(&"Enter a value for petId.".to_owned()), "{:?}", page.all(".error"));
    let fields = [("endpoint", "default"), ("operation", "get-pet"), ("environment", "sandbox")];
    let said = ask(&app, &visitor, CALLS, &fields).await;
    assert_eq!(said.status, 422);
    assert_eq!(said.json()["fields"]["path.petId"], "Enter a value for petId.");
    assert_eq!(upstream.seen().len(), 0);
    assert_eq!(count(&app, "select count(*) from api_keys").await, 0);
}

#[tokio::test]
async fn a_script_is_told_how_to_call_with_a_credential_that_opens_this_and_ends_soon() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    make::developer(&app, "ada").await;
    let visitor = Visitor::signed_in(&app, "ada").await;
    let fields = [
        ("endpoint", "default"),
        ("operation", "get-pet"),
        ("environment", "sandbox"),
        ("application", ""),
        ("path.petId", "a/b c"),
    ];
    let said = ask(&app, &visitor, CALLS, &fields).await;
    assert_eq!((said.status.as_u16(), said.header("cache-control")), (200, "no-store"), "{}", said.text());
    let said = said.json();
    assert_eq!(said["url"], app.gateway(Environment::Sandbox, "/pets/v1/pets/a%2Fb%20c"));
    assert_eq!(said["credential"]["seconds"], 900);
    assert_eq!(said["credential"]["header"], "api-key");
    let code: Vec<_> = said["code"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(code.len(), 6);
    assert!(code.iter().all(|text| text.contains("<YOUR_API_KEY>") && text.contains("a%2Fb%20c")), "{code:?}");
    let secret = said["credential"]["value"].as_str().unwrap();
    assert!(code.iter().all(|text| !text.contains(secret)));
    let answer = call(&app, &said).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), app.portal(""));
    let kept: Vec<_> = fields.iter().copied().chain([("kept", "1")]).collect();
    assert!(ask(&app, &visitor, CALLS, &kept).await.json()["credential"].is_null());
    let only: Vec<_> = fields.iter().copied().chain([("only", "code")]).collect();
    assert!(ask(&app, &visitor, CALLS, &only).await.json()["credential"].is_null());
    assert_eq!(count(&app, "select count(*) from api_keys").await, 1);
    app.clock.advance(Duration::minutes(15));
    assert_eq!(call(&app, &said).await.status, 401, "it has ended");
}

#[tokio::test]
async fn credentials_are_for_the_members_own_applications_and_production_takes_its_role() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    make::member(&app, "bob", &["developer"]).await;
    let application = shop::application(&app, &ada, "Storefront").await;
    let id = application.id.to_string();
    let fields = |environment, application| {
        [
            ("endpoint", "default"),
            ("operation", "list-pets"),
            ("environment", environment),
            ("application", application),
        ]
    };
    let owner = Visitor::signed_in(&app, "ada").await;
    let said = ask(&app, &owner, CALLS, &fields("sandbox", &id)).await;
    assert_eq!(said.status, 409);
    assert_eq!(said.json()["problem"], "Storefront is not subscribed to Pets v1.");
    shop::subscribe(&app, &ada, &application).await;
    for environment in ["sandbox", "production"] {
        assert_eq!(ask(&app, &owner, CALLS, &fields(environment, &id)).await.status, 200, "{environment}");
    }
    let bob = Visitor::signed_in(&app, "bob").await;
    assert_eq!(ask(&app, &bob, CALLS, &fields("sandbox", &id)).await.status, 404);
    shop::share(&app, &application, "bob@example.com").await;
    assert_eq!(ask(&app, &bob, CALLS, &fields("sandbox", &id)).await.status, 403, "to read only");
    assert_eq!(ask(&app, &bob, CALLS, &fields("sandbox", "")).await.status, 200);
    assert_eq!(ask(&app, &bob, CALLS, &fields("production", "")).await.status, 403);
    let of_bob = "select count(*) from api_keys k join users u on u.id = k.created_by
                  where u.email = 'bob@example.com' and k.environment = 'production'";
    assert_eq!(count(&app, of_bob).await, 0);
    let page = Visitor::signed_in(&app, "bob").await.open("/apis/pets/v1/reference/default/list-pets").await;
    assert!(!page.all("option").contains(&"Production".to_owned()));
    page.assert_shows("Production takes the role production.");
}

#[tokio::test]
async fn a_test_token_is_for_the_api_that_is_tried_out_and_nothing_else() {
    let zoo = Zoo::open().await;
    let app = &zoo.app;
    let visitor = Visitor::signed_in(app, "ada").await;
    let id = zoo.application.to_string();
    let fields = [
        ("endpoint", "default"),
        ("operation", "get-animals"),
        ("environment", "production"),
        ("application", id.as_str()),
        ("kind", "token"),
    ];
    let said = ask(app, &visitor, "/apis/zoo/v1/calls", &fields).await.json();
    assert_eq!(said["credential"]["header"], "authorization", "{said}");
    assert_eq!(call(app, &said).await.status, 200);
    let mut elsewhere = said.clone();
    elsewhere["url"] = app.gateway(Environment::Production, "/aviary/v1/birds").into();
    assert_eq!(call(app, &elsewhere).await.status, 401, "it is meant for the zoo");
    // Without an application there is no client yet, and one is made.
    let fields = fields.map(|(name, value)| (name, if name == "application" { "" } else { value }));
    let said = ask(app, &visitor, "/apis/zoo/v1/calls", &fields).await.json();
    assert_eq!(call(app, &said).await.status, 200, "{said}");
}

#[tokio::test]
async fn in_a_browser_one_click_calls_the_gateway_itself_and_every_state_is_accessible() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    shop::publish(&app, &upstream.url("")).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::subscribe(&app, &ada, &application).await;
    clients::generate(&app.ctx, &ada, application.id, Environment::Sandbox).await.unwrap();
    app.settle().await;
    let browser = Browser::start().await;
    sign_in(&browser, &app, "ada").await;
    let operation = app.portal("/apis/pets/v1/reference/default/list-pets");
    browser.open(&operation).await;
    let mut wrong = faults(&browser, "console").await;
    browser.type_into("input[name='query.limit']", "7").await;
    browser.click("[data-tryit] .btn.is-primary").await;
    browser.wait_until("return document.querySelector('[data-answer] .badge')?.textContent.startsWith('200')").await;
    assert_eq!(browser.url().await, operation, "nothing was left");
    assert_eq!(upstream.only().target, "/pets?limit=7");
    let code = "return document.querySelector('[data-language=cURL] code').textContent.includes('limit=7')";
    browser.wait_until(code).await;
    wrong.extend(faults(&browser, "console-answer").await);
    // The credential is kept for as long as it lives, and chosen languages stay.
    browser.click("#code-tab-3").await;
    browser.wait_until("return !document.getElementById('code-3').hidden").await;
    browser.click("[data-tryit] .btn.is-primary").await;
    browser.wait_until("return document.querySelector('[data-answer] .badge')?.textContent.startsWith('200')").await;
    assert_eq!(count(&app, "select count(*) from api_keys where purpose = 'test'").await, 1);
    browser.open(&app.portal("/apis/pets/v1/reference/default/get-pet")).await;
    assert_eq!(browser.script("return document.getElementById('code-3').hidden", json!([])).await, false);
    // What is missing is told by the browser, or by the portal where the browser does not know.
    browser.script("document.querySelector('[data-tryit]').noValidate = true", json!([])).await;
    browser.click("[data-tryit] .btn.is-primary").await;
    browser
        .wait_until("return document.querySelector('[data-error]')?.textContent === 'Enter a value for petId.'")
        .await;
    wrong.extend(faults(&browser, "console-wrong").await.into_iter().filter(|fault| !fault.contains("422")));

    browser.open(&app.portal(&format!("/applications/{}/credentials/sandbox", application.id))).await;
    browser.click("form[action$='/token'] button").await;
    browser.wait_for("#test-token").await;
    wrong.extend(faults(&browser, "test-token").await);
    let token = browser.script("return document.querySelector('[data-copy^=eyJ]').dataset.copy", json!([])).await;
    browser.open(&app.portal("/tokens")).await;
    browser.type_into("#token", token.as_str().unwrap()).await;
    browser.click("main form button").await;
    browser.wait_for("#claims").await;
    wrong.extend(faults(&browser, "tokens-inspected").await);
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}
