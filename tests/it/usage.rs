//! Usage: what the gateway counted becomes rows.

use crate::support::app::TestApp;
use portico::base::environment::Environment;
use portico::base::id::{ApiId, ApiKeyId, ApplicationId};
use portico::base::tally::{Credential, Tally, TallyKey};
use portico::base::version::Version;
use portico::domain::usage::record as usage;
use time::macros::datetime;
use uuid::Uuid;

fn key(number: u128, credential: Credential) -> TallyKey {
    TallyKey {
        minute: datetime!(2026-11-24 12:00 UTC),
        api: ApiId(Uuid::from_u128(number)),
        version: Version { major: 1, minor: 10 },
        application: (credential != Credential::None).then(|| ApplicationId(Uuid::from_u128(7))),
        credential,
        environment: Environment::Sandbox,
        status_class: 2,
    }
}

const ONE: Tally = Tally { requests: 1, request_bytes: 10, response_bytes: 100, duration_us: 1000 };

async fn record(app: &TestApp, batch: &[(TallyKey, Tally)]) {
    let mut tx = app.ctx.db.begin().await.unwrap();
    usage::batch(&mut tx, batch).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn batches_add_up_in_the_minute_they_belong_to() {
    let app = TestApp::start().await;
    record(&app, &[]).await;
    let batch: Vec<_> = [
        Credential::None,
        Credential::ApiKey(ApiKeyId(Uuid::from_u128(9))),
        Credential::Client("AAAAAAAAAAAAAAAAAAAAAAAA".into()),
    ]
    .map(|credential| (key(1, credential), ONE))
    .to_vec();
    record(&app, &batch).await;
    // The same key twice in one batch counts twice, and breaks nothing.
    record(&app, &[batch[0].clone(), batch[0].clone()]).await;
    let rows: Vec<(String, String, Uuid, i64, i64, i64, i64)> = sqlx::query_as(
        "select credential, version, application_id, requests, request_bytes, response_bytes, duration_us
         from usage_minutes
         order by credential",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    let application = Uuid::from_u128(7);
    let expected = [
        (String::new(), Uuid::nil(), 3),
        (Uuid::from_u128(9).to_string(), application, 1),
        ("AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(), application, 1),
    ];
    let expected = expected
        .map(|(credential, application, n)| (credential, "1.10".to_owned(), application, n, 10 * n, 100 * n, 1000 * n));
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn nodes_that_write_the_same_minutes_in_any_order_do_not_deadlock() {
    let app = TestApp::start().await;
    let mut forwards: Vec<_> = (1..=500).map(|n| (key(n, Credential::None), ONE)).collect();
    let backwards: Vec<_> = forwards.iter().rev().cloned().collect();
    forwards.rotate_left(123);
    for _ in 0..10 {
        tokio::join!(record(&app, &forwards), record(&app, &backwards), record(&app, &forwards));
    }
    let requests: i64 =
        sqlx::query_scalar("select sum(requests)::bigint from usage_minutes").fetch_one(app.pool()).await.unwrap();
    assert_eq!(requests, 500 * 30);
}
