//! The consumer guide, step by step in its own words, from sign-in to a call that succeeds; and what it promises
//! about credentials, at the gateway.

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::upstream::Upstream;
use crate::support::visitor::{Page, Visitor};
use crate::support::{make, shop};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use time::Duration;

/// A published catalogue with a backend, and a developer who may hold production credentials.
async fn published() -> (TestApp, Upstream, Visitor) {
    let app = TestApp::start().await;
    let backend = Upstream::start().await;
    shop::publish(&app, &format!("http://{}", backend.address)).await;
    make::developer(&app, "ada").await;
    let ada = Visitor::signed_in(&app, "ada").await;
    (app, backend, ada)
}

/// A value of the page with a copy button.
fn copied(page: &Page, label: &str) -> String {
    let values = page.attributes(&format!("[data-copy][aria-label=\"Copy {label}\"]"), "data-copy");
    assert_eq!(values.len(), 1, "{label}: {}", page.text());
    values.into_iter().next().unwrap()
}

/// Runs a `curl` command that the portal shows, as far as it uses `-H`, `-X`, `-u` and `-d`.
async fn run(command: &str) -> Answer {
    let words = shell_words(command);
    let (mut method, mut url, mut headers, mut body) = (::http::Method::GET, None, Vec::new(), String::new());
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-X" => method = rest.next().unwrap().parse().unwrap(),
            "-H" => {
                let (name, value) = rest.next().unwrap().split_once(": ").unwrap();
                headers.push((name.to_owned(), value.to_owned()));
            }
            "-u" => headers
                .push(("authorization".to_owned(), format!("Basic {}", BASE64_STANDARD.encode(rest.next().unwrap())))),
            "-d" => {
                body.clone_from(rest.next().unwrap());
                headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
            }
            word => assert!(url.replace(word.to_owned()).is_none(), "two URLs in {command}"),
        }
    }
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    http::send(method, &url.unwrap(), &headers, body).await
}

/// Words of a command with double quotes and line continuations, as a shell reads them.
fn shell_words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.replace("\\\n", " ").chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The command in the page's code block, byte for byte.
fn command(page: &Page) -> String {
    let html = page.answer.text();
    let (_, code) = html.split_once("<pre").unwrap();
    let (_, code) = code.split_once("<code").unwrap();
    let (_, code) = code.split_once('>').unwrap();
    code.split_once("</code>").unwrap().0.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&")
}

async fn call(url: &str, header: &str, value: &str) -> u16 {
    http::get(url, &[(header, value)]).await.status.as_u16()
}

#[tokio::test]
async fn consume_an_api_key_secured_service() {
    let (app, backend, mut ada) = published().await;
    // "Click on APIs in the header", "Select the desired API", "select the environment under Credentials".
    let page = ada.open("/applications").await;
    let page = ada.follow(&page, "APIs").await;
    let page = ada.follow(&page, "Pets").await;
    let url = page.attributes("[data-copy]", "data-copy").into_iter().find(|v| v.ends_with("/pets/v1")).unwrap();
    let page = ada.follow(&page, "Production").await;
    assert!(page.all("h2").contains(&"API Keys".to_owned()));
    let page = ada.follow(&page, "Generate API Key").await;
    let form = page.form("Generate").fill("Key Name", "shop").fill("Application", "new");
    let page = ada.submit(form.fill("Name of the new application", "Shop").tick("Bronze")).await;
    let key = copied(&page, "API key");
    app.settle().await;
    // "include it in the api-key header", and the ready command does just that.
    let production = page.attributes("[data-secret]", "data-secret").remove(0);
    assert_eq!(run(&production).await.text(), "hello");
    assert_eq!(call(&format!("{}/pets/v1/greet", app.app.urls.production), "api-key", &key).await, 200);
    assert!(url.starts_with(&app.app.urls.production) || url.starts_with(&app.app.urls.sandbox), "{url}");
    // A production key opens production and nothing else.
    assert_ne!(call(&format!("{}/pets/v1/greet", app.app.urls.sandbox), "api-key", &key).await, 200);
    assert_eq!(backend.seen().len(), 2);
}

