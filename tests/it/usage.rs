//! Usage: what the gateway counted becomes rows, each batch once, and rows become totals.

use crate::support::app::TestApp;
use portico::base::environment::Environment;
use portico::base::id::{ApiId, ApiKeyId, ApplicationId};
use portico::base::latency::Latency;
use portico::base::tally::{Batch, Credential, Tally, TallyKey};
use portico::base::version::Version;
use portico::domain::usage::record::Writer;
use portico::domain::usage::{retention, totals};
use sqlx::Executor as _;
use time::OffsetDateTime;
use time::macros::{date, datetime};
use uuid::Uuid;

const APPLICATION: ApplicationId = ApplicationId(Uuid::from_u128(7));
const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

fn key(number: u128, credential: Credential) -> TallyKey {
    TallyKey {
        minute: NOON,
        api: ApiId(Uuid::from_u128(number)),
        version: Version { major: 1, minor: 10 },
        application: (credential != Credential::None).then_some(APPLICATION),
        credential,
        environment: Environment::Sandbox,
        status_class: 2,
        operation: "GET /pets/{id}".into(),
    }
}

/// A call that took so many microseconds.
fn one(us: u64) -> Tally {
    let mut latency = Latency::default();
    latency.record(us);
    Tally { requests: 1, request_bytes: 10, response_bytes: 100, duration_us: us, latency }
}

fn batch(number: u64, rows: &[(TallyKey, Tally)]) -> Batch {
    Batch { number, rows: rows.into() }
}

async fn requests(app: &TestApp) -> i64 {
    let sum = "select coalesce(sum(requests), 0)::bigint from usage_minutes";
    sqlx::query_scalar(sum).fetch_one(app.pool()).await.unwrap()
}

/// Credential, version, application, operation; requests, bytes in and out, microseconds, buckets.
type Written = (String, String, Uuid, String, i64, i64, i64, i64, Vec<i64>);

