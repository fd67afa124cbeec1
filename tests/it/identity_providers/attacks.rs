//! What somebody could try with tokens, answers and other people's browsers.

use crate::support::op::{Op, Script, Signed, encode};
use crate::support::visitor::Visitor;
use serde_json::{Value, json};
use time::Duration;

const COOKIE: &str = "portico-sign-in";
const SESSION: &str = "portico-session";

type Change = fn(&mut Script);

#[tokio::test]
async fn a_token_that_is_not_made_for_this_sign_in_opens_nothing() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let now = app.clock.now().unix_timestamp();
    let changes: [(&str, Change); 22] = [
        ("nonce", |script| script.claims["nonce"] = "another".into()),
        ("no nonce", |script| script.claims["nonce"] = Value::Null),
        ("audience", |script| script.claims["aud"] = "another".into()),
        ("no audience", |script| script.claims["aud"] = json!([])),
        ("a second audience", |script| script.claims["aud"] = json!(["portal", "another"])),
        ("azp", |script| script.claims["azp"] = "another".into()),
        ("issuer", |script| script.claims["iss"] = "https://evil.example".into()),
        ("expired", |script| script.claims["exp"] = (script.claims["iat"].as_i64().unwrap() - 61).into()),
        ("no expiry", |script| script.claims["exp"] = Value::Null),
        ("old", |script| script.claims["iat"] = (script.claims["iat"].as_i64().unwrap() - 601).into()),
        ("of the future", |script| script.claims["iat"] = (script.claims["iat"].as_i64().unwrap() + 61).into()),
        ("not yet", |script| script.claims["nbf"] = (script.claims["iat"].as_i64().unwrap() + 61).into()),
        ("no subject", |script| script.claims["sub"] = "".into()),
        ("a long subject", |script| script.claims["sub"] = "x".repeat(256).into()),
        ("a subject that is no text", |script| script.claims["sub"] = 7.into()),
        ("alg none", |script| script.signed = Signed::ByNobody),
        ("HS256 with the client secret", |script| script.signed = Signed::WithTheSecret),
        ("another key", |script| script.signed = Signed::ByAnotherKey),
        ("unknown key", |script| script.kid = "k9"),
        ("another algorithm than the key's", |script| script.header = json!({ "alg": "RS256" })),
        ("an access token", |script| script.header = json!({ "typ": "at+jwt" })),
        ("critical", |script| script.header = json!({ "crit": ["x"], "x": 1 })),
    ];
    let mut taken = Vec::new();
    for (name, change) in changes {
        let mut visitor = Visitor::new(&app);
        let page = visitor.open("/sign-in").await;
        let away = Op::away(&mut visitor, &page).await;
        op.tell(|script| {
            script.claims = json!({ "sub": "ada-1", "email": "ada@acme.example", "email_verified": true });
            (script.signed, script.kid, script.header) = (Signed::ByOurKey, "k1", json!({}));
        });
        let back = op.back(&away, &app);
        op.tell(change);
        let page = visitor.go(&back).await.here();
        let is_refused = page.status() == 502 && page.shows("You are not signed in.");
        if !is_refused || visitor.cookie(SESSION).is_some() {
            taken.push(name);
        }
    }
    assert_eq!(taken, <[&str; 0]>::default());
    let users: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(app.pool()).await.unwrap();
    assert_eq!(users, 0);
    // The same token without a change is taken: nothing but the changes was in the way.
    op.tell(|script| {
        script.claims = json!({ "sub": "ada-1", "email": "ada@acme.example", "email_verified": true, "azp": "portal",
            "aud": ["portal"], "nbf": now });
        (script.signed, script.kid, script.header) = (Signed::ByOurKey, "k1", json!({}));
    });
    assert_eq!(op.sign_in(&mut Visitor::new(&app), &app).await.status(), 200);
}

