//! What members do with their own account: sessions, name, password.

use crate::support::app::TestApp;
use crate::support::http;
use crate::support::mail::letter;
use crate::support::make;
use crate::support::visitor::Visitor;
use time::Duration;

const SESSION: &str = "portico-session";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Signs in with a browser that calls itself so; its cookie.
async fn signed_in_with(app: &TestApp, user_agent: &str) -> Visitor {
    let form = [("email", "dana@example.com"), ("password", make::PASSWORD)];
    let answer = http::post_form(&app.portal("/sign-in"), &[("user-agent", user_agent)], &form).await;
    let cookie = answer.header("set-cookie").split(';').next().unwrap().split_once('=').unwrap().1.to_owned();
    let mut visitor = Visitor::new(app);
    visitor.set_cookie(SESSION, &cookie);
    visitor
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_their_sessions_and_end_one_or_all() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    make::developer(&app, "eve").await;
    let mut other = signed_in_with(&app, FIREFOX).await;
    app.clock.advance(Duration::minutes(10));
    let mut dana = Visitor::signed_in(&app, "dana").await;
    let mut eve = Visitor::signed_in(&app, "eve").await;

    let page = dana.open("/account/sessions").await;
    assert_eq!(page.all("tbody tr").len(), 2);
    let row = page.all("tbody tr").into_iter().find(|row| row.contains("Firefox on Linux")).unwrap();
    assert!(row.contains("24 November 2026, 12:00 UTC") && row.contains("10 min ago"), "{row}");
    assert_eq!(page.all(".badge").iter().filter(|badge| *badge == "This one").count(), 1);
    let end = page.attributes("form[action^='/account/sessions/']", "action");
    assert_eq!(end.len(), 1);
    assert_eq!(eve.post(&end[0], &[]).await.status, 404, "nobody ends somebody else's");
    assert_eq!(other.open("/account").await.one("h1"), "Account");
    let page = dana.submit(page.form("End the session of this browser")).await;
    page.assert_shows("That session is ended.");
    assert_eq!(other.open("/account").await.one("h1"), "Sign in");

    let mut third = signed_in_with(&app, "curl/8").await;
    dana.open("/account/sessions").await.assert_shows("Unknown browser");
    let page = dana.open("/account/sessions").await;
    let page = dana.follow(&page, "Sign out everywhere").await;
    page.assert_shows("2 sessions end at once.");
    let page = dana.submit(page.form("Sign out everywhere")).await;
    page.assert_shows("You are signed out everywhere.");
    for visitor in [&mut dana, &mut third] {
        assert_eq!(visitor.open("/account").await.one("h1"), "Sign in");
    }
    assert_eq!(eve.open("/account").await.one("h1"), "Account");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_has_a_bounded_number_of_sessions() {
    let app = TestApp::start().await;
    let dana = make::developer(&app, "dana").await;
    let mut first = Visitor::signed_in(&app, "dana").await;
    let lifetime = portico::domain::accounts::sessions::Lifetime::from_seconds(3600, 7200);
    for _ in 0..50 {
        app.clock.advance(Duration::SECOND);
        portico::domain::accounts::sessions::open(&app.ctx, &dana, lifetime, "").await.unwrap();
    }
    let kept: i64 = sqlx::query_scalar("select count(*) from sessions").fetch_one(app.pool()).await.unwrap();
    assert_eq!(kept, 50);
    assert_eq!(first.open("/account").await.one("h1"), "Sign in", "the one used longest ago gave way");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_the_password_changes_it_and_ends_what_the_old_one_has_opened() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut dana = Visitor::signed_in(&app, "dana").await;
    let mut elsewhere = Visitor::signed_in(&app, "dana").await;
    let before = dana.cookie(SESSION).unwrap().to_owned();
    let page = dana.open("/account").await;
    let page = dana.follow(&page, "Change password").await;
    for (current, new, said) in [
        ("wrong", "four unlike small words", "This is not your password."),
        (make::PASSWORD, "short", "Choose a password of at least 10 characters."),
        (make::PASSWORD, "dana@example.com", "This password is easy to guess."),
        (make::PASSWORD, make::PASSWORD, "Choose another password than the one that you have."),
    ] {
        let form = page.form("Change password").fill("Current password", current).fill("New password", new);
        let answer = dana.submit(form).await;
        assert_eq!(answer.status(), 422);
        answer.assert_shows(said);
    }
    let form = page.form("Change password").fill("Current password", make::PASSWORD);
    let page = dana.submit(form.fill("New password", "four unlike small words")).await;
    assert_eq!(page.at, "/account");
    page.assert_shows("Your password is changed. Every other session is signed out.");
    assert_ne!(dana.cookie(SESSION), Some(before.as_str()));
    assert_eq!(elsewhere.open("/account").await.one("h1"), "Sign in");
    let letter = letter(&app).await;
    assert_eq!((letter.to.as_str(), letter.path(&app).as_str()), ("dana@example.com", "/password-reset"));

    // A session left open is no place to guess.
    let guess = [("current", "guess"), ("password", "yet another four words")];
    let mut last = dana.post("/account/password", &guess).await;
    for _ in 0..6 {
        last = dana.post("/account/password", &guess).await;
    }
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").parse::<u32>().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_changes_the_own_name() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut dana = Visitor::signed_in(&app, "dana").await;
    let page = dana.open("/account/details").await;
    let page = dana.submit(page.form("Save").fill("Your name", &"x".repeat(101))).await;
    assert_eq!(page.status(), 422);
    let page = dana.submit(page.form("Save").fill("Your name", "Dana <b>Dee</b>")).await;
    page.assert_shows("Your name is saved.");
    page.assert_shows("Dana <b>Dee</b>");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_how_long_a_session_lasts_does_not_prolong_it() {
    let app = TestApp::start_with(|config| {
        config.portal.session_idle_seconds = 3600;
        config.portal.session_max_seconds = 7200;
    })
    .await;
    make::developer(&app, "dana").await;
    let mut dana = Visitor::signed_in(&app, "dana").await;
    let page = dana.open("/account").await;
    assert_eq!(page.attributes("[data-idle]", "data-idle"), ["3600"]);
    app.clock.advance(Duration::minutes(50));
    for _ in 0..2 {
        let answer = dana.peek("/session").await;
        assert_eq!((answer.text().as_str(), answer.header("cache-control")), ("{\"seconds\":600}", "no-store"));
    }
    assert_eq!(dana.post("/session", &[]).await.text(), "{\"seconds\":3600}");
    app.clock.advance(Duration::minutes(55));
    assert_eq!(dana.post("/session", &[]).await.text(), "{\"seconds\":900}", "the longest life has the last word");
    app.clock.advance(Duration::minutes(16));
    assert_eq!(dana.peek("/session").await.status, 401);
    assert_eq!(dana.post("/session", &[]).await.header("location"), "/sign-in");
    let visitor = Visitor::new(&app).open("/apis").await;
    assert!(visitor.attributes("[data-idle]", "data-idle").is_empty());
}
