//! OUT: signing out at the wish of a client (OIDC RP-Initiated Logout).

use crate::oauth::code_flow::{allow, code, redeem, session};
use crate::oauth::{Registered, access_token, register};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::upstream::Upstream;
use crate::support::visitor::Visitor;
use portico::base::environment::Environment;
use portico::domain::accounts::model::Member;
use serde_json::json;
use time::Duration;

/// Where the client waits for users who have signed out.
const OUT: &str = "https://shop.example/out";

/// An instance, a client with an address for those who sign out, bob, and his browser, signed in.
struct Stage {
    app: TestApp,
    client: Registered,
    bob: Member,
    browser: Visitor,
}

impl Stage {
    async fn set() -> Self {
        let app = TestApp::start().await;
        let client = register(&app, Environment::Sandbox).await;
        allow(&app, &client, |settings| settings.post_logout_redirect_uris = vec![OUT.to_owned()]).await;
        let bob = make::member(&app, "bob", &[]).await;
        let browser = browser(&app, &bob).await;
        Self { app, client, bob, browser }
    }

    /// An ID token for this user.
    async fn id_token(&self, user: &Member) -> String {
        let code = code(&self.app, &self.client, user, &[]).await;
        let answer = redeem(&self.app, &self.client, &code).await;
        answer.json()["id_token"].as_str().unwrap().to_owned()
    }

    /// Whether bob's browser is still signed in.
    async fn is_signed_in(&mut self) -> bool {
        self.browser.peek("/account").await.status == 200
    }
}

async fn browser(app: &TestApp, member: &Member) -> Visitor {
    let cookie = session(app, member).await;
    let mut browser = Visitor::new(app);
    browser.set_cookie("portico-session", cookie.split_once('=').unwrap().1);
    browser
}

fn request(parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/oauth2/logout?{query}")
}

#[track_caller]
fn assert_sent_on(answer: &Answer, to: &str) {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, to), "{}", answer.text());
}

#[tokio::test]
async fn out_1_with_an_id_token_of_the_user_the_session_ends_at_once_and_the_browser_goes_on_with_state() {
    let mut stage = Stage::set().await;
    let hint = stage.id_token(&stage.bob).await;
    let out = [("id_token_hint", &*hint), ("post_logout_redirect_uri", OUT), ("state", "a b&c=\"d\"")];
    let answer = stage.browser.peek(&request(&out)).await;
    assert_sent_on(&answer, "https://shop.example/out?state=a+b%26c%3D%22d%22");
    assert!(answer.header("set-cookie").starts_with("portico-session=;"), "{}", answer.header("set-cookie"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!stage.is_signed_in().await);
    // Once more, or from a browser that was not signed in at all: it is where it wanted to be.
    assert_sent_on(&stage.browser.peek(&request(&out[..2])).await, OUT);
    assert_sent_on(&Visitor::new(&stage.app).peek(&request(&out[..2])).await, OUT);
}

#[tokio::test]
async fn out_1_the_session_is_gone_and_not_just_its_cookie() {
    let mut stage = Stage::set().await;
    let hint = stage.id_token(&stage.bob).await;
    let cookie = stage.browser.cookie("portico-session").unwrap().to_owned();
    let page = stage.browser.open(&request(&[("id_token_hint", &hint)])).await;
    page.assert_shows("You are signed out.");
    stage.browser.set_cookie("portico-session", &cookie);
    assert!(!stage.is_signed_in().await);
}

#[tokio::test]
async fn out_1_an_expired_id_token_will_do() {
    let mut stage = Stage::set().await;
    let hint = stage.id_token(&stage.bob).await;
    stage.app.clock.advance(Duration::hours(7));
    let out = [("id_token_hint", &*hint), ("client_id", &*stage.client.id), ("post_logout_redirect_uri", OUT)];
    let path = request(&out);
    assert_sent_on(&stage.browser.peek(&path).await, OUT);
    assert!(!stage.is_signed_in().await);
}

#[tokio::test]
async fn out_1_post_works_like_get_and_comes_from_other_sites() {
    let stage = Stage::set().await;
    let form = [("post_logout_redirect_uri", OUT), ("state", "s"), ("id_token_hint", "x")];
    let headers = [("origin", "https://shop.example"), ("sec-fetch-site", "cross-site")];
    let answer = http::post_form(&stage.app.portal("/oauth2/logout"), &headers, &form).await;
    assert_sent_on(&answer, &request(&form));
    let broken = [("content-type", "application/x-www-form-urlencoded")];
    let answer = http::send(::http::Method::POST, &stage.app.portal("/oauth2/logout"), &broken, "state=%00").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""));
}

