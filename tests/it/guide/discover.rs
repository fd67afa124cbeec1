//! "Discover APIs", and what a reader does next: the reference, one operation tried, usage, and why a call was refused.

use crate::guide::reader::Reader;
use crate::support::app::TestApp;
use crate::support::upstream::Upstream;
use crate::support::{http, make, shop};
use portico::base::environment::Environment;
use portico::base::tally::Credential;

async fn follow_the_guide(scripts: bool) {
    let app = TestApp::start().await;
    let backend = Upstream::start().await;
    shop::publish(&app, &backend.url("")).await;
    let member = make::developer(&app, "ada").await;
    let application = shop::application(&app, &member, "Shop").await;
    let key = shop::key(&app, &member, (&application, "checkout"), Environment::Sandbox).await;
    app.settle().await;

    // "Public: visible to all users. Private: accessible only to signed-in users. Restricted: users with specific roles."
    let ada = Reader::start(&app, scripts).await;
    ada.browser.open(&app.portal("/")).await;
    ada.click("APIs").await;
    ada.see("Everything about pets").await;
    ada.miss("Ledger").await;
    ada.sign_in("ada").await;
    ada.click("APIs").await;
    ada.see("Ledger").await;
    ada.miss("Vault").await;
    // "Developers can search for APIs by name." They are listed by major version.
    ada.fill("Search APIs", "pets").await;
    ada.click("Search").await;
    ada.miss("Ledger").await;
    ada.see("v1").await;
    ada.click("Pets").await;
    // "The overview page displays subscribed versions and subscription details." "Copy the Endpoint(s)."
    for word in ["Endpoint", "Shop", "Bronze", "24 November 2026"] {
        ada.see(word).await;
    }

    // The reference tells what to send, what comes back, and in which header the credential goes.
    ada.click("Reference").await;
    ada.click("GET /pets List pets").await;
    for word in ["Credentials", "api-key: <YOUR_API_KEY>", "Responses", "What the gateway adds"] {
        ada.see(word).await;
    }
    // One operation tried: nothing to paste, and the answer beside it.
    ada.fill("Application", "Shop").await;
    ada.fill("limit", "7").await;
    ada.click("Send").await;
    ada.see("calls left").await;
    ada.see("hello").await;
    ada.see("200").await;
    assert_eq!(backend.only().target, "/pets?limit=7");

    // Usage of the application.
    shop::calls(&app, &application, &Credential::ApiKey(key.key.id), &[(1, 2, 40), (1, 4, 2)]).await;
    ada.click("Applications").await;
    ada.click("Shop").await;
    ada.click("Usage").await;
    ada.see("Calls per day").await;
    ada.see("checkout").await;
    ada.click("24 hours").await;
    ada.see("Calls per hour").await;

    // A call is refused: its request id leads to the reason and to what helps.
    let url = app.gateway(Environment::Production, "/pets/v1/greet");
    let refused = http::get(&url, &[("api-key", key.secret.expose())]).await;
    assert_eq!(refused.status, 401);
    let id = refused.json()["request_id"].as_str().unwrap().to_owned();
    let written = "select exists (select from refusals where request_id = $1)";
    while !sqlx::query_scalar::<_, bool>(written).bind(&id).fetch_one(app.pool()).await.unwrap() {
        tokio::task::yield_now().await;
    }
    ada.click("Refused calls").await;
    ada.fill("Request ID", &id).await;
    ada.click("Look up").await;
    ada.see("The credential was made for the other environment.").await;
    ada.see("sandbox credentials to the sandbox gateway").await;
}

#[tokio::test]
async fn discover_read_try_and_look_after_with_scripts() {
    follow_the_guide(true).await;
}

#[tokio::test]
async fn discover_read_try_and_look_after_without_scripts() {
    follow_the_guide(false).await;
}