#[tokio::test]
async fn an_answer_counts_once_and_in_the_browser_that_began() {
    let op = Op::start().await;
    let app = op
        .portal(|config, _| {
            let other = portico::config::IdentityProvider {
                issuer: "http://127.0.0.1:1".to_owned(),
                client_id: "x".to_owned(),
                client_secret: Some("y".to_owned()),
                ..portico::config::IdentityProvider::default()
            };
            config.identity_providers.insert("other".to_owned(), other);
        })
        .await;
    let mut ada = Visitor::new(&app);
    let page = ada.open("/sign-in").await;
    let away = Op::away(&mut ada, &page).await;
    let back = op.back(&away, &app);
    let kept = ada.cookie(COOKIE).unwrap().to_owned();
    let (path, query) = back.split_once('?').unwrap();

    // Somebody else's browser, with no cookie, with one of its own, and with Ada's destination changed.
    let mut eve = Visitor::new(&app);
    assert_eq!(eve.go(&back).await.here().status(), 400);
    let page = eve.open("/sign-in").await;
    Op::away(&mut eve, &page).await;
    assert_eq!(eve.go(&back).await.here().status(), 400);
    eve.set_cookie(COOKIE, &format!("{}.{}", kept.split('.').next().unwrap(), "Lw"));
    assert_eq!(eve.go(&back).await.here().status(), 400);
    // Without or with another state, twice the same parameter, at another provider's address.
    for wrong in [
        format!("{path}?{}", encode(&[("code", "a code")])),
        format!("{path}?{}", query.replace("state=pte_", "state=pte_x")),
        format!("{path}?{query}&code=other"),
        format!("{path}?{query}&state=other"),
        back.replace("/with/acme/", "/with/other/"),
        path.to_owned(),
    ] {
        let page = ada.go(&wrong).await.here();
        assert_eq!(page.status(), 400, "{wrong}");
        page.assert_shows("This sign-in has ended");
    }
    assert_eq!(op.asked("/token"), 0, "the provider heard of none of it");

    assert_eq!(ada.go(&back).await.here().status(), 200);
    // Again, with the cookie that the browser has dropped by now.
    ada.set_cookie(COOKIE, &kept);
    assert_eq!(ada.go(&back).await.here().status(), 400);
    assert_eq!(op.asked("/token"), 1);
}

#[tokio::test]
async fn an_answer_that_comes_late_or_from_another_server_is_not_taken() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    let page = ada.open("/sign-in").await;
    let away = Op::away(&mut ada, &page).await;
    app.clock.advance(Duration::minutes(15));
    assert_eq!(ada.go(&op.back(&away, &app)).await.here().status(), 400);
    // RFC 9207: mixed up with another server, or without the name that this one promises.
    for iss in ["https://evil.example", "", "none"] {
        let page = ada.open("/sign-in").await;
        let away = Op::away(&mut ada, &page).await;
        let back = op.back(&away, &app);
        let (start, _) = back.split_once("&iss=").unwrap();
        let back = if iss == "none" { start.to_owned() } else { format!("{start}&{}", encode(&[("iss", iss)])) };
        assert_eq!(ada.go(&back).await.here().status(), 502, "{iss}");
    }
    assert_eq!(op.asked("/token"), 0);
}

#[tokio::test]
async fn a_failed_try_used_its_state_up() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    let page = ada.open("/sign-in").await;
    let away = Op::away(&mut ada, &page).await;
    assert_eq!(ada.go(&away.refused("access_denied", &op.issuer())).await.here().status(), 403);
    assert_eq!(ada.go(&op.back(&away, &app)).await.here().status(), 400);
}

#[tokio::test]
async fn a_provider_that_names_another_issuer_is_not_spoken_to() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    op.tell(|script| script.metadata = json!({ "issuer": "https://evil.example" }));
    let mut ada = Visitor::new(&app);
    let page = ada.open("/sign-in").await;
    assert_eq!(ada.send_form(page.form("Sign in with Acme")).await.here().status(), 502);
    app.clock.advance(Duration::seconds(6));
    op.tell(|script| script.metadata = json!({ "padding": "x".repeat(300_000) }));
    let page = ada.open("/sign-in").await;
    assert_eq!(ada.send_form(page.form("Sign in with Acme")).await.here().status(), 503, "too large");
}
