//! Quotas, and limits on an API and on an operation: counted exactly, told on every answer, and charged for all or none.

use crate::gateway::{Gate, assert_refused, key};
use crate::support::app::TestApp;
use crate::support::http::{self, Answer};
use crate::support::make;
use crate::support::upstream::Upstream;
use ::http::{Method, Response, StatusCode};
use http_body_util::Full;
use portico::config::OnFailure;
use portico::domain::usage::quotas;
use serde_json::{Value, json};
use sqlx::Executor as _;
use time::Duration;
use time::macros::datetime;

const PATH: &str = "/shop/pets/v1/a";

/// Gives the plan `bronze` a quota and no rate.
pub(super) async fn quota(gate: &Gate, count: i64, per: &str) {
    plan(&gate.app, Some((count, per)), None).await;
}

pub(super) async fn plan(app: &TestApp, quota: Option<(i64, &str)>, rate: Option<(i32, &str, i32)>) {
    sqlx::query(
        "update plans set quota_count = $1, quota_unit = $2, rate_count = $3, rate_unit = $4, burst = $5
         where name = 'bronze'",
    )
    .bind(quota.map(|(count, _)| count))
    .bind(quota.map(|(_, per)| per))
    .bind(rate.map(|(count, ..)| count))
    .bind(rate.map(|(_, per, _)| per))
    .bind(rate.map(|(.., burst)| burst))
    .execute(app.pool())
    .await
    .unwrap();
    app.settle().await;
}

/// Gives the API `pets` these policies.
pub(super) async fn policies(gate: &Gate, policies: &Value) {
    sqlx::query("update apis set policies = $1").bind(policies).execute(gate.app.pool()).await.unwrap();
    gate.app.settle().await;
}

/// What is used of all quotas together, as the database has it.
pub(super) async fn used(app: &TestApp) -> i64 {
    sqlx::query_scalar("select coalesce(sum(used), 0)::bigint from quota_periods").fetch_one(app.pool()).await.unwrap()
}

async fn passes(gate: &Gate) -> bool {
    gate.get(PATH).await.status == 200
}

#[track_caller]
fn standing(answer: &Answer) -> (u16, String, String) {
    let header = |name| answer.header(name).to_owned();
    (answer.status.as_u16(), header("ratelimit"), header("ratelimit-policy"))
}

#[tokio::test]
async fn a_quota_lets_its_number_through_in_a_calendar_day_and_says_where_the_caller_stands() {
    let gate = Gate::open().await;
    quota(&gate, 3, "day").await;
    let answer = gate.get(PATH).await;
    // It is noon, and the day ends in twelve hours.
    let (limit, policy) = ("\"bronze-day\";r=2;t=43200".to_owned(), "\"bronze-day\";q=3;w=86400".to_owned());
    assert_eq!(standing(&answer), (200, limit, policy));
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("3", "2"));
    assert!(passes(&gate).await && passes(&gate).await);

    let refused = gate.get(PATH).await;
    assert_refused(&refused, 429, "900804");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("43200", "\"bronze-day\";r=0;t=43200"));
    assert_eq!(gate.upstream.seen().len(), 3, "what is refused does not reach the backend");

    gate.app.clock.advance(Duration::hours(12) - Duration::seconds(1));
    assert_eq!(gate.get(PATH).await.header("retry-after"), "1");
    gate.app.clock.advance(Duration::seconds(1));
    assert_eq!(gate.get(PATH).await.header("ratelimit"), "\"bronze-day\";r=2;t=86400", "the next day is a new one");
}

#[tokio::test]
async fn a_month_lasts_until_the_next_one_and_a_changed_quota_counts_at_once() {
    let gate = Gate::open().await;
    quota(&gate, 2, "month").await;
    assert!(passes(&gate).await && passes(&gate).await && !passes(&gate).await);
    gate.app.clock.advance(Duration::days(6));
    let refused = gate.get(PATH).await;
    assert_eq!(standing(&refused), (429, "\"bronze-month\";r=0;t=43200".into(), "\"bronze-month\";q=2".into()));
    quota(&gate, 4, "month").await;
    assert!(passes(&gate).await && passes(&gate).await && !passes(&gate).await, "two more than before");
    quota(&gate, 3, "month").await;
    assert!(!passes(&gate).await, "four are used of three");
    gate.app.clock.advance(Duration::hours(12));
    assert!(passes(&gate).await && passes(&gate).await && passes(&gate).await && !passes(&gate).await);
    plan(&gate.app, None, None).await;
    let free = gate.get(PATH).await;
    assert_eq!((free.status.as_u16(), free.headers.get("ratelimit")), (200, None));
}

