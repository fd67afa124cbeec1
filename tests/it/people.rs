//! What administrators do with people: roles given and taken back, accounts disabled and enabled again.

use crate::support::app::TestApp;
use crate::support::make;
use crate::support::visitor::Visitor;
use portico::base::error::Error;
use portico::domain::accounts::access::{self, Change, State};
use portico::domain::accounts::users;
use portico::domain::audit::model::Actor;

const CLI: &Actor = &Actor::CommandLine;
const BOB: &str = "bob@example.com";

async fn audited(app: &TestApp) -> Vec<String> {
    let asked = "select action from audit_events
        where action like 'role.%' or (action like 'user.%' and action <> 'user.added')
        order by action";
    sqlx::query_scalar(asked).fetch_all(app.pool()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_person_is_out_at_once_and_comes_in_again_when_enabled() {
    let app = TestApp::start().await;
    make::developer(&app, "bob").await;
    make::developer(&app, "eve").await;
    let (mut bob, mut eve) = (Visitor::signed_in(&app, "bob").await, Visitor::signed_in(&app, "eve").await);
    assert_eq!(access::disable(&app.ctx, BOB, CLI).await.unwrap(), Change::Made);
    assert_eq!(access::disable(&app.ctx, BOB, CLI).await.unwrap(), Change::None);
    assert!(bob.peek("/account").await.header("location").starts_with("/sign-in"));
    assert_eq!(eve.peek("/account").await.status, 200);
    let login = [("email", BOB), ("password", make::PASSWORD)];
    assert_eq!(bob.post("/sign-in", &login).await.status, 422);

    assert_eq!(access::enable(&app.ctx, " Bob@Example.com", CLI).await.unwrap(), Change::Made);
    assert_eq!(access::enable(&app.ctx, BOB, CLI).await.unwrap(), Change::None);
    assert!(bob.peek("/account").await.header("location").starts_with("/sign-in"), "the session does not come back");
    Visitor::signed_in(&app, "bob").await;
    assert_eq!(audited(&app).await, ["user.disabled", "user.enabled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_counts_from_the_next_page_on_until_it_is_taken_back() {
    let app = TestApp::start().await;
    make::member(&app, "bob", &[]).await;
    let mut bob = Visitor::signed_in(&app, "bob").await;
    assert_eq!(bob.peek("/applications/new").await.status, 403);
    assert_eq!(access::grant(&app.ctx, BOB, "developer", CLI).await.unwrap(), Change::Made);
    assert_eq!(access::grant(&app.ctx, BOB, "developer", CLI).await.unwrap(), Change::None);
    assert_eq!(bob.peek("/applications/new").await.status, 200);
    assert_eq!(access::revoke(&app.ctx, BOB, "developer", CLI).await.unwrap(), Change::Made);
    assert_eq!(access::revoke(&app.ctx, BOB, "developer", CLI).await.unwrap(), Change::None);
    assert_eq!(bob.peek("/applications/new").await.status, 403);
    assert!(matches!(access::grant(&app.ctx, BOB, "queen", CLI).await, Err(Error::Invalid(_))));
    assert!(matches!(access::grant(&app.ctx, "nobody@example.com", "admin", CLI).await, Err(Error::Invalid(_))));
    assert_eq!(audited(&app).await, ["role.granted", "role.revoked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_can_undo_it_is_always_left() {
    let app = TestApp::start().await;
    let (ada, bob) = ("ada@example.com", BOB);
    make::member(&app, "ada", &["admin"]).await;
    make::member(&app, "bob", &["developer"]).await;
    // Who has no password cannot sign in, and so undoes nothing.
    let new = users::NewUser::parse("Invited", "invited@example.com", vec!["admin".to_owned()], None).unwrap();
    users::add(&app.ctx, new, CLI).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(access::disable(&app.ctx, ada, CLI).await, Err(Error::Conflict(_))));
        assert!(matches!(access::revoke(&app.ctx, ada, "admin", CLI).await, Err(Error::Conflict(_))));
        access::grant(&app.ctx, bob, "admin", CLI).await.unwrap();
        access::disable(&app.ctx, bob, CLI).await.unwrap();
    }
    let states: Vec<_> = access::list(&app.ctx).await.unwrap().into_iter().map(|person| person.state).collect();
    assert_eq!(states, [State::Active, State::Disabled, State::Invited]);

    access::enable(&app.ctx, bob, CLI).await.unwrap();
    // Both at once: one of the two is left.
    let (first, second) = tokio::join!(access::disable(&app.ctx, ada, CLI), access::disable(&app.ctx, bob, CLI));
    assert_ne!(first.is_ok(), second.is_ok());
}
