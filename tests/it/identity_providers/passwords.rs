//! A portal to which people come by their provider alone.

use crate::support::app::TestApp;
use crate::support::mail::{letter, letters};
use crate::support::make;
use crate::support::op::Op;
use crate::support::visitor::Visitor;
use portico::domain::accounts::access;
use portico::domain::accounts::users::NewUser;
use portico::domain::audit::model::Actor;

async fn portal(op: &Op) -> TestApp {
    op.portal(|config, _| {
        config.accounts.password_sign_in = false;
        config.oauth.legacy_grants = false;
    })
    .await
}

#[tokio::test]
async fn passwords_are_for_administrators_alone_and_those_are_not_locked_out() {
    let op = Op::start().await;
    let app = portal(&op).await;
    make::developer(&app, "dana").await;
    make::member(&app, "root", &["admin"]).await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/sign-in?next=%2Faccount").await;
    assert!(page.find_form("Sign in").is_none() && page.find_form("Sign in with Acme").is_some());
    let page = visitor.follow(&page, "Sign in with a password").await;
    let fill = |name: &str, password: &str| {
        page.form("Sign in").fill("E-mail address", &format!("{name}@example.com")).fill("Password", password)
    };
    let refused = visitor.submit(fill("dana", make::PASSWORD)).await;
    assert_eq!(refused.status(), 422);
    refused.assert_shows("Only administrators sign in with a password here.");
    assert!(refused.find_form("Sign in").is_some());
    // Whoever does not know the password hears nothing of that.
    let refused = visitor.submit(fill("dana", "not the password")).await;
    refused.assert_shows("The e-mail address or the password is not right.");
    let page = visitor.submit(fill("root", make::PASSWORD)).await;
    assert_eq!((page.status(), page.at.as_str()), (200, "/account"));
    page.assert_shows("Change password");
}

#[tokio::test]
async fn letters_lead_to_what_works() {
    let op = Op::start().await;
    let app = portal(&op).await;
    make::developer(&app, "dana").await;
    make::member(&app, "root", &["admin"]).await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/password-reset").await;
    page.assert_shows("People sign in with Acme here");
    for name in ["dana", "root"] {
        let form = page.form("Send link").fill("E-mail address", &format!("{name}@example.com"));
        assert_eq!(visitor.submit(form).await.at, "/password-reset/sent", "{name}: nobody learns who is what");
    }
    let sent = letters(&app).await;
    assert_eq!(sent.iter().map(|letter| letter.to.as_str()).collect::<Vec<_>>(), ["root@example.com"]);
    let new = NewUser::parse("Erin", "erin@example.com", vec!["developer".to_owned()], None).unwrap();
    access::invite(&app.ctx, new, &Actor::CommandLine).await.unwrap();
    let invitation = letter(&app).await;
    assert_eq!(invitation.path(&app), "/sign-in");
    assert!(invitation.text.replace('\n', " ").contains("You need no password"), "{}", invitation.text);
}
