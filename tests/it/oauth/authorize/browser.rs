//! The authorization endpoint in a real browser, with an application on another site: AZ-12, AZ-13, AZ-18, AZ-20 to
//! AZ-22, AZ-27. `form-action`, `SameSite` and `Referrer-Policy` are judged by nobody else.

use crate::oauth::authorize::{Sent, Stage, encode};
use crate::pages::faults;
use crate::support::browser::{Browser, Theme};
use crate::support::make;
use crate::support::upstream::{Seen, Upstream};
use ::http::{Method, Response};
use bytes::Bytes;
use http_body_util::Full;
use portico::domain::applications::manage;
use serde_json::json;

/// An application on a site of its own: `localhost` is another one than `127.0.0.1`.
struct Shop {
    server: Upstream,
    origin: String,
}

impl Shop {
    async fn open(stage: &Stage) -> Self {
        let third = Upstream::answering(|_| page("Welcome")).await;
        let onward = format!("http://127.0.0.1:{}/welcome", third.address.port());
        let server = Upstream::answering(move |seen: &Seen| {
            let _keep = &third;
            let path = seen.target.split('?').next().unwrap();
            match (seen.method.clone(), path) {
                // Applications send people on from their callback, often to another host.
                (_, "/onward") => {
                    Response::builder().status(302).header("location", &onward).body(Full::default()).unwrap()
                }
                // The browser stays where it is.
                (Method::POST, "/nothing") => Response::builder().status(204).body(Full::default()).unwrap(),
                (Method::GET, "/start") => page(&String::from_utf8_lossy(&percent(seen))),
                _ => page("Back at the shop"),
            }
        })
        .await;
        let origin = format!("http://localhost:{}", server.address.port());
        stage
            .configure(|settings| {
                settings.redirect_uris =
                    ["/callback", "/onward", "/nothing"].map(|path| format!("{origin}{path}")).to_vec();
            })
            .await;
        Self { server, origin }
    }

    fn request(&self, stage: &Stage, path: &str, changes: &[(&str, &str)]) -> String {
        let uri = format!("{}{path}", self.origin);
        let mut all = vec![("redirect_uri", uri.as_str())];
        all.extend(changes);
        stage.app.portal(&stage.request(&all))
    }

    /// A page of the application with this in it, opened.
    async fn show(&self, browser: &Browser, html: &str) {
        let query = encode(&[("html", html)]);
        browser.open(&format!("{}/start?{query}", self.origin)).await;
    }
}

fn percent(seen: &Seen) -> Vec<u8> {
    let query = seen.target.split_once('?').unwrap().1;
    url::form_urlencoded::parse(query.as_bytes()).next().unwrap().1.into_owned().into_bytes()
}

fn page(html: &str) -> Response<Full<Bytes>> {
    let text = format!(
        "<!doctype html><html lang=en><title>Shop</title><link rel=icon href=data:,><main><h1>Shop</h1>{html}</main>"
    );
    let response = Response::builder().header("content-type", "text/html; charset=utf-8");
    response.body(Full::from(text)).unwrap()
}

async fn sign_in(browser: &Browser, name: &str) {
    browser.wait_for("input[type=password]").await;
    browser.script("document.querySelector('input[type=email]').value = ''", json!([])).await;
    browser.type_into("input[type=email]", &format!("{name}@example.com")).await;
    browser.type_into("input[type=password]", make::PASSWORD).await;
    browser.click("main form button").await;
}

async fn at(browser: &Browser, start: &str) -> String {
    browser.wait_until(&format!("return location.href.startsWith({})", json!(start))).await;
    browser.url().await
}

const ALLOW: &str = "button[value=allow]";

