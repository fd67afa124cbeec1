//! AZ-19, AZ-23, AZ-24, AZ-26: signing in on the way to an application.

use crate::oauth::authorize::{Stage, ask, encode, signing_in};
use crate::support::app::TestApp;
use crate::support::visitor::{Page, Visitor};
use crate::support::{http, make};
use ::http::Method;
use std::time::{Duration, Instant};

const SESSION: &str = "portico-session";

async fn attempt(visitor: &mut Visitor, page: &Page, email: &str, password: &str) -> Page {
    let form = page.form("Sign in").fill("E-mail address", email).fill("Password", password);
    visitor.submit(form).await
}

#[tokio::test]
async fn az_19_wrong_password_and_unknown_user_look_the_same_in_text_and_in_time() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let mut shortest = [Duration::MAX; 2];
    let mut texts = Vec::new();
    for _ in 0..4 {
        for (place, email) in ["bob@example.com", "nobody@example.com"].into_iter().enumerate() {
            let started = Instant::now();
            let again = attempt(&mut bob, &page, email, "not the password").await;
            shortest[place] = shortest[place].min(started.elapsed());
            assert_eq!(again.status(), 422);
            again.assert_shows("The e-mail address or the password is not right.");
            assert!(!again.answer.text().contains("not the password"));
            texts.push(again.answer.text().replace(email, "…"));
        }
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:#?}");
    // Both hash a password, which is most of the time; without that, one would take a tenth of the other.
    let [known, unknown] = shortest;
    assert!(unknown > known / 3 && known > unknown / 3, "{known:?} {unknown:?}");
    assert_eq!(bob.cookie(SESSION), None);
}

#[tokio::test]
async fn az_19_guessing_is_slowed_down_here_too() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let mut last = attempt(&mut bob, &page, "bob@example.com", "a wrong password").await;
    for _ in 0..6 {
        last = attempt(&mut bob, &page, "bob@example.com", "a wrong password").await;
    }
    assert_eq!(last.status(), 429);
    assert!(last.answer.header("retry-after").parse::<u32>().unwrap() > 0);
    last.assert_shows("Too many attempts. Try again in");
    stage.app.clock.advance(time::Duration::minutes(20));
    assert!(bob.submit(signing_in(&last, "bob")).await.find_form("Allow").is_some());
}

#[tokio::test]
async fn az_23_cookies_are_http_only_lax_and_secure_on_https() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    let page = ask(&mut bob, &stage.request(&[])).await.here();
    let fields = [("email", "bob@example.com"), ("password", make::PASSWORD)];
    let answer = bob.post(&page.at, &fields).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("portico-session=ptn_"), "{cookie}");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; ") && !cookie.contains("Secure"), "{cookie}");

    let issuer = "https://portal.example.com";
    let app = TestApp::start_with(|config| config.portal.public_url = Some(issuer.to_owned())).await;
    let stage = Stage::set_in(app).await;
    let at = |path: &str| format!("http://{}{path}", stage.app.app.portal);
    let answer = http::get(&at(&stage.request(&[])), &[]).await;
    let page = answer.header("location").to_owned();
    let headers = [("origin", issuer), ("content-type", "application/x-www-form-urlencoded")];
    let answer = http::send(Method::POST, &at(&page), &headers, encode(&fields)).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-portico-session=ptn_"), "{cookie}");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; ") && cookie.ends_with("; Secure"), "{cookie}");
}

#[tokio::test]
async fn az_24_the_session_changes_at_sign_in_and_the_one_before_ends() {
    let stage = Stage::set().await;
    let mut bob = stage.bob().await;
    let before = bob.cookie(SESSION).unwrap().to_owned();
    let page = ask(&mut bob, &stage.request(&[("prompt", "login")])).await.here();
    bob.submit(signing_in(&page, "bob")).await;
    assert_ne!(bob.cookie(SESSION), Some(before.as_str()));
    let mut old = Visitor::new(&stage.app);
    old.set_cookie(SESSION, &before);
    assert_eq!(old.peek("/account").await.status, 303);
    // One that somebody planted is never taken over.
    let mut planted = Visitor::new(&stage.app);
    planted.set_cookie(SESSION, "ptn_planted");
    let page = ask(&mut planted, &stage.request(&[("prompt", "login")])).await.here();
    planted.submit(signing_in(&page, "bob")).await;
    assert!(planted.cookie(SESSION).unwrap().len() > 40);
}

#[tokio::test]
async fn az_26_where_sign_in_leads_is_no_parameter() {
    let stage = Stage::set().await;
    let mut bob = Visitor::new(&stage.app);
    let page = ask(&mut bob, &stage.request(&[("login_hint", "bob@example.com")])).await.here();
    assert!(page.at.starts_with("/oauth2/authorize/ptq_") && page.at.ends_with("/sign-in"), "{}", page.at);
    let mut form = page.form("Sign in");
    assert_eq!(form.value("E-mail address"), "bob@example.com");
    assert_eq!(page.attributes("form input", "name"), ["email", "password"]);
    let consent = page.at.trim_end_matches("/sign-in").to_owned();
    let evil = "https://evil.example/";
    for name in ["next", "redirect_uri", "return_to", "continue"] {
        let path = format!("{}?{}", page.at, encode(&[(name, evil)]));
        let fields = [("email", "bob@example.com"), ("password", make::PASSWORD), (name, evil)];
        let answer = bob.post(&path, &fields).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, consent.as_str()), "{name}");
    }
}
