//! The roles that a provider gives and takes back.

use crate::identity_providers::flow::again;
use crate::support::app::TestApp;
use crate::support::op::Op;
use crate::support::visitor::Visitor;
use portico::base::error::Error;
use portico::domain::accounts::access::{self, Change};
use portico::domain::accounts::users;
use portico::domain::audit::model::Actor;
use serde_json::{Value, json};
use time::Duration;

async fn portal(op: &Op) -> TestApp {
    op.portal(|_, provider| {
        provider.roles_claim = Some("realm_access.roles".to_owned());
        provider.roles = ["portal-admins = admin", "CN=API,OU=x = publisher", "staff = publisher", "staff = none-such"]
            .map(str::to_owned)
            .to_vec();
    })
    .await
}

async fn come(op: &Op, app: &TestApp, values: Value) -> Vec<String> {
    let claims = json!({ "sub": "ada-1", "email": "ada@acme.example", "email_verified": true,
        "realm_access": { "roles": values } });
    op.tell(|script| script.claims = claims);
    app.clock.advance(Duration::SECOND);
    assert_eq!(op.sign_in(&mut Visitor::new(app), app).await.status(), 200);
    roles(app).await
}

async fn roles(app: &TestApp) -> Vec<String> {
    users::by_email(&app.ctx, "ada@acme.example").await.unwrap().roles
}

async fn audited(app: &TestApp) -> Vec<String> {
    let events = "select action || ' ' || (detail->>'role') || ' ' || coalesce(detail->>'provider', 'hand')
        from audit_events where action like 'role.%' order by at, action";
    sqlx::query_scalar(events).fetch_all(app.pool()).await.unwrap()
}

#[tokio::test]
async fn roles_come_and_go_with_the_claim_beside_those_given_by_hand() {
    let op = Op::start().await;
    let app = portal(&op).await;
    assert_eq!(come(&op, &app, json!(["portal-admins", "other"])).await, ["admin", "developer"]);
    assert_eq!(come(&op, &app, json!("CN=API,OU=x")).await, ["developer", "publisher"]);
    assert_eq!(come(&op, &app, json!(["staff", "CN=API,OU=x"])).await, ["developer", "publisher"]);

    // The same role from two sides goes when both have taken it back.
    let cli = Actor::CommandLine;
    app.clock.advance(Duration::SECOND);
    assert_eq!(access::grant(&app.ctx, "ada@acme.example", "publisher", &cli).await.unwrap(), Change::Made);
    assert_eq!(access::grant(&app.ctx, "ada@acme.example", "publisher", &cli).await.unwrap(), Change::None);
    let refused = access::revoke(&app.ctx, "ada@acme.example", "publisher", &cli).await.unwrap_err();
    assert!(matches!(&refused, Error::Conflict(text) if text.contains("from acme")), "{refused}");
    assert_eq!(come(&op, &app, json!([])).await, ["developer", "publisher"]);
    app.clock.advance(Duration::SECOND);
    assert_eq!(access::revoke(&app.ctx, "ada@acme.example", "publisher", &cli).await.unwrap(), Change::Made);
    assert_eq!(roles(&app).await, ["developer"]);
    app.clock.advance(Duration::SECOND);
    // One that was given by hand first is not taken back by the provider.
    access::grant(&app.ctx, "ada@acme.example", "admin", &cli).await.unwrap();
    come(&op, &app, json!(["portal-admins"])).await;
    assert_eq!(come(&op, &app, json!(null)).await, ["admin", "developer"]);
    assert_eq!(
        audited(&app).await,
        [
            "role.granted admin acme",
            "role.granted publisher acme",
            "role.revoked admin acme",
            "role.granted publisher hand",
            "role.revoked publisher acme",
            "role.revoked publisher hand",
            "role.granted admin hand",
            "role.granted admin acme",
            "role.revoked admin acme",
        ]
    );
}

#[tokio::test]
async fn the_roles_of_a_provider_that_has_gone_go_with_it() {
    let op = Op::start().await;
    let app = portal(&op).await;
    come(&op, &app, json!(["portal-admins", "staff"])).await;
    let change = |config: &mut portico::config::Config| {
        config.identity_providers.get_mut("acme").unwrap().roles = vec!["staff = publisher".to_owned()];
    };
    let app = again(app, change).await;
    assert_eq!(roles(&app).await, ["developer", "publisher"]);
    let app = again(app, |config| config.identity_providers.clear()).await;
    assert_eq!(roles(&app).await, ["developer"]);
    let last = audited(&app).await;
    assert_eq!(last[last.len() - 2..], ["role.revoked admin acme", "role.revoked publisher acme"]);
}