#[tokio::test]
async fn consume_an_oauth2_secured_service() {
    let (app, _backend, mut ada) = published().await;
    // Create an application.
    let page = ada.open("/apis").await;
    let page = ada.follow(&page, "Applications").await;
    let page = ada.follow(&page, "Create").await;
    let page = ada.submit(page.form("Create").fill("Name", "Shop").fill("Description", "The web shop")).await;
    page.assert_shows("Application Overview");
    // Subscribe to an API.
    let page = ada.follow(&page, "Subscriptions").await;
    page.assert_shows("Subscription Management");
    let page = ada.follow(&page, "Add APIs").await;
    let page = ada.submit(page.form("Add Pets v1").fill("Subscription Policy for Pets v1", "bronze")).await;
    let page = ada.submit(page.form("Add Ledger v1").fill("Subscription Policy for Ledger v1", "bronze")).await;
    let page = ada.follow(&page, "Done").await;
    // Generate keys: "click the desired environment under Credentials", "Generate Credentials".
    let page = ada.follow(&page, "Sandbox").await;
    assert!(page.all("h2").contains(&"Application Keys".to_owned()));
    let page = ada.submit(page.form("Generate Credentials")).await;
    let (key, secret) = (copied(&page, "consumer key"), copied(&page, "consumer secret"));
    let endpoint = copied(&page, "token endpoint");
    app.settle().await;
    // The guide's own template for the token request…
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{key}:{secret}")));
    let form = [("grant_type", "client_credentials")];
    let answer = http::post_form(&endpoint, &[("authorization", &basic)], &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // …and the ready command, once with the secret and later with it put in by hand.
    let with_secret = run(&command(&page)).await;
    assert_eq!(with_secret.status, 200, "{}", with_secret.text());
    let later = command(&ada.open(&page.at).await).replace("$CONSUMER_SECRET", &secret);
    let token = run(&later).await.json()["access_token"].as_str().unwrap().to_owned();
    // One token invokes every subscribed API of the application, and no other.
    let bearer = format!("Bearer {token}");
    let sandbox = &app.app.urls.sandbox;
    assert_eq!(call(&format!("{sandbox}/pets/v1/greet"), "authorization", &bearer).await, 200);
    assert_eq!(call(&format!("{sandbox}/ledger/v1/greet"), "authorization", &bearer).await, 200);
    let reports = http::get(&format!("{sandbox}/back-office/reports/v2/daily"), &[("authorization", &bearer)]).await;
    assert!([401, 403].contains(&reports.status.as_u16()), "not subscribed: {}", reports.status);
}

#[tokio::test]
async fn manage_api_keys_from_the_api_and_from_the_application() {
    let (app, _backend, mut ada) = published().await;
    let page = ada.open("/apis/pets/v1/keys/sandbox/new").await;
    let form = page.form("Generate").fill("Key Name", "shop").fill("Application", "new");
    let page = ada.submit(form.fill("Name of the new application", "Shop").tick("Bronze")).await;
    let old = copied(&page, "API key");
    app.settle().await;
    let url = format!("{}/pets/v1/greet", app.app.urls.sandbox);
    assert_eq!(call(&url, "api-key", &old).await, 200);

    // Regenerate, from the API: both work for an hour, and then only the new one.
    let page = ada.follow(&page, "Done").await;
    let page = ada.follow(&page, "Regenerate").await;
    let page = ada.submit(page.form("Regenerate key")).await;
    let new = copied(&page, "API key");
    app.settle().await;
    let works = async |key: &str| call(&url, "api-key", key).await == 200;
    assert!(works(&old).await && works(&new).await);
    app.clock.advance(Duration::minutes(59));
    assert!(works(&old).await && works(&new).await);
    app.clock.advance(Duration::minutes(1));
    assert!(!works(&old).await && works(&new).await);

    // Regenerate, from the application, and end the old one at once.
    let page = ada.open("/apis/pets/v1/keys/sandbox").await;
    let page = ada.follow(&page, "Shop").await;
    let page = ada.follow(&page, "Regenerate").await;
    let page = ada.submit(page.form("Regenerate key")).await;
    let newest = copied(&page, "API key");
    let page = ada.follow(&page, "Done").await;
    assert!(page.at.contains("/api-keys/sandbox"), "back to the application: {}", page.at);
    app.settle().await;
    assert!(works(&new).await && works(&newest).await);
    let page = ada.submit(page.form("End old key now")).await;
    app.settle().await;
    assert!(!works(&new).await && works(&newest).await);

    // Delete: dead at once.
    let page = ada.follow(&page, "Delete key").await;
    let form = page.form("Delete key");
    let form = if form.has("Type shop to confirm") { form.fill("Type", "shop") } else { form };
    let page = ada.submit(form).await;
    page.assert_shows("The API key is deleted.");
    app.settle().await;
    assert!(!works(&newest).await);
}

#[tokio::test]
async fn what_the_portal_ends_the_gateway_refuses() {
    let (app, _backend, mut ada) = published().await;
    let page = ada.open("/apis/pets/v1/keys/sandbox/new").await;
    let form = page.form("Generate").fill("Key Name", "shop").fill("Application", "new");
    let page = ada.submit(form.fill("Name of the new application", "Shop").tick("Bronze")).await;
    let key = copied(&page, "API key");
    let page = ada.follow(&page, "Done").await;
    let page = ada.follow(&page, "Shop").await;
    let place = page.at.replace("/api-keys/", "/credentials/");
    let page = ada.open(&place).await;
    let page = ada.submit(page.form("Generate Credentials")).await;
    let token = run(&command(&page)).await.json()["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let url = format!("{}/pets/v1/greet", app.app.urls.sandbox);
    let opens = async || {
        app.settle().await;
        (call(&url, "api-key", &key).await == 200, call(&url, "authorization", &bearer).await == 200)
    };
    assert_eq!(opens().await, (true, true));

    // Without the subscription neither opens the API; with it again both do.
    let page = ada.open(&place).await;
    let page = ada.follow(&page, "Subscriptions").await;
    let page = ada.follow(&page, "Remove").await;
    let page = ada.submit(page.form("Remove subscription")).await;
    assert_eq!(opens().await, (false, false));
    let page = ada.follow(&page, "Add APIs").await;
    ada.submit(page.form("Add Pets v1")).await;
    assert_eq!(opens().await, (true, true));

    // Without the client its tokens are dead, although they have not expired.
    let page = ada.open(&place).await;
    let page = ada.follow(&page, "Delete credentials").await;
    let page = ada.submit(page.form("Delete credentials")).await;
    assert_eq!(opens().await, (true, false));

    // Without the application nothing is left.
    let page = ada.follow(&page, "Overview").await;
    let page = ada.follow(&page, "Delete").await;
    ada.submit(page.form("Delete application").fill("Type", "Shop")).await;
    assert_eq!(opens().await, (false, false));
}
