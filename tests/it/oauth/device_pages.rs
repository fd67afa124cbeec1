//! OPT-3: the pages of the device flow in a real browser, from the link that the device shows to its tokens.

use crate::oauth::device::{begin, client};
use crate::oauth::{access_token, assert_refused};
use crate::pages::{faults, sign_in};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use serde_json::json;

#[tokio::test]
async fn opt_3_the_pages_work_in_a_browser_and_are_accessible() {
    let app = TestApp::start().await;
    let client = client(&app).await;
    let (device, other) = (begin(&app, &client.id).await, begin(&app, &client.id).await);
    let browser = Browser::start().await;
    sign_in(&browser, &app, "ada").await;
    let mut wrong = Vec::new();

    browser.open(&app.portal("/device")).await;
    wrong.extend(faults(&browser, "device-enter").await);
    browser.type_into("input[name=user_code]", "wdjb mjht").await;
    browser.click("main form button").await;
    browser.wait_for("[role=alert]").await;
    wrong.extend(faults(&browser, "device-unknown").await.into_iter().filter(|fault| !fault.contains("422")));

    browser.open(&app.portal(&format!("/device?user_code={}", device.user_code))).await;
    wrong.extend(faults(&browser, "device-filled-in").await);
    browser.click("main form button").await;
    browser.wait_for("button[value=allow]").await;
    wrong.extend(faults(&browser, "device-consent").await);
    assert_refused(&device.asks(&app).await, 400, "authorization_pending");
    browser.click("button[value=allow]").await;
    browser.wait_until("return document.body.innerText.includes('is connected')").await;
    wrong.extend(faults(&browser, "device-connected").await);
    access_token(&device.asks(&app).await);

    browser.open(&app.portal("/device")).await;
    browser.type_into("input[name=user_code]", &other.user_code.to_lowercase()).await;
    browser.click("main form button").await;
    browser.wait_for("button[value=deny]").await;
    browser.click("button[value=deny]").await;
    browser.wait_until("return document.body.innerText.includes('is refused')").await;
    wrong.extend(faults(&browser, "device-refused").await);
    assert_refused(&other.asks(&app).await, 400, "access_denied");
    let title = browser.script("return document.title", json!([])).await;
    assert!(title.as_str().unwrap().starts_with("Device refused"));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