#[tokio::test]
async fn batches_add_up_in_the_minute_they_belong_to() {
    let app = TestApp::start().await;
    let writer = Writer::default();
    writer.write(&app.ctx, &batch(1, &[])).await.unwrap();
    let rows: Vec<_> = [
        Credential::None,
        Credential::ApiKey(ApiKeyId(Uuid::from_u128(9))),
        Credential::Client("AAAAAAAAAAAAAAAAAAAAAAAA".into()),
    ]
    .map(|credential| (key(1, credential), one(1000)))
    .to_vec();
    writer.write(&app.ctx, &batch(2, &rows)).await.unwrap();
    // The same key twice in one batch counts twice, and breaks nothing.
    let again = [(rows[0].0.clone(), one(70)), (rows[0].0.clone(), one(5000))];
    writer.write(&app.ctx, &batch(3, &again)).await.unwrap();
    writer.write(&app.ctx, &batch(4, &[(rows[0].0.clone(), one(1000))])).await.unwrap();
    let rows: Vec<Written> = sqlx::query_as(
        "select credential, version, application_id, operation, requests, request_bytes, response_bytes, duration_us,
             latency
         from usage_minutes
         order by credential",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    let mut all = one(1000).latency;
    for us in [70, 5000, 1000] {
        all.record(us);
    }
    let expected = [
        (String::new(), Uuid::nil(), 4, 7070, all),
        (Uuid::from_u128(9).to_string(), APPLICATION.0, 1, 1000, one(1000).latency),
        ("AAAAAAAAAAAAAAAAAAAAAAAA".to_owned(), APPLICATION.0, 1, 1000, one(1000).latency),
    ];
    let expected = expected.map(|(credential, application, n, us, latency)| {
        let operation = "GET /pets/{id}".to_owned();
        (credential, "1.10".to_owned(), application, operation, n, 10 * n, 100 * n, us, latency.to_column())
    });
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn a_batch_that_comes_again_counts_once() {
    let app = TestApp::start().await;
    let (writer, other) = (Writer::default(), Writer::default());
    let rows = [(key(1, Credential::None), one(100))];
    for _ in 0..3 {
        writer.write(&app.ctx, &batch(1, &rows)).await.unwrap();
        other.write(&app.ctx, &batch(1, &rows)).await.unwrap();
    }
    assert_eq!(requests(&app).await, 2, "one for each writer");
    writer.write(&app.ctx, &batch(2, &rows)).await.unwrap();
    writer.write(&app.ctx, &batch(1, &rows)).await.unwrap();
    assert_eq!(requests(&app).await, 3);

    // The first attempt still waits for a lock when the second begins.
    let mut lock = app.ctx.db.begin().await.unwrap();
    lock.execute("lock table usage_minutes in exclusive mode").await.unwrap();
    let third = batch(3, &rows);
    let unlock = async {
        let waits = "select count(*) from pg_locks where not granted";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut *lock).await.unwrap() < 2 {
            tokio::task::yield_now().await;
        }
        lock.rollback().await.unwrap();
    };
    let (first, second, ()) = tokio::join!(writer.write(&app.ctx, &third), writer.write(&app.ctx, &third), unlock);
    first.unwrap();
    second.unwrap();
    assert_eq!(requests(&app).await, 4);

    // A writer whose row has gone takes another.
    app.pool().execute("delete from usage_writers").await.unwrap();
    writer.write(&app.ctx, &batch(4, &rows)).await.unwrap();
    writer.write(&app.ctx, &batch(4, &rows)).await.unwrap();
    assert_eq!(requests(&app).await, 5);
}

#[tokio::test]
async fn nodes_that_write_the_same_minutes_in_any_order_do_not_deadlock() {
    let app = TestApp::start().await;
    let mut forwards: Vec<_> = (1..=500).map(|n| (key(n, Credential::None), one(100))).collect();
    let backwards: Vec<_> = forwards.iter().rev().cloned().collect();
    forwards.rotate_left(123);
    let writers = [(); 3].map(|()| Writer::default());
    for number in 1..=10 {
        let (forwards, backwards) = (batch(number, &forwards), batch(number, &backwards));
        let written = tokio::join!(
            writers[0].write(&app.ctx, &forwards),
            writers[1].write(&app.ctx, &backwards),
            writers[2].write(&app.ctx, &forwards),
        );
        assert!(matches!(written, (Ok(()), Ok(()), Ok(()))), "{written:?}");
    }
    assert_eq!(requests(&app).await, 500 * 30);
}

#[tokio::test]
async fn the_totals_of_an_application_are_exact_and_its_percentiles_near() {
    let app = TestApp::start().await;
    let credential = Credential::ApiKey(ApiKeyId(Uuid::from_u128(9)));
    let writer = Writer::default();
    let mut rows = Vec::new();
    // 1 to 100 ms, over two days, several minutes, and two classes.
    for n in 1..=100 {
        let minute = NOON
            + time::Duration::hours(i64::try_from(n % 2).unwrap() * 24)
            + time::Duration::minutes(i64::try_from(n % 7).unwrap());
        let status_class = if n % 10 == 0 { 5 } else { 2 };
        rows.push((TallyKey { minute, status_class, ..key(1, credential.clone()) }, one(n * 1000)));
    }
    rows.push((
        TallyKey { application: Some(ApplicationId(Uuid::from_u128(8))), ..key(1, credential.clone()) },
        one(1),
    ));
    rows.push((TallyKey { minute: datetime!(2026-08-24 23:59 UTC), ..key(1, credential) }, one(1)));
    writer.write(&app.ctx, &batch(1, &rows)).await.unwrap();

    let days = (date!(2020 - 01 - 01), date!(2026 - 11 - 25));
    let found = totals::of_application(&app.ctx, APPLICATION, days).await.unwrap();
    let short: Vec<_> =
        found.iter().map(|t| (t.day, t.requests, t.client_errors, t.server_errors, t.response_bytes)).collect();
    let wanted = [(date!(2026 - 11 - 25), 50, 0, 0, 5000), (date!(2026 - 11 - 24), 50, 0, 10, 5000)];
    assert_eq!(short, wanted, "what is 92 days old or another application's does not count");
    assert_eq!(found[0].environment, Environment::Sandbox);
    for (total, p50, p95) in [(&found[0], 49_000_u64, 95_000_u64), (&found[1], 50_000, 96_000)] {
        for (found, exact) in [(total.p50().unwrap(), p50), (total.p95().unwrap(), p95)] {
            assert!(found.abs_diff(exact) * 12 <= exact, "{found} instead of {exact}");
        }
    }
    let none = totals::of_application(&app.ctx, APPLICATION, (days.1, days.0)).await.unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn usage_goes_after_the_days_that_it_is_kept() {
    let app = TestApp::start().await;
    let writer = Writer::default();
    let old = NOON - time::Duration::days(10) - time::Duration::minutes(1);
    let mut rows: Vec<_> =
        (1..=12_000).map(|n| (TallyKey { minute: old, ..key(n, Credential::None) }, one(100))).collect();
    rows.push((TallyKey { minute: old + time::Duration::minutes(1), ..key(1, Credential::None) }, one(100)));
    writer.write(&app.ctx, &batch(1, &rows)).await.unwrap();
    assert_eq!(retention::sweep(&app.ctx, 11).await.unwrap(), 0);
    assert_eq!(retention::sweep(&app.ctx, 10).await.unwrap(), 24_000, "minutes and hours");
    assert_eq!(requests(&app).await, 1);
    // The writer itself is forgotten after a month of silence, and comes back.
    app.clock.advance(retention::FORGOTTEN + time::Duration::seconds(1));
    assert_eq!(retention::sweep(&app.ctx, 365).await.unwrap(), 1);
    writer.write(&app.ctx, &batch(2, &rows[..1])).await.unwrap();
    assert_eq!(requests(&app).await, 2);
}