#[tokio::test]
async fn out_2_an_address_that_is_not_registered_is_never_followed() {
    let mut stage = Stage::set().await;
    let thief = stage.client.sibling(&stage.app, "Thief").await;
    let theirs = "https://thief.example/out";
    thief.configure(&stage.app, |settings| settings.post_logout_redirect_uris = vec![theirs.to_owned()]).await;
    let hint = stage.id_token(&stage.bob).await;
    let (slash, query, fragment) = (format!("{OUT}/"), format!("{OUT}?x=1"), format!("{OUT}#x"));
    let callback = crate::oauth::code_flow::CALLBACK;
    for wrong in [&*slash, &query, &fragment, "https://SHOP.example/out", theirs, callback, "//evil.example", "x"] {
        stage.browser = browser(&stage.app, &stage.bob).await;
        let page = stage.browser.open(&request(&[("id_token_hint", &hint), ("post_logout_redirect_uri", wrong)])).await;
        assert_eq!(page.status(), 200, "{wrong}");
        page.assert_shows("You are not sent on");
        assert!(!page.answer.header("content-security-policy").contains("evil"), "{wrong}");
        assert!(!stage.is_signed_in().await, "the wish itself was good");
        // Without a session, and without an ID token.
        let known = [("client_id", &*stage.client.id), ("post_logout_redirect_uri", wrong)];
        for path in [request(&known), request(&known[1..])] {
            let answer = Visitor::new(&stage.app).peek(&path).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (200, ""), "{wrong}");
        }
    }
    let of_nobody = Visitor::new(&stage.app).peek(&request(&[("post_logout_redirect_uri", OUT)])).await;
    assert_eq!((of_nobody.status.as_u16(), of_nobody.header("location")), (200, ""), "of which client?");
}

#[tokio::test]
async fn out_2_what_the_form_names_is_checked_again() {
    let mut stage = Stage::set().await;
    for uri in ["https://evil.example/", "//evil.example", "javascript:alert(1)"] {
        stage.browser = browser(&stage.app, &stage.bob).await;
        let form = [("client_id", &*stage.client.id), ("post_logout_redirect_uri", uri)];
        let answer = stage.browser.post("/oauth2/logout/confirmation", &form).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (200, ""), "{uri}");
    }
}

#[tokio::test]
async fn out_3_without_a_valid_id_token_of_the_user_the_user_is_asked() {
    let mut stage = Stage::set().await;
    let eve = make::member(&stage.app, "eve", &[]).await;
    let (of_eve, of_bob) = (stage.id_token(&eve).await, stage.id_token(&stage.bob).await);
    let code = code(&stage.app, &stage.client, &stage.bob, &[]).await;
    let access = access_token(&redeem(&stage.app, &stage.client, &code).await);
    let mut parts: Vec<&str> = of_bob.split('.').collect();
    let claims = of_eve.split('.').nth(1).unwrap();
    let swapped = format!("{}.{claims}.{}", parts[0], parts[2]);
    parts.pop();
    let unsigned = format!("{}.", parts.join("."));
    let foreign = TestApp::start().await.app.issuer.id_key().sign("JWT", &crate::oauth::part(&of_bob, 1)).unwrap();
    for hint in ["", &*of_eve, &access, &swapped, &unsigned, &foreign, "x", "a.b.c"] {
        let wish = [("id_token_hint", hint), ("client_id", &*stage.client.id), ("post_logout_redirect_uri", OUT)];
        let path = request(&wish);
        let page = stage.browser.open(&path).await;
        page.assert_shows("Sign out of Portico?");
        page.assert_shows("Signed in as bob");
        assert!(stage.is_signed_in().await, "a question changes nothing: {hint}");
    }
}

