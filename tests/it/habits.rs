//! What people do to pages: press twice, go back, come from another time zone, ask for more contrast, look for the first time.

use crate::access::table::SETTINGS;
use crate::pages::{faults, sign_in};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Theme};
use crate::support::visitor::Visitor;
use crate::support::{http, make, shop};
use serde_json::json;

/// The table it adds a row to, its address, and what is in it.
type Form<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

#[tokio::test]
async fn a_form_that_is_sent_twice_at_once_does_its_work_once() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await.id;
    let mut visitor = Visitor::signed_in(&app, "ada").await;
    let cookie = format!("portico-session={}", visitor.cookie("portico-session").unwrap());
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let once = visitor.open("/apis/pets/v1/keys/sandbox/new").await.attributes("[name=once]", "value").remove(0);
    let (id, subscriptions) = (application.to_string(), format!("/applications/{application}/subscriptions"));
    let key = [("name", "ci"), ("application", id.as_str()), ("plan", "bronze"), ("once", once.as_str())];
    let forms: [Form<'_>; 4] = [
        ("applications", "/applications", &[("name", "Twice"), ("description", "")]),
        ("subscriptions", &subscriptions, &[("api", "ledger/1"), ("plan:ledger/1", "bronze")]),
        ("clients", &format!("/applications/{application}/credentials/sandbox"), SETTINGS),
        ("api_keys", "/apis/pets/v1/keys/sandbox", &key),
    ];
    for (table, path, fields) in forms {
        let count = async || -> i64 {
            let rows = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
            sqlx::query_scalar(rows).fetch_one(app.pool()).await.unwrap()
        };
        let before = count().await;
        let url = app.portal(path);
        let (first, second) =
            tokio::join!(http::post_form(&url, &headers, fields), http::post_form(&url, &headers, fields));
        let answers = [first.status.as_u16(), second.status.as_u16()];
        assert_eq!(count().await, before + 1, "{path}: {answers:?}");
        assert!(answers.iter().any(|status| *status < 400), "{path}: {answers:?}");
        assert!(answers.iter().all(|status| *status < 500), "{path}: {answers:?}");
    }
}

#[tokio::test]
async fn going_back_shows_nothing_that_is_no_longer_one_s_own() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await.id;
    let browser = Browser::start().await;
    sign_in(&browser, &app, "ada").await;
    // After a form, going back leads to the page before it, and nothing is sent again.
    browser.open(&app.portal("/applications/new")).await;
    browser.type_into("#name", "Kiosk").await;
    browser.click("main form .btn.is-primary").await;
    browser.wait_until("return document.body.innerText.includes('Application Overview')").await;
    browser.script("history.back()", json!([])).await;
    browser.wait_for("#name").await;
    browser.script("history.forward()", json!([])).await;
    browser.wait_until("return document.body.innerText.includes('Application Overview')").await;
    let made: i64 = sqlx::query_scalar("select count(*) from applications").fetch_one(app.pool()).await.unwrap();
    assert_eq!(made, 2);
    // After signing out, going back shows nothing of a member's.
    browser.open(&app.portal(&format!("/applications/{application}"))).await;
    browser.click("[popovertarget=me]").await;
    browser.click("#me form button").await;
    browser.wait_until("return document.body.innerText.includes('You are signed out.')").await;
    browser.script("history.back()", json!([])).await;
    browser.wait_for("input[type=password]").await;
    let shown = browser.script("return document.body.innerText.includes('Storefront')", json!([])).await;
    assert_eq!(shown, false);
}

#[expect(clippy::print_stdout, reason = "what was measured is for whoever asks")]
#[tokio::test]
async fn pages_speak_the_time_of_their_reader_and_hold_still() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::subscribe(&app, &ada, &application).await;
    let browser = Browser::start().await;
    browser.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": "Pacific/Kiritimati" })).await;
    sign_in(&browser, &app, "ada").await;
    browser.open(&app.portal("/account/sessions")).await;
    // Noon of the 24th in UTC is the 25th there.
    let times = "return [...document.querySelectorAll('time')].map(t => [t.textContent, t.title])";
    let times = browser.script(times, json!([])).await.to_string();
    assert!(times.contains("25 November 2026") && times.contains("02:00 GMT+14"), "{times}");

    // Nothing jumps while a page loads, and it paints at once: how soon is printed, for whoever asks.
    for path in ["/", "/apis", "/apis/pets/v1", "/applications"] {
        browser.devtools("Network.clearBrowserCache", json!({})).await;
        browser.open(&app.portal(path)).await;
        let measure = "const done = arguments[arguments.length - 1], of = type => new Promise(r => {
                const o = new PerformanceObserver(l => r(l.getEntries())); o.observe({ type, buffered: true }); setTimeout(() => r([]), 300); });
            Promise.all([of('largest-contentful-paint'), of('layout-shift')]).then(([paints, shifts]) =>
                done([Math.round(paints.at(-1)?.startTime ?? -1), shifts.reduce((sum, s) => sum + s.value, 0)]))";
        let found = browser.script_async(measure).await;
        println!("{path}: largest paint after {} ms, shift {}", found[0], found[1]);
        assert!(found[1].as_f64().unwrap() < 0.02, "{path} jumps: {found}");
    }
}

#[tokio::test]
async fn more_contrast_and_forced_colours_are_granted() {
    let app = TestApp::start().await;
    shop::publish_unserved(&app).await;
    let ada = make::developer(&app, "ada").await;
    let application = shop::application(&app, &ada, "Storefront").await;
    shop::subscribe(&app, &ada, &application).await;
    let browser = Browser::start().await;
    sign_in(&browser, &app, "ada").await;
    let mut wrong = Vec::new();
    for (feature, value) in [("prefers-contrast", "more"), ("forced-colors", "active")] {
        for theme in [Theme::Light, Theme::Dark] {
            let scheme = if theme == Theme::Dark { "dark" } else { "light" };
            let features = json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
                { "name": feature, "value": value },
            ] });
            for (name, path) in [
                ("home", "/".to_owned()),
                ("api", "/apis/pets/v1".to_owned()),
                ("client", format!("/applications/{}/credentials/sandbox", application.id)),
            ] {
                browser.open(&app.portal(&path)).await;
                browser.devtools("Emulation.setEmulatedMedia", features.clone()).await;
                let found = browser.axe().await;
                wrong.extend(found.into_iter().map(|fault| format!("{name}, {feature}, {scheme}: {fault}")));
                browser.picture(&format!("{feature}-{name}-{scheme}")).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
    // And the plain page once more, for its console.
    browser.open(&app.portal("/")).await;
    assert_eq!(faults(&browser, "home-plain").await, Vec::<String>::new());
}
