//! AZ-15 to AZ-17: what a client may say about the pages that its user sees.

use crate::oauth::authorize::{Sent, Stage, agree, ask, refused, signing_in};
use crate::oauth::part;
use crate::support::make;
use crate::support::visitor::Visitor;
use time::Duration;

#[tokio::test]
async fn az_15_prompt_none_shows_no_page() {
    let stage = Stage::set().await;
    let silent = stage.request(&[("prompt", "none"), ("scope", "openid")]);
    refused(&mut Visitor::new(&stage.app), &silent).await.assert_refused(&stage, "login_required");
    let mut bob = stage.bob().await;
    refused(&mut bob, &silent).await.assert_refused(&stage, "consent_required");
    assert_eq!(stage.count("authorization_requests").await, 0, "nothing is kept for a page that is never shown");
    agree(&mut bob, &stage.request(&[("scope", "openid")])).await;
    let sent = refused(&mut bob, &silent).await;
    assert_eq!(sent.error(), "");
    stage.tokens(sent.get("code")).await;
    // What is new takes a page, and so does a sign-in that is too old.
    let more = stage.request(&[("prompt", "none"), ("scope", "openid email")]);
    refused(&mut bob, &more).await.assert_refused(&stage, "consent_required");
    stage.app.clock.advance(Duration::minutes(10));
    let fresh = stage.request(&[("prompt", "none"), ("scope", "openid"), ("max_age", "599")]);
    refused(&mut bob, &fresh).await.assert_refused(&stage, "login_required");
    let old = stage.request(&[("prompt", "none"), ("scope", "openid"), ("max_age", "600")]);
    assert_eq!(refused(&mut bob, &old).await.error(), "");
    for prompt in ["none login", "consent none", "none none"] {
        refused(&mut bob, &stage.request(&[("prompt", prompt)])).await.assert_refused(&stage, "invalid_request");
    }
}

#[tokio::test]
async fn az_16_prompt_login_asks_again_and_prompt_consent_shows_consent() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    agree(&mut bob, &stage.request(&[])).await;
    for prompt in ["login", "select_account"] {
        let request = stage.request(&[("prompt", prompt)]);
        let page = ask(&mut bob, &request).await.here();
        assert!(page.find_form("Sign in").is_some(), "{prompt}: {}", page.text());
        // The session from before does not do for the next page either.
        let consent = page.at.trim_end_matches("/sign-in").to_owned();
        assert!(ask(&mut bob, &consent).await.here().find_form("Sign in").is_some());
        // A session of the portal's own sign-in page does not do either: it may be older than the request.
        let sent = bob.send_form(signing_in(&page, "bob")).await.left();
        assert!(sent.contains("code="), "{prompt}: agreed to before, so at once: {sent}");
    }
    for prompt in ["consent", "login consent"] {
        let request = stage.request(&[("prompt", prompt)]);
        let mut page = ask(&mut bob, &request).await.here();
        if page.find_form("Sign in").is_some() {
            assert!(prompt.contains("login"));
            page = bob.submit(signing_in(&page, "bob")).await;
        }
        let sent = bob.send_form(page.form("Allow")).await.left();
        assert!(sent.contains("code="), "{prompt}: {sent}");
    }
    assert!(agree(&mut bob, &stage.request(&[])).await.parameters.contains_key("code"));
}

#[tokio::test]
async fn az_17_max_age_forces_a_sign_in_and_auth_time_says_when_it_was() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let signed_in = stage.app.clock.now();
    let request = |max_age: &str| stage.request(&[("scope", "openid"), ("max_age", max_age)]);
    agree(&mut bob, &request("3600")).await;
    stage.app.clock.advance(Duration::minutes(10));
    let auth_time = async |code: &str| {
        let tokens = stage.tokens(code).await;
        part(tokens["id_token"].as_str().unwrap(), 1)["auth_time"].as_i64().unwrap()
    };
    let sent = refused(&mut bob, &request("600")).await;
    assert_eq!(auth_time(sent.get("code")).await, signed_in.unix_timestamp());
    for max_age in ["599", "0"] {
        stage.app.clock.advance(Duration::seconds(1));
        let page = ask(&mut bob, &request(max_age)).await.here();
        let sent = bob.send_form(signing_in(&page, "bob")).await.left();
        let sent = Sent::read(&sent);
        assert_eq!(auth_time(sent.get("code")).await, stage.app.clock.now().unix_timestamp(), "{max_age}");
        stage.app.clock.advance(Duration::minutes(10));
    }
}

#[tokio::test]
async fn az_15_an_id_token_hint_gets_an_answer_about_that_user_or_none() {
    let stage = Stage::set().await;
    let request =
        |prompt: &str, hint: &str| stage.request(&[("scope", "openid"), ("prompt", prompt), ("id_token_hint", hint)]);
    make::member(&stage.app, "carol", &[]).await;
    let mut carol = Visitor::signed_in(&stage.app, "carol").await;
    agree(&mut carol, &request("", "")).await;
    let mut bob = stage.bob().await;
    let sent = agree(&mut bob, &request("", "")).await;
    let hint = stage.tokens(sent.get("code")).await["id_token"].as_str().unwrap().to_owned();
    // Also after it has expired.
    stage.app.clock.advance(Duration::hours(2));
    assert_eq!(refused(&mut bob, &request("none", &hint)).await.error(), "");
    // Carol is somebody else: silently there is no answer, and with a page Bob has to sign in.
    refused(&mut carol, &request("none", &hint)).await.assert_refused(&stage, "login_required");
    let page = ask(&mut carol, &request("", &hint)).await.here();
    let sent = Sent::read(&carol.send_form(signing_in(&page, "carol")).await.left());
    sent.assert_refused(&stage, "login_required");
    let page = ask(&mut carol, &request("", &hint)).await.here();
    let sent = Sent::read(&carol.send_form(signing_in(&page, "bob")).await.left());
    assert_eq!(sent.error(), "");
    // What is no ID token of this client's names nobody.
    let forged = format!("{}x", &hint[..hint.len() - 4]);
    refused(&mut bob, &request("none", &forged)).await.assert_refused(&stage, "login_required");
    assert_eq!(agree(&mut bob, &request("", &forged)).await.error(), "");
}
