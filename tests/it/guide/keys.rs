//! "Creating an API Key", "Consume an API", "Manage API Keys": from the API and from the application.

use crate::guide::reader::Reader;
use crate::support::app::TestApp;
use crate::support::upstream::Upstream;
use crate::support::{http, make, shop};
use portico::base::environment::Environment;

async fn follow_the_guide(scripts: bool) {
    let app = TestApp::start().await;
    let backend = Upstream::start().await;
    shop::publish(&app, &format!("http://{}", backend.address)).await;
    make::developer(&app, "ada").await;
    let ada = Reader::start(&app, scripts).await;
    let works = async |environment: Environment, key: &str| {
        app.settle().await;
        let url = app.gateway(environment, "/pets/v1/greet");
        http::get(&url, &[("api-key", key)]).await.status == 200
    };
    ada.sign_in("ada").await;

    // "Click on APIs in the Developer Portal header. Select the desired API."
    ada.click("APIs").await;
    ada.click("Pets").await;
    // "Select the desired environment under Credentials."
    ada.click("Production").await;
    ada.see("API Keys").await;
    ada.click("Generate API Key").await;
    ada.fill("Key Name", "shop").await;
    // "Select an existing application or create a new one."
    ada.fill("Application", "new").await;
    ada.fill("Name of the new application", "Shop").await;
    ada.see("Subscription Policy").await;
    ada.tick("Bronze").await;
    ada.click("Generate").await;
    ada.see("Copy your key now").await;
    let key = ada.copied("API key").await;
    if ada.has_scripts() {
        // Leaving before copying asks first.
        ada.click("Done").await;
        ada.see("You have not copied").await;
        ada.click("Copy API key").await;
        assert_eq!(ada.clipboard().await, key);
    }
    ada.click("Done").await;
    ada.see("shop").await;
    assert!(works(Environment::Production, &key).await && !works(Environment::Sandbox, &key).await);

    // "If the selected application is already subscribed, the subscription selection step is skipped."
    ada.click("Sandbox").await;
    ada.see("API Keys").await;
    ada.click("Generate API Key").await;
    ada.fill("Key Name", "nightly").await;
    ada.fill("Application", "Shop").await;
    if ada.has_scripts() {
        assert!(!ada.sees("Subscription Policy").await, "it is subscribed already");
    }
    ada.click("Generate").await;
    ada.see("Copy your key now").await;
    let old = ada.copied("API key").await;
    if ada.has_scripts() {
        ada.click("Copy API key").await;
    }
    ada.click("Done").await;

    // Regenerate from the API: the old key keeps its hour.
    ada.see("nightly").await;
    ada.click("Actions for key nightly").await;
    ada.click("Regenerate").await;
    ada.see("1 hour").await;
    ada.click("Regenerate key").await;
    ada.see("Copy your key now").await;
    let new = ada.copied("API key").await;
    if ada.has_scripts() {
        ada.click("Copy API key").await;
    }
    ada.click("Done").await;
    assert!(works(Environment::Sandbox, &old).await && works(Environment::Sandbox, &new).await);
    app.clock.advance(time::Duration::HOUR);
    assert!(!works(Environment::Sandbox, &old).await && works(Environment::Sandbox, &new).await);

    // Delete: immediate and irreversible. What was called asks for its name, once its calls are written down.
    let used = "select last_used_at is not null from api_keys where name = 'nightly'";
    while !sqlx::query_scalar::<_, bool>(used).fetch_one(app.pool()).await.unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    ada.click("Actions for key nightly").await;
    ada.click("Delete").await;
    ada.see("Delete nightly?").await;
    ada.fill("Type nightly to confirm", "nightly").await;
    ada.click("Delete key").await;
    ada.see("The API key is deleted.").await;
    assert!(!works(Environment::Sandbox, &new).await);
}

#[tokio::test]
async fn api_keys_with_scripts() {
    follow_the_guide(true).await;
}

#[tokio::test]
async fn api_keys_without_scripts() {
    follow_the_guide(false).await;
}
