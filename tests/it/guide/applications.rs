//! "Create an application", "Generate keys", "Subscribe to an API", "Generate an access token", "Consume an API".

use crate::guide::reader::Reader;
use crate::support::app::TestApp;
use crate::support::upstream::Upstream;
use crate::support::{http, make, shop};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

async fn published() -> (TestApp, Upstream) {
    let app = TestApp::start().await;
    let backend = Upstream::start().await;
    shop::publish(&app, &format!("http://{}", backend.address)).await;
    make::developer(&app, "ada").await;
    (app, backend)
}

async fn follow_the_guide(scripts: bool) {
    let (app, _backend) = published().await;
    let ada = Reader::start(&app, scripts).await;
    ada.sign_in("ada").await;

    // Step 1: Create an application.
    ada.click("Applications").await;
    ada.see("My Applications").await;
    ada.click("Create").await;
    ada.fill("Name", "Shop").await;
    ada.fill("Description", "The web shop").await;
    ada.click("Create").await;
    for word in ["Application Overview", "Token type", "Workflow status", "Application owner"] {
        ada.see(word).await;
    }

    // Subscribe to an API: one or several.
    ada.click("Subscriptions").await;
    ada.see("Subscription Management").await;
    ada.click("Add APIs").await;
    ada.click("Add Pets v1").await;
    ada.see("The API is added.").await;
    ada.click("Add Ledger v1").await;
    ada.see("The API is added.").await;

    // Step 2: Generate keys.
    ada.click("Applications").await;
    ada.see("My Applications").await;
    ada.click("Shop").await;
    ada.see("Application Overview").await;
    ada.click("Sandbox").await;
    ada.see("Application Keys").await;
    ada.click("Advanced configurations").await;
    for word in [
        "Grant types",
        "Public client",
        "Allow authentication without the client secret",
        "PKCE",
        "Mandatory",
        "Application access token expiry time",
        "Refresh token expiry time",
        "ID token expiry time",
    ] {
        ada.see(word).await;
    }
    ada.click("Generate Credentials").await;
    ada.see("Consumer secret").await;
    let (key, secret) = (ada.copied("consumer key").await, ada.copied("consumer secret").await);
    let endpoint = ada.copied("token endpoint").await;

    // "Use the following template and replace the placeholders with the values you copied."
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{key}:{secret}")));
    let answer =
        http::post_form(&endpoint, &[("authorization", &basic)], &[("grant_type", "client_credentials")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let bearer = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
    app.settle().await;

    // "Click Generate Token and copy the displayed token. Alternatively, click cURL to copy the generated command."
    ada.click("Sandbox").await;
    ada.see("Generate Token").await;
    if ada.has_scripts() {
        ada.click("cURL").await;
        ada.see("Copied").await;
        let command = ada.clipboard().await;
        assert!(command.starts_with("curl ") && command.contains(&endpoint), "{command}");
    }
    ada.click("Generate Token").await;
    ada.see("Do not use the test token in your production environment").await;
    let test_token = format!("Bearer {}", ada.copied("test token").await);

    // "Copy the Endpoint(s) from the API overview page", and consume the API with the token.
    ada.click("APIs").await;
    ada.click("Pets").await;
    ada.see("Endpoint").await;
    for api in ["pets/v1", "ledger/v1"] {
        let url = format!("{}/{api}/greet", app.app.urls.sandbox);
        for token in [&bearer, &test_token] {
            assert_eq!(http::get(&url, &[("authorization", token)]).await.status, 200, "{api}");
        }
    }
    // The page says which versions are subscribed, by which application, since when.
    for word in ["Shop", "Bronze", "24 November 2026"] {
        ada.see(word).await;
    }
}

#[tokio::test]
async fn create_subscribe_and_call_with_scripts() {
    follow_the_guide(true).await;
}

#[tokio::test]
async fn create_subscribe_and_call_without_scripts() {
    follow_the_guide(false).await;
}
