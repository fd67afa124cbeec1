//! Whose account somebody enters.

use crate::support::make;
use crate::support::op::Op;
use crate::support::visitor::Visitor;
use portico::domain::accounts::access;
use portico::domain::accounts::users::{self, NewUser};
use portico::domain::audit::model::Actor;
use serde_json::{Value, json};

fn said(subject: &str, email: &str, verified: bool) -> Value {
    json!({ "sub": subject, "email": email, "email_verified": verified })
}

#[tokio::test]
async fn an_account_that_is_there_is_not_opened_by_its_address() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    make::member(&app, "root", &["admin"]).await;
    for verified in [true, false] {
        let page = op.sign_in_as(&app, said("eve-1", "root@example.com", verified)).await;
        assert_eq!(page.status(), if verified { 409 } else { 403 });
    }
    let page = op.sign_in_as(&app, said("eve-1", "root@example.com", true)).await;
    page.assert_shows("There is an account with your e-mail address already");
    let identities: i64 = sqlx::query_scalar("select count(*) from identities").fetch_one(app.pool()).await.unwrap();
    assert_eq!(identities, 0);
}

#[tokio::test]
async fn where_the_operator_trusts_the_provider_a_verified_address_opens_the_account_for_ever() {
    let op = Op::start().await;
    let app = op.portal(|_, provider| provider.link_by_email = true).await;
    make::developer(&app, "dana").await;
    let page = op.sign_in_as(&app, said("d-1", "dana@example.com", false)).await;
    assert_eq!(page.status(), 403, "never by an address that the provider does not vouch for");
    page.assert_shows("Acme does not vouch for your e-mail address");

    op.tell(|script| script.claims = said("d-1", "Dana@example.com", true));
    let mut dana = Visitor::new(&app);
    op.sign_in(&mut dana, &app).await;
    let page = dana.open("/account").await;
    page.assert_shows("dana@example.com");
    page.assert_shows("Change password");
    let audited: Vec<(String, Value)> =
        sqlx::query_as("select actor, detail from audit_events where action = 'identity.linked'")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(audited, [("dana@example.com".to_owned(), json!({ "provider": "acme" }))]);
    // From now on the subject is enough, and the address says nothing.
    op.tell(|script| script.claims = json!({ "sub": "d-1" }));
    let mut again = Visitor::new(&app);
    op.sign_in(&mut again, &app).await;
    again.open("/account").await.assert_shows("dana@example.com");
    // The password still works.
    Visitor::signed_in(&app, "dana").await;
}

#[tokio::test]
async fn a_disabled_account_stays_closed() {
    let op = Op::start().await;
    let app = op.portal(|_, provider| provider.link_by_email = true).await;
    op.sign_in(&mut Visitor::new(&app), &app).await;
    make::developer(&app, "dana").await;
    for email in ["ada@acme.example", "dana@example.com"] {
        access::disable(&app.ctx, email, &Actor::CommandLine).await.unwrap();
    }
    for claims in [said("ada-1", "ada@acme.example", true), said("d-1", "dana@example.com", true)] {
        let page = op.sign_in_as(&app, claims).await;
        assert_eq!(page.status(), 403);
        page.assert_shows("Your account is disabled");
    }
}

#[tokio::test]
async fn the_operator_says_who_may_come() {
    let op = Op::start().await;
    let app = op
        .portal(|_, provider| {
            provider.create_accounts = false;
            provider.link_by_email = true;
            provider.email_domains = vec!["acme.example".to_owned()];
        })
        .await;
    let page = Visitor::new(&app).open("/sign-in").await;
    page.assert_shows("No account yet? Ask an administrator");
    for (claims, title) in [
        (said("a", "ada@acme.example", true), "You have no account here"),
        (said("b", "ada@evil.example", true), "Your e-mail address may not sign in here"),
        (said("c", "ada@sub.acme.example", true), "Your e-mail address may not sign in here"),
        (said("d", "ada@acme.example", false), "Acme does not vouch for your e-mail address"),
    ] {
        let page = op.sign_in_as(&app, claims).await;
        assert_eq!((page.status(), page.one("h1").as_str()), (403, title));
    }
    // Somebody who was invited comes in, and then is no longer waited for.
    let new = NewUser::parse("Ada", "ada@acme.example", vec!["developer".to_owned()], None).unwrap();
    users::add(&app.ctx, new, &Actor::CommandLine).await.unwrap();
    assert_eq!(op.sign_in_as(&app, said("a", "ada@acme.example", true)).await.status(), 200);
    let people = access::list(&app.ctx).await.unwrap();
    assert_eq!(people[0].state, access::State::Active);
    // An address that leaves the domains leaves the portal.
    let page = op.sign_in_as(&app, said("a", "ada@elsewhere.example", true)).await;
    assert_eq!(page.status(), 403);
}

#[tokio::test]
async fn claims_of_other_names_are_read_where_the_configuration_says() {
    let op = Op::start().await;
    let app = op
        .portal(|_, provider| {
            provider.email_claim = "user.mail".to_owned();
            provider.email_verified_claim = "xms_edov".to_owned();
            provider.name_claim = "user.display.name".to_owned();
        })
        .await;
    let claims = json!({ "sub": "x", "xms_edov": "1",
        "user": { "mail": "ada@acme.example", "display": { "name": "Countess" } } });
    op.tell(|script| script.claims = claims);
    let mut ada = Visitor::new(&app);
    op.sign_in(&mut ada, &app).await;
    let page = ada.open("/account").await;
    page.assert_shows("Countess");
    page.assert_shows("ada@acme.example");
}

#[tokio::test]
async fn whoever_came_by_a_provider_may_choose_a_password() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    op.sign_in(&mut ada, &app).await;
    let page = ada.open("/account").await;
    let page = ada.follow(&page, "Choose one").await;
    ada.submit(page.form("Send link")).await;
    let path = crate::support::mail::letter(&app).await.path(&app);
    let page = ada.open(&path).await;
    let button = page.all("main form button").remove(0);
    let page = ada.submit(page.form(&button).fill("New password", make::PASSWORD)).await;
    page.assert_shows("Your password is set.");
    let form = page.form("Sign in").fill("E-mail address", "ada@acme.example").fill("Password", make::PASSWORD);
    ada.submit(form).await;
    ada.open("/account").await.assert_shows("Change password");
}
