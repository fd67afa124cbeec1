//! The job that removes what has ended: never what a second use is recognised by, and never so that gateways hear of it.

use crate::oauth::code_flow::{allow, code, redeem};
use crate::oauth::{Registered, assert_refused, refresh_token, register};
use crate::support::app::TestApp;
use crate::support::make;
use portico::base::environment::Environment;
use portico::domain::accounts::model::Member;
use portico::domain::oauth::sweep::sweep;
use time::Duration;

async fn arrange() -> (TestApp, Registered, Member) {
    let app = TestApp::start().await;
    let client = register(&app, Environment::Sandbox).await;
    allow(&app, &client, |_| {}).await;
    let bob = make::member(&app, "bob", &[]).await;
    (app, client, bob)
}

/// Rows of grants, codes, refresh tokens and revocations.
async fn rows(app: &TestApp) -> [i64; 4] {
    let mut counts = [0; 4];
    let tables = ["grants", "authorization_codes", "refresh_tokens", "revocations"];
    for (count, table) in counts.iter_mut().zip(tables) {
        let select = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        *count = sqlx::query_scalar(select).fetch_one(app.pool()).await.unwrap();
    }
    counts
}

#[tokio::test]
async fn rt_2_code_3_what_a_second_use_is_recognised_by_stays_as_long_as_the_grant_can_be_refreshed() {
    let (app, client, bob) = arrange().await;
    let (first, second) = (code(&app, &client, &bob, &[]).await, code(&app, &client, &bob, &[]).await);
    let stolen = refresh_token(&redeem(&app, &client, &first).await);
    let mut token = refresh_token(&client.refresh(&app, &stolen).await);
    let mut other = refresh_token(&redeem(&app, &client, &second).await);
    for _ in 0..3 {
        app.clock.advance(Duration::hours(23));
        sweep(&app.ctx).await.unwrap();
        token = refresh_token(&client.refresh(&app, &token).await);
        other = refresh_token(&client.refresh(&app, &other).await);
    }
    sweep(&app.ctx).await.unwrap();
    assert_eq!(rows(&app).await, [2, 2, 9, 0]);
    assert_refused(&client.refresh(&app, &stolen).await, 400, "invalid_grant");
    assert_refused(&client.refresh(&app, &token).await, 400, "invalid_grant");
    assert_refused(&redeem(&app, &client, &second).await, 400, "invalid_grant");
    assert_refused(&client.refresh(&app, &other).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_grant_that_can_give_nothing_any_more_goes_without_a_word_to_the_gateways() {
    let (app, client, bob) = arrange().await;
    let idle = code(&app, &client, &bob, &[]).await;
    refresh_token(&redeem(&app, &client, &idle).await);
    code(&app, &client, &bob, &[]).await; // never redeemed
    app.clock.advance(Duration::hours(2));
    sweep(&app.ctx).await.unwrap();
    assert_eq!(rows(&app).await, [1, 1, 1, 0], "the code that nobody redeemed is gone, with its grant");
    let changes = "select count(*) from gateway_changes";
    let before: i64 = sqlx::query_scalar(changes).fetch_one(app.pool()).await.unwrap();
    app.clock.advance(Duration::days(1));
    sweep(&app.ctx).await.unwrap();
    assert_eq!(rows(&app).await, [0, 0, 0, 0]);
    let after: i64 = sqlx::query_scalar(changes).fetch_one(app.pool()).await.unwrap();
    assert_eq!(after, before);
}

#[tokio::test]
async fn an_ended_grant_and_its_revocation_stay_until_the_last_access_token_has_died() {
    let (app, client, bob) = arrange().await;
    let code = code(&app, &client, &bob, &[]).await;
    redeem(&app, &client, &code).await;
    assert_refused(&redeem(&app, &client, &code).await, 400, "invalid_grant");
    app.clock.advance(Duration::minutes(14));
    sweep(&app.ctx).await.unwrap();
    assert_eq!(rows(&app).await, [1, 1, 1, 1]);
    app.clock.advance(Duration::hours(2));
    sweep(&app.ctx).await.unwrap();
    assert_eq!(rows(&app).await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn requests_devices_and_assertions_go_when_their_time_is_over_in_any_number() {
    let (app, client, _) = arrange().await;
    let now = app.clock.now();
    for expires_at in [now, now + Duration::days(1)] {
        for insert in [
            "insert into authorization_requests (digest, client_id, parameters, address, created_at, expires_at)
             select sha256(($1 || n || $2)::bytea), $1, '{}', '', $2, $2 from generate_series(1, 1100) n",
            "insert into device_codes
                 (digest, user_code, client_id, scopes, address, interval_seconds, created_at, expires_at)
             select sha256(($1 || n || $2)::bytea), sha256(($1 || n || $2)::bytea), $1, '{}', '', 5, $2, $2
             from generate_series(1, 1100) n",
            "insert into client_assertions (client_id, jti, expires_at)
             select $1, sha256(($1 || n || $2)::bytea), $2 from generate_series(1, 1100) n",
        ] {
            sqlx::query(insert).bind(&client.id).bind(expires_at).execute(app.pool()).await.unwrap();
        }
    }
    app.clock.advance(Duration::hours(2));
    assert_eq!(sweep(&app.ctx).await.unwrap(), 3300);
    assert_eq!(sweep(&app.ctx).await.unwrap(), 0);
    app.clock.advance(Duration::days(1));
    assert_eq!(sweep(&app.ctx).await.unwrap(), 3300);
}
