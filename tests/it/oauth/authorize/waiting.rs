//! Requests that wait for their users: AZ-26 and what surrounds it.

use crate::oauth::authorize::{CALLBACK, Sent, Stage, ask, assert_stays, signing_in};
use crate::support::visitor::Visitor;
use crate::support::{http, shop};
use ::http::Method;
use portico::domain::credentials::clients;
use time::Duration;

#[tokio::test]
async fn az_26_a_request_is_kept_under_a_digest_and_used_up_by_its_answer() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let handle = page.at.rsplit('/').next().unwrap();
    assert_eq!(stage.count("authorization_requests").await, 1);
    let dump = shop::dump(&stage.app).await;
    assert!(!dump.values().flatten().any(|row| row.contains(handle)), "the handle is not stored");
    assert!(bob.send_form(page.form("Allow")).await.left().starts_with(CALLBACK));
    assert_eq!(stage.count("authorization_requests").await, 0);
    assert_stays(ask(&mut bob, &page.at).await, 404, "This request has ended");
    assert_stays(ask(&mut bob, &format!("{}/sign-in", page.at)).await, 404, "This request has ended");
    assert_stays(bob.send_form(page.form("Allow")).await, 404, "Go back to the application and start again.");
    assert_stays(bob.send_form(page.form("Deny")).await, 404, "This request has ended");
}

#[tokio::test]
async fn az_26_a_double_click_gets_one_code() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let seal = page.attributes("input[name=seal]", "value").remove(0);
    let body = super::encode(&[("decision", "allow"), ("seal", &seal)]);
    let cookie = format!("portico-session={}", bob.cookie("portico-session").unwrap());
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let url = stage.app.portal(&page.at);
    let click = || http::send(Method::POST, &url, &headers, body.clone());
    let (a, b, c, d) = tokio::join!(click(), click(), click(), click());
    let mut statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404, 404, 404]);
    assert_eq!((stage.count("grants").await, stage.count("authorization_codes").await), (1, 1));
}

#[tokio::test]
async fn az_26_a_request_ends_after_an_hour_and_with_its_client() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    stage.app.clock.advance(Duration::minutes(59));
    assert!(ask(&mut bob, &page.at).await.here().find_form("Allow").is_some());
    stage.app.clock.advance(Duration::minutes(1));
    assert_stays(ask(&mut bob, &page.at).await, 404, "This request has ended");
    assert_stays(bob.send_form(page.form("Allow")).await, 404, "This request has ended");

    // An address that is no longer registered is not followed, whatever it was when the request came.
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    stage.configure(|settings| settings.redirect_uris = vec!["https://shop.example/new".to_owned()]).await;
    assert_stays(bob.send_form(page.form("Allow")).await, 400, "The way back is not registered");
    stage.configure(|_| {}).await;
    assert_stays(ask(&mut bob, &page.at).await, 404, "This request has ended");

    // What the client may no longer have, it is refused.
    let page = ask(&mut bob, &stage.request(&[("scope", "zoo:read")])).await.here();
    stage.configure(|settings| settings.scopes = Some(vec!["openid".to_owned()])).await;
    let sent = Sent::read(&bob.send_form(page.form("Allow")).await.left());
    sent.assert_refused(&stage, "invalid_scope");
    stage.configure(|_| {}).await;

    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let client = &stage.client;
    clients::delete(&stage.app.ctx, &client.member, client.application, client.environment).await.unwrap();
    stage.app.settle().await;
    assert_stays(bob.send_form(page.form("Allow")).await, 404, "This request has ended");
    assert_stays(ask(&mut bob, &stage.request(&[])).await, 400, "No such application");
}

#[tokio::test]
async fn az_26_a_network_can_have_a_hundred_requests_waiting() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    for _ in 0..100 {
        assert_eq!(bob.peek(&stage.request(&[])).await.status, 303);
    }
    let page = assert_stays(ask(&mut bob, &stage.request(&[])).await, 429, "Too many open requests");
    assert_eq!(page.answer.header("retry-after"), "300");
    // Whoever needs no page is not held up, and time makes room.
    let sent = Sent::read(&ask(&mut bob, &stage.request(&[("prompt", "none")])).await.left());
    sent.assert_refused(&stage, "login_required");
    stage.app.clock.advance(Duration::hours(1));
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    assert!(bob.submit(signing_in(&page, "bob")).await.find_form("Allow").is_some());
}

#[tokio::test]
async fn az_26_whose_session_has_ended_signs_in_and_goes_on() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    sqlx::query("delete from sessions").execute(stage.app.pool()).await.unwrap();
    let sign_in = bob.submit(page.form("Allow")).await;
    assert!(sign_in.find_form("Sign in").is_some(), "{}", sign_in.text());
    assert_eq!(stage.count("grants").await, 0);
    let page = bob.submit(signing_in(&sign_in, "bob")).await;
    assert!(bob.send_form(page.form("Allow")).await.left().contains("code="));
    // Whoever was disabled meanwhile is nobody.
    let mut bob = stage.bob().await;
    sqlx::query("update users set disabled_at = now() where name = 'bob'").execute(stage.app.pool()).await.unwrap();
    assert!(ask(&mut bob, &stage.request(&[])).await.here().find_form("Sign in").is_some());
}
