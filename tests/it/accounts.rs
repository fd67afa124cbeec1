//! Signing in and out, one-time links, sessions and what protects them, as a browser meets them.

use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::visitor::Visitor;
use portico::domain::accounts::links;
use portico::domain::audit::model::Actor;
use time::Duration;

const SESSION: &str = "portico-session";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_sets_up_the_instance_with_a_link_that_works_once() {
    let app = TestApp::start().await;
    let link = links::for_first_admin(&app.ctx).await.unwrap().unwrap();
    let path = format!("/setup/{}", link.expose());
    let mut visitor = Visitor::new(&app);

    let page = visitor.open(&path).await;
    assert_eq!(page.answer.header("cache-control"), "no-store");
    assert_eq!(page.answer.header("referrer-policy"), "strict-origin");
    let form = page.form("Create account").fill("Your name", "Ada").fill("E-mail address", "ada@");
    let page = visitor.submit(form.fill("Password", "short")).await;
    assert_eq!(page.status(), 422);
    page.assert_shows("Enter an e-mail address such as ada@example.com.");
    page.assert_shows("Choose a password of at least 10 characters.");
    let mut form = page.form("Create account");
    assert_eq!((form.value("Your name"), form.value("Password")), ("Ada".to_owned(), String::new()));

    let form = form.fill("E-mail address", "ada@example.com").fill("Password", make::PASSWORD);
    let page = visitor.submit(form).await;
    page.assert_shows("Your account is ready and you are signed in.");
    assert!(!visitor.open("/apis").await.shows("Your account is ready"), "a message is shown once");
    let page = visitor.open("/account").await;
    for text in ["Ada", "ada@example.com", "admin", "publisher", "developer", "production"] {
        page.assert_shows(text);
    }
    assert_eq!(Visitor::new(&app).open(&path).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_returns_to_the_page_one_came_from_and_signing_out_ends_the_session() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/account?x=1").await;
    assert_eq!(page.at, "/sign-in?next=%2Faccount%3Fx%3D1");
    let form = page.form("Sign in").fill("E-mail address", " Dana@Example.com ").fill("Password", make::PASSWORD);
    let page = visitor.submit(form).await;
    assert_eq!((page.at.as_str(), page.one("h1").as_str()), ("/account?x=1", "Account"));
    assert_eq!(page.answer.header("cache-control"), "no-store");

    let session = visitor.cookie(SESSION).unwrap().to_owned();
    let page = visitor.submit(page.form("Sign out")).await;
    page.assert_shows("You are signed out.");
    assert_eq!(visitor.cookie(SESSION), None);
    visitor.set_cookie(SESSION, &session);
    assert_eq!(visitor.peek("/account").await.status, 303, "the session is gone, not only the cookie");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_keeps_the_address_and_never_the_password() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut visitor = Visitor::new(&app);
    for address in ["dana@example.com", "nobody@example.com"] {
        let form = visitor.open("/sign-in").await.form("Sign in");
        let page = visitor.submit(form.fill("E-mail address", address).fill("Password", "not the password")).await;
        assert_eq!(page.status(), 422);
        page.assert_shows("The e-mail address or the password is not right.");
        assert!(!page.answer.text().contains("not the password"));
        assert_eq!(page.form("Sign in").value("E-mail address"), address);
        assert_eq!(visitor.cookie(SESSION), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_the_page_says_for_how_long() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut visitor = Visitor::new(&app);
    let wrong = [("email", "dana@example.com"), ("password", "a wrong password")];
    let mut answers: Vec<Answer> = Vec::new();
    for _ in 0..7 {
        answers.push(visitor.post("/sign-in", &wrong).await);
    }
    let last = answers.last().unwrap();
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").parse::<u32>().unwrap() > 0);
    assert!(last.text().contains("Too many attempts. Try again in"));
    app.clock.advance(Duration::minutes(20));
    let right = [("email", "dana@example.com"), ("password", make::PASSWORD)];
    assert_eq!(visitor.post("/sign-in", &right).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_leads_nowhere_but_into_the_portal() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""] {
        let fields = [("email", "dana@example.com"), ("password", make::PASSWORD), ("next", next)];
        let answer = Visitor::new(&app).post("/sign-in", &fields).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/apis"), "{next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_makes_a_new_session_and_ends_the_one_before() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut visitor = Visitor::signed_in(&app, "dana").await;
    let before = visitor.cookie(SESSION).unwrap().to_owned();
    let right = [("email", "dana@example.com"), ("password", make::PASSWORD)];
    assert_eq!(visitor.post("/sign-in", &right).await.status, 303);
    assert_ne!(visitor.cookie(SESSION), Some(before.as_str()));
    let mut old = Visitor::new(&app);
    old.set_cookie(SESSION, &before);
    assert_eq!(old.peek("/account").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_on_use_and_ends_when_idle() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut visitor = Visitor::signed_in(&app, "dana").await;
    app.clock.advance(Duration::hours(7));
    assert_eq!(visitor.open("/account").await.status(), 200);
    app.clock.advance(Duration::hours(7));
    assert_eq!(visitor.open("/account").await.one("h1"), "Account", "being there keeps it alive");
    app.clock.advance(Duration::hours(9));
    assert_eq!(visitor.open("/account").await.one("h1"), "Sign in");

    let answer = visitor.post("/applications", &[("name", "Too late")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sign-in"));
    visitor.open("/sign-in").await.assert_shows("Your session had ended, so nothing was changed.");
    let made: i64 = sqlx::query_scalar("select count(*) from applications").fetch_one(app.pool()).await.unwrap();
    assert_eq!(made, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_sets_a_password_once_and_ends_the_sessions_of_the_account() {
    let app = TestApp::start().await;
    let dana = make::developer(&app, "dana").await;
    let mut before = Visitor::signed_in(&app, "dana").await;
    let link = links::to_set_password(&app.ctx, dana.id, &Actor::CommandLine).await.unwrap();
    let path = format!("/password/{}", link.expose());
    let mut visitor = Visitor::new(&app);

    let page = visitor.open(&path).await;
    page.assert_shows("dana@example.com");
    let page = visitor.submit(page.form("Set password").fill("New password", "short")).await;
    assert_eq!(page.status(), 422);
    let page = visitor.submit(page.form("Set password").fill("New password", "another long one")).await;
    page.assert_shows("Your password is set. Sign in with it.");
    assert_eq!(before.open("/account").await.one("h1"), "Sign in");
    assert_eq!(visitor.open(&path).await.status(), 404);

    let form = visitor.open("/sign-in").await.form("Sign in").fill("E-mail address", "dana@example.com");
    let page = visitor.submit(form.fill("Password", "another long one")).await;
    assert_eq!(page.at, "/apis");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_another_site_changes_nothing() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut visitor = Visitor::signed_in(&app, "dana").await;
    let cookie = format!("{SESSION}={}", visitor.cookie(SESSION).unwrap());
    let foreign: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    for headers in foreign {
        let mut headers = headers.to_vec();
        headers.push(("cookie", &cookie));
        let answer = http::post_form(&app.portal("/sign-out"), &headers, &[]).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.text().contains("This form came from another site"));
    }
    assert_eq!(visitor.open("/account").await.one("h1"), "Account");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_that_ends_tls_cookies_are_secure_and_forms_are_known_by_the_public_origin() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap();
    drop(free);
    let app = TestApp::start_with(|config| {
        config.portal.listen = listen;
        config.portal.public_url = Some("https://developers.example.com".to_owned());
    })
    .await;
    make::developer(&app, "dana").await;
    let url = format!("http://{listen}/sign-in");
    let form = [("email", "dana@example.com"), ("password", make::PASSWORD)];

    let answer = http::post_form(&url, &[("origin", "https://developers.example.com")], &form).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/apis"));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-portico-session=ptn_"), "{cookie}");
    for attribute in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    assert!(!cookie.contains("Domain"));
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    assert_eq!(http::post_form(&url, &[("origin", "https://evil.example")], &form).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_the_browser_what_to_refuse() {
    let app = TestApp::start().await;
    for (path, status) in [("/apis", 200), ("/nowhere", 404), ("/sign-in", 200), ("/static/old/portal.css", 200)] {
        let answer = http::get(&app.portal(path), &[]).await;
        assert_eq!(answer.status, status, "{path}");
        let policy = answer.header("content-security-policy");
        let gateways = format!("connect-src 'self' {} {};", app.app.urls.production, app.app.urls.sandbox);
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", gateways.as_str()] {
            assert!(policy.contains(part), "{part} of {path}: {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("strict-transport-security"), "", "no HSTS on plain http");
        assert_eq!(answer.header("x-request-id").len(), 12);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn static_files_are_kept_for_ever_under_their_fingerprint_only() {
    let app = TestApp::start().await;
    let page = Visitor::new(&app).open("/apis").await;
    let sheets = page.attributes("link[rel=stylesheet]", "href");
    let current = http::get(&app.portal(&sheets[0]), &[]).await;
    assert_eq!(current.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(current.header("content-type"), "text/css; charset=utf-8");
    let old = http::get(&app.portal("/static/0000000000/portal.css"), &[]).await;
    assert_eq!((old.header("cache-control"), &old.body), ("no-store", &current.body));
    for outside in ["/static/x/../../Cargo.toml", "/static/x/%2e%2e/Cargo.toml", "/static/x/none.css"] {
        assert_eq!(http::get(&app.portal(outside), &[]).await.status, 404, "{outside}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_is_chosen_without_script_and_printed_by_the_server() {
    let app = TestApp::start().await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis?q=pets").await;
    assert!(page.attributes("html", "data-theme").is_empty());
    let page = visitor.submit(page.form("Switch between light and dark")).await;
    assert_eq!((page.at.as_str(), page.attributes("html", "data-theme")), ("/apis?q=pets", vec!["dark".to_owned()]));
    let page = visitor.submit(page.form("Switch between light and dark")).await;
    assert_eq!(page.attributes("html", "data-theme"), ["light"]);
    visitor.set_cookie("theme", "\"><script>");
    assert!(visitor.open("/apis").await.attributes("html", "data-theme").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_done_gets_a_page_that_says_so() {
    let app = TestApp::start().await;
    let mut visitor = Visitor::new(&app);
    let cases = [
        (visitor.peek("/nowhere").await, 404, "Nothing to see here"),
        (visitor.peek("/sign-in?next=a&next=b").await, 400, "That request cannot be read"),
        (visitor.peek("/sign-out").await, 405, "This page cannot do that"),
        (visitor.post("/sign-in", &[("email", &"x".repeat(300_000))]).await, 413, "That is too large"),
        (
            http::send(::http::Method::POST, &app.portal("/sign-in"), &[], "a=b").await,
            415,
            "That request cannot be read",
        ),
    ];
    for (answer, status, title) in cases {
        assert_eq!(answer.status, status, "{title}");
        assert!(answer.text().contains(title), "{title}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_error_shows_an_id_and_nothing_of_its_cause() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut visitor = Visitor::signed_in(&app, "dana").await;
    sqlx::query("alter table sessions rename to hidden").execute(app.pool()).await.unwrap();
    let page = visitor.open("/account").await;
    assert_eq!(page.status(), 500);
    page.assert_shows("Something broke on our side");
    page.assert_shows(page.answer.header("x-request-id"));
    for inside in ["sessions", "relation", "sql", "panicked"] {
        assert!(!page.answer.text().contains(inside), "{inside}");
    }
}
