//! Signing up, invitations and new passwords: by a link that proves the address, telling nobody who has an account.

use crate::support::app::TestApp;
use crate::support::http::Answer;
use crate::support::mail::{letter, letters};
use crate::support::visitor::{Page, Visitor};
use crate::support::{make, shop};
use portico::base::text::Email;
use portico::domain::accounts::{access, users};
use portico::domain::audit::model::Actor;
use portico::domain::mail::model::Letter;
use portico::domain::mail::queue;
use time::Duration;

async fn open_app() -> TestApp {
    TestApp::start_with(|config| config.accounts.sign_up = true).await
}

/// Asks for an account on the page.
async fn ask(visitor: &mut Visitor, name: &str, email: &str) -> Page {
    let page = visitor.open("/sign-up").await;
    let form = page.form("Sign up").fill("Your name", name).fill("E-mail address", email);
    visitor.submit(form).await
}

async fn ask_reset(visitor: &mut Visitor, email: &str) -> Page {
    let page = visitor.open("/password-reset").await;
    visitor.submit(page.form("Send link").fill("E-mail address", email)).await
}

async fn signs_in(app: &TestApp, email: &str, password: &str) -> bool {
    let fields = [("email", email), ("password", password)];
    Visitor::new(app).post("/sign-in", &fields).await.status == 303
}