#[tokio::test]
async fn out_3_whoever_agrees_is_signed_out_and_goes_on_with_state() {
    let mut stage = Stage::set().await;
    let wish = [("client_id", &*stage.client.id), ("post_logout_redirect_uri", OUT), ("state", "<s>&\"")];
    let page = stage.browser.open(&request(&wish)).await;
    page.assert_shows("Shop asks you to. Afterwards you go on to shop.example");
    assert_eq!(page.link("Stay signed in"), "/apis");
    // AZ-22, D20: the redirect after the form is to another origin.
    let policy = page.answer.header("content-security-policy").to_owned();
    assert!(policy.ends_with("form-action 'self' https:"), "{policy}");
    let form = page.form("Sign out");
    assert_eq!(stage.browser.send_form(form).await.left(), "https://shop.example/out?state=%3Cs%3E%26%22");
    assert!(!stage.is_signed_in().await);
}

#[tokio::test]
async fn out_3_with_nothing_at_all_the_user_is_asked_and_stays_in_the_portal() {
    let mut stage = Stage::set().await;
    let page = stage.browser.open("/oauth2/logout").await;
    let page = stage.browser.submit(page.form("Sign out")).await;
    assert_eq!(page.at, "/apis");
    page.assert_shows("You are signed out.");
    assert!(!stage.is_signed_in().await);
    stage.browser.open("/oauth2/logout").await.assert_shows("You are signed out.");
}

#[tokio::test]
async fn out_3_another_site_cannot_answer_for_the_user() {
    let mut stage = Stage::set().await;
    let cookie = format!("portico-session={}", stage.browser.cookie("portico-session").unwrap());
    let headers = [("cookie", &*cookie), ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    let answer = http::post_form(&stage.app.portal("/oauth2/logout/confirmation"), &headers, &[]).await;
    assert_eq!(answer.status, 403);
    let answer = http::post_form(&stage.app.portal("/oauth2/logout"), &headers, &[]).await;
    assert_sent_on(&answer, "/oauth2/logout?");
    assert!(stage.is_signed_in().await);
}

#[tokio::test]
async fn out_1_a_request_that_contradicts_itself_is_refused_on_a_page() {
    let mut stage = Stage::set().await;
    let other = stage.client.sibling(&stage.app, "Other").await;
    let hint = stage.id_token(&stage.bob).await;
    let contradiction =
        request(&[("id_token_hint", &hint), ("client_id", &other.id), ("post_logout_redirect_uri", OUT)]);
    let twice = request(&[("post_logout_redirect_uri", OUT), ("post_logout_redirect_uri", OUT)]);
    for path in [&*contradiction, &twice, "/oauth2/logout?state=%00", "/oauth2/logout?%zz"] {
        let answer = stage.browser.peek(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{path}");
        assert!(stage.is_signed_in().await, "{path}");
    }
}

#[tokio::test]
async fn out_1_out_3_in_a_real_browser_the_redirect_to_another_origin_arrives() {
    let stage = Stage::set().await;
    let there = Upstream::start().await;
    let out = there.url("/signed-out");
    stage.client.configure(&stage.app, |settings| settings.post_logout_redirect_uris = vec![out.clone()]).await;
    let browser = Browser::start().await;
    browser.open(&stage.app.portal("/sign-in")).await;
    browser.type_into("input[type=email]", "bob@example.com").await;
    browser.type_into("input[type=password]", make::PASSWORD).await;
    browser.click("main form button").await;
    browser.wait_until(&format!("return location.href === {}", json!(stage.app.portal("/apis")))).await;
    let wish = [("client_id", &*stage.client.id), ("post_logout_redirect_uri", &out), ("state", "s")];
    browser.open(&stage.app.portal(&request(&wish))).await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.click("main form button").await;
    browser.wait_until(&format!("return location.href === {}", json!(format!("{out}?state=s")))).await;
    browser.open(&stage.app.portal("/account")).await;
    assert!(browser.url().await.starts_with(&stage.app.portal("/sign-in")));
}
