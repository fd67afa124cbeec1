//! The way to the provider and back.

use crate::support::app::TestApp;
use crate::support::http;
use crate::support::op::Op;
use crate::support::visitor::Visitor;
use portico::base::clock::Clock;
use serde_json::json;
use time::Duration;

const COOKIE: &str = "portico-sign-in";
const SESSION: &str = "portico-session";

#[tokio::test]
async fn somebody_new_signs_in_and_has_an_account() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    let page = ada.open("/account/details").await;
    page.assert_shows("Sign in with Acme, and you get one.");
    let policy = page.answer.header("content-security-policy").to_owned();
    assert!(policy.ends_with("form-action 'self' http:"), "{policy}");

    let away = Op::away(&mut ada, &page).await;
    let get = |name: &str| away.parameters.get(name).map(String::as_str).unwrap_or_default();
    assert!(away.to.starts_with(&format!("{}/authorize?tenant=1&", op.issuer())), "{}", away.to);
    assert_eq!((get("response_type"), get("client_id")), ("code", "portal"));
    assert_eq!(get("redirect_uri"), app.portal("/sign-in/with/acme/callback"));
    assert_eq!((get("scope"), get("code_challenge_method")), ("openid email profile", "S256"));
    assert!([get("state"), get("nonce"), get("code_challenge")].iter().all(|text| text.len() >= 43));
    let kept = ada.cookie(COOKIE).unwrap().to_owned();
    assert!(kept.starts_with("ptb_"), "{kept}");
    let rows: Vec<String> =
        sqlx::query_scalar("select s::text from started_sign_ins s").fetch_all(app.pool()).await.unwrap();
    assert_eq!(rows.len(), 1);
    for secret in [get("state"), get("nonce"), &kept] {
        assert!(!rows[0].contains(secret), "{rows:?}");
    }

    let page = ada.go(&op.back(&away, &app)).await.here();
    assert_eq!(page.at, "/account/details", "back where Ada wanted to go");
    assert_eq!((ada.cookie(COOKIE), ada.cookie(SESSION).is_some()), (None, true));
    let page = ada.open("/account").await;
    for said in ["Ada L.", "ada@acme.example", "developer", "You sign in with Acme.", "None. Choose one"] {
        page.assert_shows(said);
    }
    assert!(page.find_form("Connect Acme").is_none());
    ada.open("/account/sessions").await.assert_shows("with Acme");
    let events = "select action || ' ' || actor from audit_events where action not like 'signing_key.%'";
    let actions: Vec<String> = sqlx::query_scalar(events).fetch_all(app.pool()).await.unwrap();
    assert_eq!(actions, ["user.added ada@acme.example"]);
    let left: i64 = sqlx::query_scalar("select count(*) from started_sign_ins").fetch_one(app.pool()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn whoever_comes_again_is_known_by_the_subject_and_gets_a_new_session() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    op.sign_in(&mut ada, &app).await;
    let before = ada.cookie(SESSION).unwrap().to_owned();
    // A new address, and no word for it: it is still Ada.
    op.tell(|script| script.claims = json!({ "sub": "ada-1", "email": "countess@acme.example" }));
    let mut elsewhere = Visitor::new(&app);
    op.sign_in(&mut elsewhere, &app).await;
    elsewhere.open("/account").await.assert_shows("ada@acme.example");
    assert_ne!(elsewhere.cookie(SESSION), Some(before.as_str()));
    // Another subject with the address that Ada had is somebody else.
    let page =
        op.sign_in_as(&app, json!({ "sub": "eve-1", "email": "ada@acme.example", "email_verified": true })).await;
    assert_eq!(page.status(), 409);
    let users: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(app.pool()).await.unwrap();
    assert_eq!(users, 1);
}

#[tokio::test]
async fn the_secret_can_be_sent_in_the_form_and_a_closed_portal_is_open_to_signing_in() {
    let op = Op::start().await;
    op.tell(|script| script.metadata = json!({ "token_endpoint_auth_methods_supported": ["client_secret_post"] }));
    let app = op.portal(|config, _| config.portal.anonymous_browsing = false).await;
    assert_eq!(op.sign_in(&mut Visitor::new(&app), &app).await.at, "/apis");
}

#[tokio::test]
async fn a_provider_that_says_no_or_nothing_gives_a_page_that_says_what_to_do() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    for (error, status, said) in [
        ("access_denied", 403, "Acme has not signed you in"),
        ("server_error", 502, "The answer of Acme cannot be used"),
        ("<script>", 502, "The answer of Acme cannot be used"),
    ] {
        let page = ada.open("/sign-in?next=%2Fapplications").await;
        let away = Op::away(&mut ada, &page).await;
        let page = ada.go(&away.refused(error, &op.issuer())).await.here();
        assert_eq!(page.status(), status, "{error}");
        page.assert_shows(said);
        assert_eq!(page.link("To sign in"), "/sign-in?next=%2Fapplications");
        assert_eq!((page.answer.header("cache-control"), ada.cookie(SESSION)), ("no-store", None));
    }
    for (status, expected) in [(401, 502), (500, 503)] {
        op.tell(|script| script.token_status = status);
        assert_eq!(op.sign_in(&mut ada, &app).await.status(), expected);
    }
    op.tell(|script| script.is_down = true);
    app.clock.advance(Duration::HOUR);
    let page = ada.open("/sign-in").await;
    let page = ada.send_form(page.form("Sign in with Acme")).await.here();
    assert_eq!((page.status(), page.answer.header("retry-after")), (503, "30"));
    page.assert_shows("Acme does not answer");
    // It is not pressed; and once it is well again, all goes on.
    let asked = op.asked("/.well-known/openid-configuration");
    let page = ada.open("/sign-in").await;
    assert_eq!(ada.send_form(page.form("Sign in with Acme")).await.here().status(), 503);
    assert_eq!(op.asked("/.well-known/openid-configuration"), asked);
    op.tell(|script| (script.is_down, script.token_status) = (false, 200));
    app.clock.advance(Duration::seconds(6));
    assert_eq!(op.sign_in(&mut ada, &app).await.status(), 200);
}

