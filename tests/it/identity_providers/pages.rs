//! The pages in a real browser, which alone judges where forms may lead and when cookies are sent.

use crate::identity_providers::oauth::{client, request};
use crate::pages::faults;
use crate::support::browser::Browser;
use crate::support::make;
use crate::support::op::Op;
use serde_json::json;

#[tokio::test]
async fn the_pages_around_providers_are_accessible_and_fit_a_phone() {
    let op = Op::start().await;
    let app = op
        .portal(|config, provider| {
            let mut long = provider.clone();
            long.title = Some("The Staff Directory of Example Worldwide".to_owned());
            config.identity_providers.insert("long".to_owned(), long);
        })
        .await;
    let closed = op
        .portal(|config, _| {
            config.accounts.password_sign_in = false;
            config.oauth.legacy_grants = false;
        })
        .await;
    make::developer(&app, "ada").await;
    let browser = Browser::start().await;
    let mut wrong = Vec::new();
    for (name, url) in [
        ("providers-sign-in", app.portal("/sign-in")),
        ("providers-sign-in-closed", closed.portal("/sign-in")),
        ("providers-password-reset", closed.portal("/password-reset")),
    ] {
        browser.open(&url).await;
        wrong.extend(faults(&browser, name).await);
    }
    let client = client(&app, "https://shop.example/callback").await;
    browser.open(&app.portal(&request(&client, &[]))).await;
    wrong.extend(faults(&browser, "providers-authorization").await);
    browser.open(&app.portal("/sign-in/with/acme/callback")).await;
    let is_refusal = |fault: &String| fault.contains("400");
    wrong.extend(faults(&browser, "providers-fault").await.into_iter().filter(|fault| !is_refusal(fault)));
    browser.open(&app.portal("/sign-in")).await;
    browser.type_into("input[type=email]", "ada@example.com").await;
    browser.type_into("input[type=password]", make::PASSWORD).await;
    browser.click("main form.stack button").await;
    browser.wait_until(&format!("return location.href === {}", json!(app.portal("/apis")))).await;
    sqlx::query("update sessions set provider = 'acme'").execute(app.pool()).await.unwrap();
    sqlx::query("insert into identities select 'acme', 'a', id, null, now(), now() from users where name = 'ada'")
        .execute(app.pool())
        .await
        .unwrap();
    for (name, path) in [("providers-sessions", "/account/sessions"), ("providers-account", "/account")] {
        browser.open(&app.portal(path)).await;
        wrong.extend(faults(&browser, name).await);
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_browser_follows_the_button_to_the_provider_and_comes_back_with_its_cookie() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let browser = Browser::start().await;
    browser.open(&app.portal("/account/details")).await;
    browser.click(".providers button").await;
    // The provider is another origin, to which the content policy lets the form lead.
    browser
        .wait_until(&format!("return location.href.startsWith({})", json!(format!("{}/authorize?", op.issuer()))))
        .await;
    let address = browser.url().await;
    let parameters = url::form_urlencoded::parse(address.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
    let back = op.back(&crate::support::op::Away { to: address, parameters }, &app);
    // As the provider's page would send it: from another site's page, by a link.
    browser.script("location.href = arguments[0]", json!([back])).await;
    browser.wait_until(&format!("return location.href === {}", json!(app.portal("/account/details")))).await;
    browser.open(&app.portal("/account")).await;
    browser.wait_until("return document.body.textContent.includes('You sign in with Acme.')").await;
}