#[tokio::test]
async fn a_quota_outlives_the_process_and_an_orderly_stop_gives_back_what_was_in_hand() {
    let gate = Gate::open().await;
    quota(&gate, 100, "day").await;
    for _ in 0..30 {
        assert!(passes(&gate).await);
    }
    assert!(used(&gate.app).await >= 30, "what is in hand counts as used");
    let Gate { app, upstream, member, issued } = gate;
    let TestApp { app, clock, config, .. } = app;
    app.drain().await;
    let app = TestApp::again(config, clock).await;
    assert_eq!(used(&app).await, 30);
    let gate = Gate { app, upstream, member, issued };
    let mut passed = 0;
    while passes(&gate).await {
        passed += 1;
    }
    assert_eq!((passed, used(&gate.app).await), (70, 100));
}

#[tokio::test]
async fn what_nobody_uses_is_given_back_and_the_portal_agrees_with_the_headers() {
    let gate = Gate::open().await;
    quota(&gate, 1000, "day").await;
    let mut last = gate.get(PATH).await;
    for _ in 0..40 {
        last = gate.get(PATH).await;
    }
    let mut told = None;
    for _ in 0..600 {
        if used(&gate.app).await == 41 {
            told =
                Some(quotas::of_application(&gate.app.ctx, &gate.member, gate.issued.key.application).await.unwrap());
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let told = *told.expect("it was not given back").values().next().unwrap();
    assert_eq!((told.used, told.remaining(), told.resets_at), (41, 959, datetime!(2026-11-25 0:00 UTC)));
    assert_eq!(last.header("x-ratelimit-remaining"), "959");
    assert!(gate.get(PATH).await.header("ratelimit").starts_with("\"bronze-day\";r=958;"));
}

#[tokio::test]
async fn a_call_must_pass_every_limit_or_is_charged_for_none() {
    let gate = Gate::open().await;
    plan(&gate.app, Some((10, "day")), Some((6, "day", 6))).await;
    let rate = |count: u32| json!({ "rate": { "count": count, "per": "day", "burst": count } });
    let operations = json!([
        { "method": "GET", "path": "/a", "limit": rate(2) },
        { "method": "GET", "path": "/{other}", "limit": { "quota": { "count": 3, "per": "month" } } },
    ]);
    policies(&gate, &json!({ "limit": rate(5), "operation_limits": operations })).await;

    let answer = gate.get(PATH).await;
    assert_eq!(
        answer.header("ratelimit"),
        "\"bronze\";r=5;t=14400, \"bronze-day\";r=9;t=43200, \"api\";r=4;t=17280, \"GET /a\";r=1;t=43200"
    );
    assert_eq!(answer.header("x-ratelimit-remaining"), "1", "the tightest");
    assert!(passes(&gate).await);
    for _ in 0..10 {
        let refused = gate.get(PATH).await;
        assert_refused(&refused, 429, "900802");
        assert_eq!(refused.header("retry-after"), "43200");
        assert!(refused.header("ratelimit").starts_with("\"bronze\";r=4;t=28800, \"bronze-day\";r=8;"), "{refused:?}");
    }
    // Another operation has its own limit, and may still use the three calls that the API has left.
    for _ in 0..3 {
        assert_eq!(gate.get("/shop/pets/v1/b").await.status, 200);
    }
    assert_refused(&gate.get("/shop/pets/v1/b").await, 429, "900800");
    assert_refused(&gate.get("/shop/pets/v1/c/d").await, 429, "900800");
    policies(&gate, &json!({ "operation_limits": operations })).await;
    assert_refused(&gate.get("/shop/pets/v1/b").await, 429, "900802");
    assert_refused(&gate.get("/shop/pets/v1/c/d").await, 429, "900802");
    assert_eq!(gate.get("/shop/pets/v1").await.status, 200, "no limited operation has this path");
    assert_refused(&gate.get("/shop/pets/v1").await, 429, "900804");
    assert_eq!(gate.upstream.seen().len(), 6);
}

#[tokio::test]
async fn all_callers_share_the_limit_of_an_api_and_those_without_a_credential_too() {
    let gate = Gate::open().await;
    plan(&gate.app, None, None).await;
    policies(&gate, &json!({ "limit": { "quota": { "count": 3, "per": "day" } } })).await;
    let other = key(&gate.app, &make::developer(&gate.app, "bob").await, "pets", "first").await;
    assert!(passes(&gate).await);
    assert_eq!(gate.get_with(PATH, other.secret.expose()).await.header("ratelimit"), "\"api-day\";r=1;t=43200");
    gate.app.pool().execute("update apis set takes_api_key = false, takes_bearer = false").await.unwrap();
    gate.app.settle().await;
    assert_eq!(http::get(&gate.url(PATH), &[]).await.status, 200);
    assert_refused(&http::get(&gate.url(PATH), &[]).await, 429, "900800");
}

#[tokio::test]
async fn a_call_counts_for_every_operation_that_a_backend_could_take_it_for() {
    let gate = Gate::open().await;
    plan(&gate.app, None, None).await;
    let limit = json!({ "quota": { "count": 2, "per": "day" } });
    let operations = json!([{ "method": "GET", "path": "/a/{id}", "limit": limit }]);
    policies(&gate, &json!({ "operation_limits": operations })).await;
    assert_eq!(gate.get("/shop/pets/v1/A/1/").await.status, 200);
    let key = [("api-key", gate.key())];
    assert_eq!(http::send(Method::HEAD, &gate.url("/shop/pets/v1/a%2F1"), &key, "").await.status, 200);
    assert_refused(&gate.get("/shop/pets/v1//a/1").await, 429, "900802");
    let overridden = [("api-key", gate.key()), ("x-http-method-override", "GET")];
    let answer = http::send(Method::POST, &gate.url("/shop/pets/v1/a/1"), &overridden, "").await;
    assert_refused(&answer, 429, "900802");
    assert_eq!(gate.get("/shop/pets/v1/b/1").await.status, 200);
}

#[tokio::test]
async fn a_backends_failure_says_where_the_caller_stands_and_counts() {
    let upstream = Upstream::answering(|_| {
        let mut response = Response::new(Full::from("broken"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.headers_mut().insert("ratelimit", "\"theirs\";r=1;t=1".parse().unwrap());
        response
    });
    let gate = Gate::over(upstream.await, |_| {}).await;
    plan(&gate.app, Some((2, "day")), Some((10, "day", 10))).await;
    let answer = gate.get(PATH).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-remaining")), (500, "1"));
    assert!(!answer.header("ratelimit").contains("theirs"));
    make::publish(&gate.app, &crate::gateway::pets(&[("1.0", "published", "http://127.0.0.1:1")])).await;
    let answer = gate.get(PATH).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-remaining")), (502, "0"));
    assert_refused(&gate.get(PATH).await, 429, "900804");
}

#[tokio::test]
async fn without_the_database_calls_in_hand_go_on_and_others_are_refused_or_estimated_as_configured() {
    for (choice, passing, fallback) in [(OnFailure::Refuse, 0, "refused"), (OnFailure::Estimate, 9, "estimated")] {
        let gate = Gate::over(Upstream::start().await, |config| config.gateway.quota_on_failure = choice).await;
        quota(&gate, 10, "day").await;
        assert!(passes(&gate).await, "it takes one call from the database");
        gate.app.pool().execute("alter table quota_periods rename to away").await.unwrap();
        let mut passed = 0;
        for _ in 0..12 {
            let answer = gate.get(PATH).await;
            match answer.status.as_u16() {
                200 => passed += 1,
                503 => assert_refused(&answer, 503, "900801"),
                _ => assert_refused(&answer, 429, "900804"),
            }
        }
        assert_eq!(passed, passing, "{choice:?}: as many as were left, or none");
        let metrics = gate.app.app.gateway().metrics().render();
        assert!(metrics.contains("portico_gateway_quota_ledger_away 1"), "{metrics}");
        let counted = format!("portico_gateway_quota_fallbacks_total{{outcome=\"{fallback}\"}} 0");
        assert!(!metrics.contains(&counted), "{metrics}");

        gate.app.pool().execute("alter table away rename to quota_periods").await.unwrap();
        for _ in 0..600 {
            if gate.app.app.gateway().metrics().render().contains("quota_ledger_away 0") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        match choice {
            OnFailure::Refuse => assert!(passes(&gate).await, "it is counted again"),
            OnFailure::Estimate => assert_refused(&gate.get(PATH).await, 429, "900804"),
        }
        assert!(used(&gate.app).await <= 10);
    }
}