#[tokio::test]
async fn nobody_listening_is_told_too() {
    let op = Op::start().await;
    let app = op.portal(|_, provider| provider.issuer = "http://127.0.0.1:1".to_owned()).await;
    let mut ada = Visitor::new(&app);
    let page = ada.open("/sign-in").await;
    assert_eq!(ada.send_form(page.form("Sign in with Acme")).await.here().status(), 503);
    assert_eq!(ada.post("/sign-in/with/other", &[]).await.status, 404);
    assert_eq!(ada.peek("/sign-in/with/other/callback").await.status, 404);
}

#[tokio::test]
async fn where_the_browser_goes_afterwards_is_a_path_of_the_portal() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    let answer = ada.post("/sign-in/with/acme", &[("next", "https://evil.example/")]).await;
    let to = answer.header("location").to_owned();
    let parameters = url::form_urlencoded::parse(to.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
    let page = ada.go(&op.back(&crate::support::op::Away { to, parameters }, &app)).await.here();
    assert_eq!(page.at, "/apis");
    // A button is a form: a link to it, fetched ahead, begins nothing.
    assert_eq!(http::get(&app.portal("/sign-in/with/acme"), &[]).await.status, 405);
}

#[tokio::test]
async fn one_network_can_have_a_bounded_number_of_sign_ins_open() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    for _ in 0..100 {
        assert_eq!(ada.post("/sign-in/with/acme", &[]).await.status, 303);
    }
    let answer = ada.post("/sign-in/with/acme", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "900"));
    app.clock.advance(Duration::minutes(16));
    assert_eq!(op.sign_in(&mut ada, &app).await.status(), 200);
    assert_eq!(op.asked("/.well-known/openid-configuration"), 1, "what it says of itself is remembered");
}

#[tokio::test]
async fn keys_that_are_new_are_found_and_unknown_ones_do_not_press_the_provider() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    op.sign_in(&mut ada, &app).await;
    assert_eq!(op.asked("/keys"), 1);
    op.tell(|script| (script.kid, script.published) = ("k2", vec!["k1", "k2"]));
    // Just looked at: not again at once.
    assert_eq!(op.sign_in(&mut Visitor::new(&app), &app).await.status(), 502);
    assert_eq!(op.asked("/keys"), 1);
    app.clock.advance(Duration::seconds(31));
    assert_eq!(op.sign_in(&mut Visitor::new(&app), &app).await.status(), 200);
    assert_eq!(op.asked("/keys"), 2);
    op.tell(|script| script.kid = "k3");
    app.clock.advance(Duration::seconds(31));
    for _ in 0..3 {
        assert_eq!(op.sign_in(&mut Visitor::new(&app), &app).await.status(), 502);
    }
    assert_eq!(op.asked("/keys"), 3);
}

#[tokio::test]
async fn the_user_info_endpoint_is_asked_for_what_the_token_does_not_say() {
    let op = Op::start().await;
    let app = op
        .portal(|_, provider| {
            provider.roles_claim = Some("realm_access.roles".to_owned());
            provider.roles = vec!["staff = publisher".to_owned()];
        })
        .await;
    op.tell(|script| {
        script.userinfo = json!({ "sub": "ada-1", "email": "ada@acme.example", "email_verified": true,
            "realm_access": { "roles": ["staff"] } });
        script.claims = json!({ "sub": "ada-1" });
    });
    let mut ada = Visitor::new(&app);
    assert_eq!(op.sign_in(&mut ada, &app).await.status(), 200);
    let page = ada.open("/account").await;
    page.assert_shows("ada@acme.example");
    page.assert_shows("publisher");
    // What is said of somebody else counts for nobody.
    op.tell(|script| script.userinfo["sub"] = "eve-1".into());
    let page = op.sign_in_as(&app, json!({ "sub": "bob-1" })).await;
    assert_eq!(page.status(), 502);
}

#[tokio::test]
async fn on_https_the_cookie_cannot_be_planted_by_another_host() {
    let op = Op::start().await;
    let app = op.portal(|config, _| config.portal.public_url = Some("https://portal.example.com".to_owned())).await;
    let at = format!("http://{}/sign-in/with/acme", app.app.portal);
    let answer = http::post_form(&at, &[("origin", "https://portal.example.com")], &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-portico-sign-in=ptb_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=900; Secure"), "{cookie}");
    let location = answer.header("location");
    assert!(location.contains("redirect_uri=https%3A%2F%2Fportal.example.com%2Fsign-in%2Fwith%2Facme%2Fcallback&"));
}

#[tokio::test]
async fn what_was_begun_is_tidied_up() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    Visitor::new(&app).post("/sign-in/with/acme", &[]).await;
    app.clock.advance(Duration::HOUR);
    let lifetime = portico::domain::accounts::sessions::Lifetime::from_seconds(3600, 7200);
    assert_eq!(portico::domain::accounts::sessions::sweep(&app.ctx, lifetime).await.unwrap(), 1);
}

/// Starts the instance again.
pub(super) async fn again(app: TestApp, change: impl FnOnce(&mut portico::config::Config)) -> TestApp {
    let (mut config, clock): (_, Clock) = (app.config.clone(), app.clock.clone());
    app.app.drain().await;
    clock.advance(Duration::SECOND);
    change(&mut config);
    TestApp::again(config, clock).await
}
