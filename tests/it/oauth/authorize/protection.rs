//! AZ-20, AZ-21, AZ-25: what keeps other sites out of the pages.

use crate::oauth::authorize::{CALLBACK, Stage, ask, encode, signing_in};
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::visitor::{Page, Visitor};
use ::http::Method;
use portico::domain::applications::manage;

/// Sends a form as a browser does that another site has told to.
async fn from_elsewhere(
    stage: &Stage,
    bob: &Visitor,
    path: &str,
    fields: &[(&str, &str)],
    site: (&str, &str),
) -> Answer {
    let cookie = format!("portico-session={}", bob.cookie("portico-session").unwrap_or("none"));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", &cookie), site];
    http::send(Method::POST, &stage.app.portal(path), &headers, encode(fields)).await
}

#[tokio::test]
async fn az_20_neither_form_can_be_sent_from_another_site() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let sign_in = [("email", "bob@example.com"), ("password", make::PASSWORD)];
    let consent = bob.submit(signing_in(&page, "bob")).await;
    let seal = consent.attributes("input[name=seal]", "value").remove(0);
    let decision = [("decision", "allow"), ("seal", seal.as_str())];
    for site in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        for (path, fields) in [(&page.at, sign_in), (&consent.at, decision)] {
            let answer = from_elsewhere(&stage, &bob, path, &fields, site).await;
            assert_eq!(answer.status, 403, "{path} {site:?}");
            assert_eq!((answer.header("location"), answer.header("set-cookie")), ("", ""));
        }
    }
    assert_eq!((stage.count("grants").await, stage.count("sessions").await), (0, 1));
    assert!(bob.send_form(consent.form("Allow")).await.left().contains("code="));
}

#[track_caller]
fn assert_guarded(answer: &Answer, form_action: &str) {
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("x-frame-options"), "DENY");
    // A pop-up window that an application has opened stays connected to it.
    assert_eq!(answer.header("cross-origin-opener-policy"), "unsafe-none");
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self';"), "{policy}");
    assert!(policy.ends_with(&format!("form-action {form_action}")), "{policy}");
}

#[tokio::test]
async fn az_21_pages_are_not_framed_not_stored_and_send_no_referrer() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    let to = "'self' https:";
    let first = bob.peek(&stage.request(&[])).await;
    assert_guarded(&first, "'self'");
    let page = bob.open(first.header("location")).await;
    assert_guarded(&page.answer, to);
    let again = bob.submit(page.form("Sign in").fill("E-mail address", "x").fill("Password", "y")).await;
    assert_eq!(again.status(), 422);
    assert_guarded(&again.answer, to);
    let consent = bob.submit(signing_in(&page, "bob")).await;
    assert_guarded(&consent.answer, to);
    let seal = consent.attributes("input[name=seal]", "value").remove(0);
    let answer = bob.post(&consent.at, &[("decision", "allow"), ("seal", &seal)]).await;
    assert_guarded(&answer, to);
    assert_guarded(&bob.peek(&consent.at).await, "'self'");
    assert_guarded(&bob.peek("/oauth2/authorize").await, "'self'");
    assert_guarded(&bob.peek(&stage.request(&[("response_mode", "form_post")])).await, to);
}

#[tokio::test]
async fn az_25_no_parameter_and_no_name_is_reflected_unescaped() {
    let stage = Stage::set().await;
    let evil = "\"'><script>alert(1)</script>";
    let name = "<script>alert(2)</script>";
    manage::edit(&stage.app.ctx, &stage.client.member, stage.client.application, name, "").await.unwrap();
    stage.app.settle().await;
    let mut bob = Visitor::new(&stage.app);
    let clean = |page: &Page| {
        let text = page.answer.text();
        assert!(!text.contains("<script>alert") && !text.contains("\"'>"), "{}: {text}", page.at);
    };
    for parameter in ["client_id", "redirect_uri"] {
        clean(&ask(&mut bob, &stage.request(&[(parameter, evil)])).await.here());
    }
    let hostile =
        [("state", evil), ("nonce", evil), ("login_hint", evil), ("response_mode", "form_post"), (evil, evil)];
    let page = ask(&mut bob, &stage.request(&hostile)).await.here();
    clean(&page);
    page.assert_shows(name);
    assert_eq!(page.attributes("#email", "value"), [evil]);
    let page = bob.submit(page.form("Sign in").fill("E-mail address", evil).fill("Password", evil)).await;
    clean(&page);
    let consent = bob.submit(signing_in(&page, "bob")).await;
    clean(&consent);
    assert_eq!(consent.one("h1"), format!("Let {name} act for you?"));
    let back = bob.submit(consent.form("Allow")).await;
    clean(&back);
    assert_eq!(back.attributes("input[name=state]", "value"), [evil]);
    // In a header it is encoded; a line break never gets so far.
    let sent = bob.peek(&stage.request(&[("state", evil)])).await;
    assert!(sent.header("location").starts_with(CALLBACK), "{sent:?}");
    assert!(!sent.header("location").contains(['"', '\'', '<', '>', ' ']), "{sent:?}");
}