#[tokio::test]
async fn az_20_az_21_az_22_a_browser_signs_in_consents_and_lands_on_another_site() {
    let stage = Stage::set().await;
    let shop = Shop::open(&stage).await;
    let browser = Browser::start().await;
    browser.prefer(Theme::Light).await;
    let callback = format!("{}/callback", shop.origin);

    // By a link on the application's page; the answer in the query.
    let request = shop.request(&stage, "/callback", &[("scope", "openid zoo:read")]);
    shop.show(&browser, &format!("<a href=\"{}\">Sign in</a>", request.replace('&', "&amp;"))).await;
    browser.click("a").await;
    let mut wrong = faults(&browser, "authorize-sign-in").await;
    sign_in(&browser, "bob").await;
    browser.wait_for(ALLOW).await;
    wrong.extend(faults(&browser, "authorize-consent").await);
    browser.click(ALLOW).await;
    let sent = Sent::read(&at(&browser, &callback).await);
    assert_eq!((sent.get("state"), sent.get("iss")), ("a state", &*stage.issuer()));
    assert!(sent.parameters.contains_key("code"), "{sent:?}");
    assert_eq!(shop.server.last().header("referer"), "", "AZ-21");

    // Agreed to before: no page, and a session that a site-to-site link sends along.
    shop.show(&browser, &format!("<a href=\"{}\">Sign in</a>", request.replace('&', "&amp;"))).await;
    browser.click("a").await;
    assert!(Sent::read(&at(&browser, &callback).await).parameters.contains_key("code"));

    // AZ-12: a form of the application's, sent by POST, works as well as the link (D18, D19).
    let fields = url::Url::parse(&request)
        .unwrap()
        .query_pairs()
        .map(|(name, value)| format!("<input type=hidden name=\"{name}\" value=\"{value}\">"))
        .collect::<Vec<_>>()
        .concat();
    let form = format!(
        "<form method=post action=\"{}\">{fields}<button>Go</button></form>",
        stage.app.portal("/oauth2/authorize")
    );
    shop.show(&browser, &form).await;
    browser.click("button").await;
    assert!(Sent::read(&at(&browser, &callback).await).parameters.contains_key("code"));

    // Denied: the application hears of it.
    browser.open(&shop.request(&stage, "/callback", &[("scope", "openid email")])).await;
    browser.wait_for(ALLOW).await;
    wrong.extend(faults(&browser, "authorize-consent-more").await);
    browser.click("button[value=deny]").await;
    assert_eq!(Sent::read(&at(&browser, &callback).await).error(), "access_denied");

    // The application sends people on to a third host, as many do.
    browser.open(&shop.request(&stage, "/onward", &[("scope", "openid profile")])).await;
    browser.click(ALLOW).await;
    browser.wait_until("return location.pathname === '/welcome'").await;

    // The form that another site sends here finds no session and no way in.
    browser.open(&shop.request(&stage, "/callback", &[("prompt", "consent")])).await;
    let consent = browser.url().await;
    shop.show(
        &browser,
        &format!("<form method=post action=\"{consent}\"><button name=decision value=allow>Go</button></form>"),
    )
    .await;
    browser.click("button").await;
    // The driver may answer before a form that leaves for another site has left.
    let refused = "return document.querySelector('h1').textContent === 'This form came from another site'";
    browser.wait_until(refused).await;
    browser.console().await;
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn az_13_az_22_a_browser_carries_a_form_to_another_site() {
    let stage = Stage::set().await;
    let shop = Shop::open(&stage).await;
    let browser = Browser::start().await;
    browser.prefer(Theme::Light).await;
    let callback = format!("{}/callback", shop.origin);
    let posted = [("response_mode", "form_post"), ("scope", "openid")];
    browser.open(&shop.request(&stage, "/callback", &posted)).await;
    sign_in(&browser, "bob").await;
    browser.click(ALLOW).await;
    at(&browser, &callback).await;
    let code = |seen: &Seen| {
        assert_eq!((seen.method.clone(), seen.target.as_str()), (Method::POST, "/callback"));
        assert_eq!(seen.header("referer"), "");
        let fields: std::collections::HashMap<String, String> =
            url::form_urlencoded::parse(&seen.body).into_owned().collect();
        assert_eq!((fields["state"].as_str(), fields["iss"].as_str()), ("a state", &*stage.issuer()));
        fields["code"].clone()
    };
    let first = code(&shop.server.last());
    browser.open(&shop.request(&stage, "/callback", &posted)).await;
    at(&browser, &callback).await;
    assert_ne!(code(&shop.server.last()), first);
    // From there too people are sent on.
    browser.open(&shop.request(&stage, "/onward", &posted)).await;
    browser.wait_until("return location.pathname === '/welcome'").await;
    // The page itself, for an application that answers nothing.
    browser.open(&shop.request(&stage, "/nothing", &posted)).await;
    browser.wait_for("form[data-submits]").await;
    let wrong = faults(&browser, "authorize-form-post").await;
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn az_25_az_27_every_page_of_the_flow_is_accessible_and_fits_a_phone() {
    let stage = Stage::set().await;
    let shop = Shop::open(&stage).await;
    let browser = Browser::start().await;
    browser.prefer(Theme::Light).await;
    let mut wrong = Vec::new();
    let expected = |fault: &String| !fault.contains("Failed to load resource");
    for (name, request) in [
        ("authorize-unknown", stage.app.portal("/oauth2/authorize?client_id=none")),
        ("authorize-unregistered", shop.request(&stage, "/elsewhere", &[])),
        ("authorize-ended", stage.app.portal("/oauth2/authorize/ptq_none")),
    ] {
        browser.open(&request).await;
        wrong.extend(faults(&browser, name).await.into_iter().filter(expected));
    }
    // The longest name without a gap, everything that can be asked for.
    let hostile = format!("<script>alert(1)</script>{}", "W".repeat(45));
    manage::edit(&stage.app.ctx, &stage.client.member, stage.client.application, &hostile, "").await.unwrap();
    stage.app.settle().await;
    let all = "openid profile email offline_access zoo:read zoo:write zoo:admin birds:read";
    browser.open(&shop.request(&stage, "/callback", &[("scope", all)])).await;
    wrong.extend(faults(&browser, "authorize-hostile-sign-in").await);
    browser.type_into("input[type=email]", "bob@example.com").await;
    browser.type_into("input[type=password]", "wrong").await;
    browser.click("main form button").await;
    browser.wait_for("[data-summary]").await;
    wrong.extend(faults(&browser, "authorize-wrong").await.into_iter().filter(expected));
    sign_in(&browser, "bob").await;
    browser.wait_for(ALLOW).await;
    wrong.extend(faults(&browser, "authorize-hostile").await);
    browser.click(ALLOW).await;
    at(&browser, &shop.origin).await;
    browser.open(&stage.app.portal("/account")).await;
    wrong.extend(faults(&browser, "account-hostile").await);
    browser.click(".let-in a.is-bad").await;
    wrong.extend(faults(&browser, "consent-deletion-hostile").await);
    manage::edit(&stage.app.ctx, &stage.client.member, stage.client.application, "Shop", "").await.unwrap();
    stage.app.settle().await;
    browser.open(&stage.app.portal("/account")).await;
    wrong.extend(faults(&browser, "account-let-in").await);
    browser.click(".let-in a.is-bad").await;
    wrong.extend(faults(&browser, "consent-deletion").await);
    stage
        .configure(|settings| {
            settings.scopes = Some(Vec::new());
            settings.redirect_uris = vec![format!("{}/callback", shop.origin)];
        })
        .await;
    browser.open(&shop.request(&stage, "/callback", &[("prompt", "consent")])).await;
    wrong.extend(faults(&browser, "authorize-consent-nothing").await);
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}
