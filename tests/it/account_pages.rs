//! The pages of accounts in a real browser, and the warning before a session ends.

use crate::pages::{faults, sign_in};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Theme};
use crate::support::mail;
use crate::support::make;
use portico::domain::accounts::links;
use portico::domain::accounts::sign_up;
use portico::domain::applications::manage;
use portico::domain::audit::model::Actor;
use serde_json::json;
use time::Duration;

#[tokio::test]
async fn every_page_of_accounts_is_accessible_and_fits_a_phone() {
    let app = TestApp::start_with(|config| config.accounts.sign_up = true).await;
    let ada = make::member(&app, "ada", &["admin", "developer", "production"]).await;
    make::member(&app, &"w".repeat(60), &[]).await;
    sign_up::ask(&app.ctx, &app.config.accounts, ("Bob", "bob@example.com"), [127, 0, 0, 1].into()).await.unwrap();
    let link = mail::letter(&app).await.path(&app);
    let set = links::to_set_password(&app.ctx, ada.id, &Actor::CommandLine).await.unwrap();
    let set = format!("/password/{}", set.expose());
    let browser = Browser::start().await;
    let mut wrong = Vec::new();
    for (name, path) in [
        ("sign-in", "/sign-in"),
        ("sign-up", "/sign-up"),
        ("sign-up-sent", "/sign-up/sent"),
        ("sign-up-link", &link),
        ("password-reset", "/password-reset"),
        ("password-reset-sent", "/password-reset/sent"),
        ("password-link", &set),
    ] {
        browser.open(&app.portal(path)).await;
        wrong.extend(faults(&browser, name).await);
    }
    // What is wrong stands beside its field.
    browser.open(&app.portal(&link)).await;
    browser.type_into("#password", "password1234").await;
    browser.click("main form button").await;
    browser.wait_for("#password-e").await;
    let is_refusal = |fault: &String| fault.contains("422");
    wrong.extend(faults(&browser, "sign-up-link-wrong").await.into_iter().filter(|fault| !is_refusal(fault)));
    sign_in(&browser, &app, "ada").await;
    for (name, path) in [
        ("account", "/account"),
        ("account-details", "/account/details"),
        ("account-password", "/account/password"),
        ("account-sessions", "/account/sessions"),
        ("account-sessions-deletion", "/account/sessions/deletion"),
        ("people", "/people"),
        ("people-none", "/people?q=nobody-at-all"),
        ("person-new", "/people/new"),
    ] {
        browser.open(&app.portal(path)).await;
        wrong.extend(faults(&browser, name).await);
    }
    // What somebody owns, and giving it to another person.
    let bob = make::developer(&app, "bob-the-new-owner").await;
    let name = format!("Storefront{}", "W".repeat(60));
    let application = manage::create(&app.ctx, &ada, &name, "").await.unwrap().id;
    for (name, path) in [
        ("person-applications", format!("/people/{}/applications", ada.id)),
        ("person-applications-none", format!("/people/{}/applications", bob.id)),
        ("application-transfer", format!("/applications/{application}/transfer")),
    ] {
        browser.open(&app.portal(&path)).await;
        wrong.extend(faults(&browser, name).await);
    }
    browser.type_into("#email", bob.email.as_str()).await;
    browser.click("main form button").await;
    browser.wait_for("input[name=confirm]").await;
    wrong.extend(faults(&browser, "application-transfer-confirmation").await);
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_page_warns_before_its_session_ends_and_keeps_it_alive_when_asked() {
    let app = TestApp::start_with(|config| config.portal.session_idle_seconds = 3600).await;
    make::developer(&app, "ada").await;
    let browser = Browser::start().await;
    browser.prefer(Theme::Light).await;
    sign_in(&browser, &app, "ada").await;
    browser.open(&app.portal("/account/details")).await;
    let look = async || {
        browser.script("document.dispatchEvent(new Event('visibilitychange'))", json!([])).await;
    };
    // The clock of a test stands still; the page asks the server whenever it is looked at again.
    app.clock.advance(Duration::minutes(58) + Duration::seconds(30));
    look().await;
    browser.wait_for("#idle[open]").await;
    let left = "return document.querySelector('#idle strong').textContent.endsWith('seconds')";
    browser.wait_until(left).await;
    let mut wrong = faults(&browser, "idle-warning").await;

    browser.click("#idle [data-keep]").await;
    browser.wait_until("return !document.querySelector('#idle').open").await;
    app.clock.advance(Duration::minutes(50));
    look().await;
    let answered = "const done = arguments[arguments.length - 1];
        fetch('/session').then(r => r.json()).then(a => done(a.seconds), done)";
    assert_eq!(browser.script_async(answered).await, 600, "it was used when the button was pressed");
    assert_eq!(browser.script("return document.querySelector('#idle').open", json!([])).await, false);

    app.clock.advance(Duration::minutes(11));
    look().await;
    browser
        .wait_until("return !document.querySelector('#idle a').hidden && document.querySelector('#idle').open")
        .await;
    let is_unknown = |fault: &String| fault.contains("401");
    wrong.extend(faults(&browser, "idle-over").await.into_iter().filter(|fault| !is_unknown(fault)));
    browser.click("#idle a").await;
    browser.wait_for("input[type=password]").await;
    assert!(browser.url().await.ends_with("/sign-in?next=%2Faccount%2Fdetails"));
    assert!(wrong.is_empty(), "{wrong:?}");
}
