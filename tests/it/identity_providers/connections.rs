//! Members who connect a provider with their account, and disconnect it.

use crate::support::app::TestApp;
use crate::support::make;
use crate::support::op::Op;
use crate::support::visitor::{Page, Visitor};
use serde_json::{Value, json};
use time::Duration;

/// Presses the button on the account page, and comes back as whom the provider says.
async fn connect(op: &Op, app: &TestApp, visitor: &mut Visitor, claims: Value) -> Page {
    op.tell(|script| script.claims = claims);
    let page = visitor.open("/account").await;
    let away = Op::away_by(visitor, &page, "Connect Acme").await;
    assert_eq!(away.parameters.get("prompt").map(String::as_str), Some("login"), "the provider asks who sits there");
    visitor.go(&op.back(&away, app)).await.here()
}

#[tokio::test]
async fn a_member_connects_a_provider_without_any_address_and_disconnects_it_again() {
    let op = Op::start().await;
    let app = op
        .portal(|_, provider| {
            provider.roles_claim = Some("groups".to_owned());
            provider.roles = vec!["staff = publisher".to_owned()];
        })
        .await;
    make::developer(&app, "dana").await;
    let mut dana = Visitor::signed_in(&app, "dana").await;
    let policy = dana.open("/account").await.answer.header("content-security-policy").to_owned();
    assert!(policy.ends_with("form-action 'self' http:"), "{policy}");
    let page = connect(&op, &app, &mut dana, json!({ "sub": "d-1", "groups": ["staff"] })).await;
    assert_eq!(page.at, "/account");
    for said in ["Connected. From now on you can sign in that way too.", "You sign in with Acme.", "publisher"] {
        page.assert_shows(said);
    }
    let mut elsewhere = Visitor::new(&app);
    op.sign_in(&mut elsewhere, &app).await;
    elsewhere.open("/account").await.assert_shows("dana@example.com");

    let page = dana.open("/account").await;
    let page = dana.submit(page.form("Disconnect Acme")).await;
    page.assert_shows("Disconnected. You no longer sign in that way.");
    assert!(!page.shows("publisher"), "what it gave goes with it");
    assert_eq!(elsewhere.open("/account").await.one("h1"), "Sign in", "and so do the sessions that it opened");
    assert_eq!(op.sign_in(&mut elsewhere, &app).await.status(), 403, "no address, no account");
    let events = "select action from audit_events where action like 'identity.%' order by id";
    let events: Vec<String> = sqlx::query_scalar(events).fetch_all(app.pool()).await.unwrap();
    assert!(events.contains(&"identity.linked".to_owned()) && events.contains(&"identity.unlinked".to_owned()));
}

#[tokio::test]
async fn nobody_connects_what_is_somebody_elses_or_in_a_session_left_open() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    op.sign_in(&mut Visitor::new(&app), &app).await;
    make::developer(&app, "dana").await;
    make::developer(&app, "eve").await;
    let mut dana = Visitor::signed_in(&app, "dana").await;
    let page = connect(&op, &app, &mut dana, json!({ "sub": "ada-1" })).await;
    assert_eq!((page.status(), page.one("h1").as_str()), (409, "You have another account here for Acme"));

    // Eve signs in in the same browser while Dana is at the provider.
    op.tell(|script| script.claims = json!({ "sub": "d-1" }));
    let page = dana.open("/account").await;
    let away = Op::away_by(&mut dana, &page, "Connect Acme").await;
    let fields = [("email", "eve@example.com"), ("password", make::PASSWORD)];
    dana.post("/sign-out", &[]).await;
    assert_eq!(dana.post("/sign-in", &fields).await.status, 303);
    assert_eq!(dana.go(&op.back(&away, &app)).await.here().status(), 400);
    let count = "select count(*) from identities where subject = 'd-1'";
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(app.pool()).await.unwrap(), 0);

    app.clock.advance(Duration::minutes(16));
    let page = dana.open("/account").await;
    let page = dana.submit(page.form("Connect Acme")).await;
    assert_eq!((page.status(), page.one("h1").as_str()), (403, "Sign in anew first"));
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let op = Op::start().await;
    let app = op.portal(|_, _| {}).await;
    let mut ada = Visitor::new(&app);
    op.sign_in(&mut ada, &app).await;
    let page = ada.open("/account").await;
    let page = ada.submit(page.form("Disconnect Acme")).await;
    assert_eq!(page.status(), 409);
    page.assert_shows("It is your only way to sign in. Choose a password first.");
    assert_eq!(op.sign_in(&mut Visitor::new(&app), &app).await.status(), 200);
}
