//! "Manage API Keys" from the application, "If the selected API has multiple endpoints", credentials without an application,
//! "revoke the access token by invoking the revoke endpoint", and production that "depends on your role".

use crate::guide::reader::Reader;
use crate::support::app::TestApp;
use crate::support::upstream::Upstream;
use crate::support::{http, make, shop};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portico::base::environment::Environment;

async fn follow_the_guide(scripts: bool) {
    let app = TestApp::start().await;
    let backend = Upstream::start().await;
    shop::publish(&app, &backend.url("")).await;
    make::member(&app, "ada", &["developer"]).await;
    let ada = Reader::start(&app, scripts).await;
    ada.sign_in("ada").await;

    // "Access to production endpoints may be restricted based on your user role."
    ada.click("APIs").await;
    ada.click("Reports").await;
    ada.click("Production").await;
    ada.see("role production").await;
    assert!(!ada.sees("Generate API Key").await);

    // "If the selected API has multiple endpoints, an endpoint needs to be selected."
    ada.click("Sandbox").await;
    ada.click("Generate API Key").await;
    ada.fill("Key Name", "nightly").await;
    ada.fill("Application", "new").await;
    ada.fill("Name of the new application", "Shop").await;
    ada.see("Endpoint").await;
    ada.tick("Yearly").await;
    ada.click("Generate").await;
    ada.see("Copy your key now").await;
    let old = ada.copied("API key").await;
    if ada.has_scripts() {
        ada.click("Copy API key").await;
    }
    ada.click("Done").await;
    let status = async |endpoint: &str, key: &str| {
        app.settle().await;
        let url = app.gateway(Environment::Sandbox, &format!("/back-office/reports/v2/{endpoint}/x"));
        http::get(&url, &[("X-Report-Key", key)]).await.status.as_u16()
    };
    assert_eq!((status("yearly", &old).await, status("daily", &old).await), (200, 403));

    // "Credentials section of the Application": every key of it, regenerated and deleted there.
    ada.click("Applications").await;
    ada.click("Shop").await;
    ada.click("API Keys").await;
    ada.see("Reports").await;
    ada.click("Actions for key nightly").await;
    ada.click("Regenerate").await;
    ada.click("Regenerate key").await;
    ada.see("Copy your key now").await;
    let new = ada.copied("API key").await;
    if ada.has_scripts() {
        ada.click("Copy API key").await;
    }
    ada.click("Done").await;
    ada.see("Old key works for").await;
    assert_eq!((status("yearly", &old).await, status("yearly", &new).await), (200, 200));
    let used = "select last_used_at is not null from api_keys where name = 'nightly'";
    while !sqlx::query_scalar::<_, bool>(used).fetch_one(app.pool()).await.unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    ada.click("Actions for key nightly").await;
    ada.click("Delete key").await;
    ada.see("Delete nightly?").await;
    ada.fill("Type nightly to confirm", "nightly").await;
    ada.click("Delete key").await;
    ada.see("The API key is deleted.").await;
    assert_eq!((status("yearly", &old).await, status("yearly", &new).await), (401, 401));

    // "You can generate credentials for an API without subscribing to an application." For testing.
    ada.click("APIs").await;
    ada.click("Pets").await;
    ada.click("Sandbox").await;
    ada.see("For testing only").await;
    ada.tick("Bronze").await;
    ada.click("Generate Credentials").await;
    ada.see("Copy your consumer secret now").await;
    let (key, secret) = (ada.copied("consumer key").await, ada.copied("consumer secret").await);
    let (token_endpoint, revoke_endpoint) = (ada.copied("token endpoint").await, ada.copied("revoke endpoint").await);
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{key}:{secret}")));
    let basic = [("authorization", basic.as_str())];
    let answer = http::post_form(&token_endpoint, &basic, &[("grant_type", "client_credentials")]).await.json();
    let token = answer["access_token"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    let call = async || {
        app.settle().await;
        let url = app.gateway(Environment::Sandbox, "/pets/v1/greet");
        http::get(&url, &[("authorization", &bearer)]).await.status.as_u16()
    };
    assert_eq!(call().await, 200);
    // "You can also revoke the access token by invoking the revoke endpoint."
    assert_eq!(http::post_form(&revoke_endpoint, &basic, &[("token", token)]).await.status, 200);
    assert_eq!(call().await, 401);
}

#[tokio::test]
async fn manage_keys_and_credentials_with_scripts() {
    follow_the_guide(true).await;
}

#[tokio::test]
async fn manage_keys_and_credentials_without_scripts() {
    follow_the_guide(false).await;
}
