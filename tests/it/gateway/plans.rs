//! Plans: so many calls, and where the caller stands, on every answer.

use crate::gateway::{Gate, assert_refused, key};
use crate::support::http::{self, Answer};
use crate::support::make;
use portico::base::environment::Environment;
use portico::domain::applications::manage;
use portico::domain::credentials::clients;
use time::Duration;

/// Redefines the plan that the test's subscriptions are under.
async fn bronze(gate: &Gate, rate: &str) {
    make::publish(&gate.app, &format!("kind: plan\nname: bronze\ntitle: Bronze\n{rate}\n")).await;
}

/// Limit, remaining and reset.
#[track_caller]
fn standing(answer: &Answer) -> [String; 3] {
    let read = |name: &str| answer.header(&format!("x-ratelimit-{name}")).to_owned();
    ["limit", "remaining", "reset"].map(read)
}

#[tokio::test]
async fn a_plan_lets_its_burst_through_and_then_its_pace_and_says_where_the_caller_stands() {
    let gate = Gate::open().await;
    bronze(&gate, "rate: {count: 60, per: minute, burst: 2}").await;
    let first = gate.get("/shop/pets/v1/a").await;
    assert_eq!((first.status.as_u16(), standing(&first)), (200, ["2", "1", "1"].map(str::to_owned)));
    assert_eq!(first.header("ratelimit"), "\"bronze\";r=1;t=1");
    assert_eq!(first.header("ratelimit-policy"), "\"bronze\";q=60;w=60");
    assert_eq!(gate.get("/shop/pets/v1/a").await.status, 200);

    let refused = gate.get("/shop/pets/v1/a").await;
    assert_eq!((refused.status.as_u16(), standing(&refused)), (429, ["2", "0", "2"].map(str::to_owned)));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.json()["code"], "900804");
    assert_eq!(gate.upstream.seen().len(), 2, "what is refused does not reach the backend");

    gate.app.clock.advance(Duration::seconds(1));
    assert_eq!(gate.get("/shop/pets/v1/a").await.status, 200, "what was refused cost nothing");
    assert_eq!(gate.get("/shop/pets/v1/a").await.status, 429);
}

#[tokio::test]
async fn all_credentials_of_a_subscription_share_its_plan_and_no_other_subscription_does() {
    let gate = Gate::open().await;
    bronze(&gate, "rate: {count: 1, per: hour, burst: 3}").await;
    let application = gate.issued.key.application;
    let client = clients::generate(&gate.app.ctx, &gate.member, application, Environment::Production).await.unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &*client.client.id),
        ("client_secret", client.secret.expose()),
    ];
    let token = http::post_form(&gate.app.portal("/oauth2/token"), &[], &form).await;
    let bearer = format!("Bearer {}", token.json()["access_token"].as_str().unwrap());
    gate.app.settle().await;

    let url = gate.url("/shop/pets/v1/a");
    let remaining = |answer: &Answer| answer.header("x-ratelimit-remaining").to_owned();
    assert_eq!(remaining(&gate.get("/shop/pets/v1/a").await), "2");
    assert_eq!(remaining(&http::get(&url, &[("authorization", &*bearer)]).await), "1");
    assert_eq!(remaining(&gate.get("/shop/pets/v1.0/a").await), "0", "minors of one major share it too");
    assert_eq!(http::get(&url, &[("authorization", &*bearer)]).await.status, 429);

    let other = manage::create(&gate.app.ctx, &gate.member, "Other", "").await.unwrap();
    assert_ne!(other.id, application);
    let other = key(&gate.app, &make::developer(&gate.app, "bob").await, "pets", "first").await;
    gate.app.settle().await;
    assert_eq!(remaining(&gate.get_with("/shop/pets/v1/a", other.secret.expose()).await), "2");
}

#[tokio::test]
async fn a_changed_plan_counts_at_once_and_an_unlimited_one_says_nothing() {
    let gate = Gate::open().await;
    bronze(&gate, "rate: {count: 1, per: day, burst: 1}").await;
    assert_eq!(gate.get("/shop/pets/v1/a").await.status, 200);
    assert_eq!(gate.get("/shop/pets/v1/a").await.status, 429);
    bronze(&gate, "rate: {count: 100, per: second, burst: 5}").await;
    let answer = gate.get("/shop/pets/v1/a").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "1"), "a day became a moment");
    gate.app.clock.advance(Duration::milliseconds(10));
    assert_eq!(gate.get("/shop/pets/v1/a").await.status, 200);
    bronze(&gate, "rate: unlimited").await;
    for _ in 0..10 {
        let answer = gate.get("/shop/pets/v1/a").await;
        assert_eq!((answer.status.as_u16(), answer.headers.get("x-ratelimit-limit")), (200, None));
    }
}

#[tokio::test]
async fn only_calls_that_go_to_the_backend_count_and_its_own_limits_are_not_ours() {
    let gate = Gate::open().await;
    bronze(&gate, "rate: {count: 1, per: hour, burst: 2}").await;
    for _ in 0..5 {
        assert_eq!(gate.get("/shop/pets/v2/a").await.status, 404);
        assert_eq!(gate.get_with("/shop/pets/v1/a", "ptk_prd_wrong").await.status, 401);
    }
    let answer = gate.get("/shop/pets/v1/a").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-remaining")), (200, "1"));
}

#[tokio::test]
async fn a_subscription_whose_plan_is_not_known_lets_nothing_through() {
    let gate = Gate::open().await;
    assert_eq!(gate.get("/shop/pets/v1/a").await.status, 200);
    // No release does this; the gateway must not depend on that.
    for statement in [
        "alter table subscriptions drop constraint subscriptions_plan_id_fkey",
        "alter table api_plans drop constraint api_plans_plan_id_fkey",
        "delete from plans",
    ] {
        sqlx::query(statement).execute(gate.app.pool()).await.unwrap();
    }
    gate.app.settle().await;
    let seen = gate.upstream.seen().len();
    let answer = gate.get("/shop/pets/v1/a").await;
    assert_refused(&answer, 503, "503");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(gate.upstream.seen().len(), seen);
}
