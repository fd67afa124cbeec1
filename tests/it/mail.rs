//! Mail: how it leaves, what happens when it cannot, and how much of it anybody can ask for.

use crate::support::app::TestApp;
use crate::support::mail::{self, Letter, MailServer, Manner};
use crate::support::{make, tls};
use portico::base::text::Email;
use portico::domain::mail::model::{Letter as Tells, Queued};
use portico::domain::mail::queue;
use std::os::unix::fs::PermissionsExt as _;
use time::Duration;

async fn send(app: &TestApp, to: &str, letter: &Tells) -> Queued {
    let mut tx = app.ctx.db.begin().await.unwrap();
    let queued = queue(&mut tx, &app.ctx, &Email::parse(to).unwrap(), letter).await.unwrap();
    tx.commit().await.unwrap();
    queued
}

async fn waiting(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from mails").fetch_one(app.pool()).await.unwrap()
}

async fn live_links(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from account_links").fetch_one(app.pool()).await.unwrap()
}

async fn with_server(server: &MailServer, scheme: &str) -> TestApp {
    let url = format!("{scheme}://portico:p%40ss%20word@localhost:{}", server.port);
    let app = TestApp::start_with(|config| {
        config.mail.url = Some(url);
        config.mail.roots = Some(tls::fixture("ca.pem"));
        config.mail.from = Some("Developers <noreply@example.com>".to_owned());
    })
    .await;
    make::developer(&app, "dana").await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_over_tls_with_the_password_and_never_in_the_clear() {
    let server = MailServer::start(Manner::StartTls).await;
    let app = with_server(&server, "smtp").await;
    send(&app, "dana@example.com", &Tells::PasswordReset).await;
    app.app.send_mail().await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    for line in [
        "From: Developers <noreply@example.com>\r\n",
        "To: dana@example.com\r\n",
        "Subject: Choose a new password for Portico\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n",
    ] {
        assert!(mails[0].contains(line), "{line} in {}", mails[0]);
    }
    assert!(Letter::parse(&mails[0]).path(&app).starts_with("/password/ptl_"));
    assert_eq!(waiting(&app).await, 0);
    let overheard = server.overheard();
    assert!(overheard.contains("STARTTLS"), "{overheard}");
    for secret in ["AUTH", "dana", "ptl_"] {
        assert!(!overheard.contains(secret), "{secret} in {overheard}");
    }

    // Without TLS nothing is said, and the mail waits.
    server.behave(Manner::Plain);
    send(&app, "dana@example.com", &Tells::PasswordReset).await;
    let again = TestApp::again(app.config.clone(), app.clock.clone()).await;
    again.app.send_mail().await.unwrap();
    assert_eq!((server.mails().len(), waiting(&app).await), (1, 1));
    let overheard = server.overheard();
    assert!(!overheard.contains("AUTH") && !overheard.contains("dana"), "{overheard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_cannot_go_waits_longer_each_time_and_is_given_up_in_the_end() {
    let server = MailServer::start(Manner::Busy).await;
    let app = with_server(&server, "smtp+insecure").await;
    send(&app, "dana@example.com", &Tells::PasswordReset).await;
    app.app.send_mail().await.unwrap();
    assert_eq!((waiting(&app).await, live_links(&app).await), (1, 0), "the link that nobody read is gone");
    server.behave(Manner::Plain);
    app.app.send_mail().await.unwrap();
    assert_eq!(server.mails().len(), 0, "not before a minute has passed");
    app.clock.advance(Duration::minutes(1));
    app.app.send_mail().await.unwrap();
    assert_eq!((server.mails().len(), waiting(&app).await, live_links(&app).await), (1, 0, 1));

    server.behave(Manner::Refusing);
    send(&app, "dana@example.com", &Tells::PasswordReset).await;
    app.app.send_mail().await.unwrap();
    assert_eq!(waiting(&app).await, 0, "a mailbox that is not there does not appear");

    server.behave(Manner::Busy);
    send(&app, "dana@example.com", &Tells::PasswordReset).await;
    for _ in 0..30 {
        app.app.send_mail().await.unwrap();
        app.clock.advance(Duration::hours(2));
    }
    assert_eq!((server.mails().len(), waiting(&app).await), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_each_mail_is_a_file_that_only_its_owner_reads() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    send(&app, "dana@example.com", &Tells::PasswordChanged).await;
    app.app.send_mail().await.unwrap();
    let directory = app.app.data_dir().join("mail");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.iter().map(|file| mode(file)).collect::<Vec<_>>(), [0o600]);
    let letter = mail::letter(&app).await;
    assert_eq!((letter.to.as_str(), letter.path(&app).as_str()), ("dana@example.com", "/password-reset"));
    assert!(letter.text.starts_with("Hello dana,"), "{letter:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_gets_a_few_mails_an_hour_and_news_of_its_account_always() {
    let app = TestApp::start().await;
    make::developer(&app, "dana").await;
    let reset = Tells::PasswordReset;
    for _ in 0..5 {
        assert_eq!(send(&app, "dana@example.com", &reset).await, Queued::Yes);
    }
    assert_eq!(send(&app, "Dana@example.com", &reset).await, Queued::Enough);
    assert_eq!(send(&app, "erin@example.com", &reset).await, Queued::Yes, "others are not meant");
    assert_eq!(send(&app, "dana@example.com", &Tells::PasswordChanged).await, Queued::Yes);
    assert_eq!(mail::letters(&app).await.len(), 6, "erin has no account");
    app.clock.advance(Duration::minutes(61));
    assert_eq!(send(&app, "dana@example.com", &reset).await, Queued::Yes);
    let kept: Vec<String> =
        sqlx::query_scalar("select subject from mail_requests").fetch_all(app.pool()).await.unwrap();
    assert!(kept.iter().all(|subject| !subject.contains('@')), "{kept:?}");
}