/// Everything that an answer tells, but what differs from request to request anyway.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let headers = headers.filter(|(name, _)| name != "date" && name != "x-request-id").collect();
    (answer.status.as_u16(), headers, answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_an_account_by_a_link_that_proves_the_address_once() {
    let app = open_app().await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/sign-in").await;
    assert_eq!(page.link("Sign up"), "/sign-up");
    let page = ask(&mut visitor, " ", "nobody").await;
    assert_eq!(page.status(), 422);
    let page =
        visitor.submit(page.form("Sign up").fill("Your name", "Erin").fill("E-mail address", "Erin@Example.com")).await;
    assert_eq!((page.at.as_str(), page.one("h1").as_str()), ("/sign-up/sent", "Look at your mail"));
    let users =
        async || sqlx::query_scalar::<_, i64>("select count(*) from users").fetch_one(app.pool()).await.unwrap();
    assert_eq!(users().await, 0, "nothing is made before the address is proved");

    let letter = letter(&app).await;
    assert_eq!(
        (letter.to.as_str(), letter.subject.as_str()),
        ("erin@example.com", "Confirm your e-mail address for Portico")
    );
    let path = letter.path(&app);
    let token = path.strip_prefix("/sign-up/").unwrap();
    let kept: Vec<Vec<u8>> =
        sqlx::query_scalar("select digest from account_links").fetch_all(app.pool()).await.unwrap();
    assert!(kept.len() == 1 && kept[0] != token.as_bytes());

    let page = visitor.open(&path).await;
    page.assert_shows("erin@example.com");
    assert_eq!(page.answer.header("cache-control"), "no-store");
    assert_eq!(page.answer.header("referrer-policy"), "strict-origin");
    assert_eq!(page.form("Create account").value("Your name"), "Erin");
    for guessable in ["short", "password1234", "erin@example.com", "aaaaaaaaaaaaaa"] {
        let page = visitor.submit(page.form("Create account").fill("Password", guessable)).await;
        assert_eq!(page.status(), 422, "{guessable}");
    }
    let page = visitor.submit(page.form("Create account").fill("Password", "four unlike small words")).await;
    page.assert_shows("Your account is ready and you are signed in.");
    let account = visitor.open("/account").await;
    account.assert_shows("Erin");
    account.assert_shows("developer");
    assert_eq!(Visitor::new(&app).open(&path).await.status(), 404, "the link works once");
    assert!(signs_in(&app, "erin@example.com", "four unlike small words").await);
    let audited: Vec<(String, String)> =
        sqlx::query_as("select action, actor from audit_events where action like 'user.%'")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(audited, [("user.added".to_owned(), "erin@example.com".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_tells_nobody_who_has_an_account() {
    let app = open_app().await;
    make::developer(&app, "known").await;
    make::developer(&app, "gone").await;
    access::disable(&app.ctx, "gone@example.com", &Actor::CommandLine).await.unwrap();
    let mut answers = Vec::new();
    for who in ["known", "nobody", "gone"] {
        let email = format!("{who}@example.com");
        let mut visitor = Visitor::new(&app);
        let asked = visitor.post("/sign-up", &[("name", "Any"), ("email", &email)]).await;
        let reset = visitor.post("/password-reset", &[("email", &email)]).await;
        let pages = (visitor.peek("/sign-up/sent").await, visitor.peek("/password-reset/sent").await);
        answers.push([told(&asked), told(&reset), told(&pages.0), told(&pages.1)]);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let told: Vec<_> = letters(&app).await.into_iter().map(|letter| (letter.to, letter.subject)).collect();
    let expected = [
        ("known@example.com", "Choose a new password for Portico"),
        ("known@example.com", "You have an account at Portico already"),
        ("nobody@example.com", "Confirm your e-mail address for Portico"),
    ];
    assert_eq!(told, expected.map(|(to, subject)| (to.to_owned(), subject.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_asks_for_too_much_waits() {
    let app = open_app().await;
    let mut visitor = Visitor::new(&app);
    for n in 0..20 {
        let email = format!("p{n}@example.com");
        assert_eq!(visitor.post("/password-reset", &[("email", &email)]).await.status, 303, "{n}");
    }
    let answer = visitor.post("/sign-up", &[("name", "Any"), ("email", "more@example.com")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "3600"));
    assert!(answer.text().contains("Too many letters were asked for. Try again in 60 minutes."));
    assert!(answer.text().contains("more@example.com"), "the form keeps what was typed");
    app.clock.advance(Duration::minutes(61));
    assert_eq!(visitor.post("/sign-up", &[("name", "Any"), ("email", "more@example.com")]).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_a_link_that_works_once_and_not_for_long() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let mut elsewhere = Visitor::signed_in(&app, "dana").await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/sign-in").await;
    assert_eq!(page.link("Forgot your password?"), "/password-reset");
    assert_eq!(ask_reset(&mut visitor, "dana@example.com").await.at, "/password-reset/sent");
    let late = letter(&app).await.path(&app);
    app.clock.advance(Duration::minutes(61));
    assert_eq!(visitor.open(&late).await.status(), 404);

    ask_reset(&mut visitor, "dana@example.com").await;
    ask_reset(&mut visitor, "dana@example.com").await;
    let both = letters(&app).await;
    let (first, second) = (both[0].path(&app), both[1].path(&app));
    let page = visitor.open(&first).await;
    let page = visitor.submit(page.form("Set password").fill("New password", "four unlike small words")).await;
    page.assert_shows("Your password is set. Sign in with it.");
    for used in [&first, &second] {
        assert_eq!(visitor.open(used).await.status(), 404, "no link outlives the password that it was for");
        assert_eq!(visitor.post(used, &[("password", "another four small words")]).await.status, 404);
    }
    assert_eq!(elsewhere.open("/account").await.one("h1"), "Sign in");
    assert!(!signs_in(&app, "dana@example.com", make::PASSWORD).await);
    assert!(signs_in(&app, "dana@example.com", "four unlike small words").await);
    assert_eq!(letter(&app).await.subject, "Your password for Portico was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_invites_and_the_invited_choose_their_password() {
    let app = TestApp::start().await;
    make::member(&app, "ada", &["admin"]).await;
    make::developer(&app, "dana").await;
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let page = ada.open("/account").await;
    let page = ada.follow(&page, "See everybody and invite somebody").await;
    let page = ada.follow(&page, "Invite").await;
    let form =
        page.form("Invite").fill("Name", "Erin").fill("E-mail address", "dana@example.com").tick("Publisher publisher");
    let page = ada.submit(form).await;
    assert_eq!(page.status(), 422);
    page.assert_shows("There is an account with the address dana@example.com already.");
    let page = ada.submit(page.form("Invite").fill("E-mail address", "erin@example.com")).await;
    page.assert_shows("a letter with a link is on its way");
    page.assert_shows("Invited");
    let found = ada.open("/people?q=ERIN").await;
    assert_eq!(found.all("tbody tr").len(), 1);

    let letter = letter(&app).await;
    assert!(letter.text.contains("ada@example.com has made an account for you"), "{letter:?}");
    let mut erin = Visitor::new(&app);
    let page = erin.open(&letter.path(&app)).await;
    erin.submit(page.form("Set password").fill("New password", "four unlike small words")).await;
    assert!(signs_in(&app, "erin@example.com", "four unlike small words").await);
    assert_eq!(users::by_email(&app.ctx, "erin@example.com").await.unwrap().roles, ["developer", "publisher"]);
    assert!(letters(&app).await.is_empty(), "the first password is no news");
    assert_eq!(Visitor::signed_in(&app, "dana").await.open("/people").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_listed_by_pages() {
    let app = TestApp::start().await;
    make::member(&app, "ada", &["admin"]).await;
    let many = "insert into users (id, email, name, created_at)
        select gen_random_uuid(), 'p' || lpad(n::text, 3, '0') || '@example.com', 'Person', now() from generate_series(1, 60) n";
    sqlx::query(many).execute(app.pool()).await.unwrap();
    let mut ada = Visitor::signed_in(&app, "ada").await;
    let first = ada.open("/people").await;
    let second = ada.follow(&first, "Next page").await;
    assert_eq!((first.all("tbody tr").len(), second.all("tbody tr").len()), (50, 11));
    assert!(!second.shows("Next page"));
    assert_eq!(ada.open("/people?q=%25").await.all("tbody tr").len(), 0, "a wildcard is a character");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_invites_a_stranger_where_sign_up_is_open_and_only_there() {
    for is_open in [false, true] {
        let app = TestApp::start_with(|config| config.accounts.sign_up = is_open).await;
        let dana = make::developer(&app, "dana").await;
        make::developer(&app, "bob").await;
        let application = shop::application(&app, &dana, "Storefront").await;
        for to in ["erin@example.com", "bob@example.com"] {
            shop::share(&app, &application, to).await;
            let told = Letter::Shared {
                application: application.id,
                name: application.name.clone(),
                by: dana.email.to_string(),
            };
            let mut tx = app.ctx.db.begin().await.unwrap();
            queue(&mut tx, &app.ctx, &Email::parse(to).unwrap(), &told).await.unwrap();
            tx.commit().await.unwrap();
        }
        let letters = letters(&app).await;
        assert_eq!(letters[0].subject, "dana@example.com has shared Storefront with you");
        assert_eq!(letters[0].path(&app), format!("/applications/{}", application.id));
        let mut erin = Visitor::new(&app);
        if !is_open {
            assert_eq!(letters.len(), 1);
            for path in ["/sign-up", "/sign-up/sent"] {
                assert_eq!(erin.open(path).await.status(), 404);
            }
            assert_eq!(erin.post("/sign-up", &[("name", "Erin"), ("email", "erin@example.com")]).await.status, 404);
            erin.open("/sign-in").await.assert_shows("Ask an administrator of this portal for one.");
            continue;
        }
        let page = erin.open(&letters[1].path(&app)).await;
        let form = page.form("Create account").fill("Your name", "Erin").fill("Password", "four unlike small words");
        erin.submit(form).await;
        erin.open("/applications").await.assert_shows("Storefront");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_can_be_kept_to_domains_and_closed_again() {
    let app = TestApp::start_with(|config| {
        config.accounts.sign_up = true;
        config.accounts.sign_up_domains = vec!["example.com".to_owned()];
        config.accounts.sign_up_roles = vec!["developer".to_owned(), "not-there".to_owned()];
    })
    .await;
    let mut visitor = Visitor::new(&app);
    for foreign in ["eve@evil.example", "eve@sub.example.com", "eve@example.com.evil.example"] {
        let page = ask(&mut visitor, "Eve", foreign).await;
        assert_eq!(page.status(), 422);
        page.assert_shows("Only addresses at example.com may sign up.");
    }
    ask(&mut visitor, "Erin", "erin@example.com").await;
    let path = letter(&app).await.path(&app);
    let mut config = app.config.clone();
    config.accounts.sign_up = false;
    let closed = TestApp::again(config, app.clock.clone()).await;
    let fields = [("name", "Erin"), ("password", "four unlike small words")];
    assert_eq!(Visitor::new(&closed).open(&path).await.status(), 404, "closed since");
    assert_eq!(Visitor::new(&closed).post(&path, &fields).await.status, 404);
    assert_eq!(visitor.post(&path, &fields).await.status, 303);
    assert_eq!(users::by_email(&app.ctx, "erin@example.com").await.unwrap().roles, ["developer"]);
}
