//! What is left of calls in the database: every one, once, whatever happens to the database meanwhile.

use crate::gateway::{Gate, key, key_in, pets};
use crate::support::scoped::Zoo;
use crate::support::upstream::{Seen, Upstream};
use crate::support::{app::TestApp, db, http, make};
use ::http::{Method, Response, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use portico::base::environment::Environment;
use portico::domain::credentials::clients;
use portico::infra::db::Db;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use std::collections::BTreeMap;
use std::time::Duration;
use time::macros::datetime;

const PATH: &str = "/shop/pets/v1/cats";

/// A gate over a database that can still be asked when the gate is gone.
async fn gate() -> (Gate, PgConnectOptions) {
    let options = db::fresh().await;
    let app = TestApp::start_unready(&options, |_| {}).await;
    app.app.ready().await;
    (Gate::around(app, Upstream::start().await).await, options)
}

/// Calls so often; each must be let through.
async fn call(gate: &Gate, times: usize) {
    for _ in 0..times {
        assert_eq!(gate.get(PATH).await.status, 200);
    }
}

async fn counted(pool: &PgPool) -> i64 {
    let all = "select coalesce(sum(requests), 0)::bigint from usage_minutes";
    sqlx::query_scalar(all).fetch_one(pool).await.unwrap()
}

async fn counted_in(options: PgConnectOptions) -> i64 {
    let db = Db::connect(options, 1).await.unwrap();
    let counted = counted(db.pool()).await;
    db.close().await;
    counted
}

/// Waits until a question to the database is answered with a number above zero.
async fn until(conn: &mut PgConnection, question: &str) {
    for _ in 0..2000 {
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(question.to_owned())).fetch_one(&mut *conn).await.unwrap();
        if found > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited too long for {question}");
}

/// Waits until usage could not be written once at least.
async fn until_failed(gate: &Gate) {
    let metrics = gate.app.app.gateway().metrics();
    for _ in 0..2000 {
        if !metrics.render().contains("portico_gateway_usage_failures_total 0\n") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("usage was written all the time");
}

/// Answers with the status that the path ends in, if it does.
fn answer(seen: &Seen) -> Response<Full<Bytes>> {
    let status = seen.target.rsplit('/').next().and_then(|last| last.parse().ok()).unwrap_or(200);
    let mut response = Response::new(Full::from("hello"));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

#[tokio::test]
async fn as_many_calls_are_found_as_were_made_by_all_that_tells_them_apart() {
    let options = db::fresh().await;
    let app = TestApp::start_unready(&options, |config| config.gateway.threads = 3).await;
    app.app.ready().await;
    let upstream = Upstream::answering(answer).await;
    let zoo = Zoo::around(app, upstream).await;
    let app = &zoo.app;
    let mut keys = Vec::new();
    for (environment, name) in
        [(Environment::Production, "one"), (Environment::Production, "two"), (Environment::Sandbox, "three")]
    {
        let issued = key_in(app, &zoo.member, ("zoo", None), environment, name).await;
        keys.push((environment, issued.key.id.to_string(), ("api-key", issued.secret.expose().to_owned())));
    }
    let other = keys.last().map(|(_, id, _)| id.clone()).unwrap();
    for environment in [Environment::Production, Environment::Sandbox] {
        let (id, secret) = match environment {
            Environment::Production => (zoo.client.clone(), None),
            Environment::Sandbox => {
                let issued = clients::generate(&app.ctx, &zoo.member, zoo.application, environment).await.unwrap();
                app.settle().await;
                (issued.client.id, Some(issued.secret.expose().to_owned()))
            }
        };
        let scope = [("scope", "zoo:read zoo:write")];
        let answer = match &secret {
            None => zoo.ask(&scope).await,
            Some(secret) => zoo.ask_as((&id, secret), &scope).await,
        };
        let token = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
        keys.push((environment, id, ("authorization", token)));
    }

    let mut wanted: BTreeMap<(String, String, String, i16), i64> = BTreeMap::new();
    let mut calls = Vec::new();
    for (environment, id, (header, value)) in &keys {
        for (method, path, class, operation) in [
            (Method::GET, "/animals", 2, "GET /animals"),
            (Method::HEAD, "/animals", 2, "GET /animals"),
            (Method::POST, "/animals", 2, "POST /animals"),
            (Method::GET, "/animals/leo", 2, "GET /animals/{name}"),
            (Method::GET, "/animals/404", 4, "GET /animals/{name}"),
            (Method::GET, "/animals/503", 5, "GET /animals/{name}"),
            (Method::GET, "/animals/mine", 2, "GET /animals/mine"),
            (Method::GET, "/elsewhere/302", 3, ""),
        ] {
            let times = 2 + i64::from(class % 3);
            let place = (id.clone(), environment.as_str().to_owned(), operation.to_owned(), class);
            *wanted.entry(place).or_default() += times;
            let url = app.gateway(*environment, &format!("/parks/zoo/v1{path}"));
            for _ in 0..times {
                let (method, url, value) = (method.clone(), url.clone(), value.clone());
                calls.push(async move { http::send(method, &url, &[(*header, &value)], "").await });
            }
        }
    }
    let total = calls.len();
    futures_util::future::join_all(calls).await;
    // Nobody's: refused, and still one of this version's calls.
    let refused = http::get(&app.gateway(Environment::Production, "/parks/zoo/v1/animals"), &[]).await;
    assert_eq!(refused.status, 401);
    wanted.insert((String::new(), "production".to_owned(), "GET /animals".to_owned(), 4), 1);
    assert!(wanted.keys().any(|(id, ..)| *id == other));
    zoo.app.app.drain().await;

    let db = Db::connect(options, 1).await.unwrap();
    let rows: Vec<(String, String, String, i16, i64, i64)> = sqlx::query_as(
        "select credential, environment, operation, status_class, sum(requests)::bigint,
             sum((select sum(e >> 8) from unnest(latency) e))::bigint
         from usage_minutes
         where version = '1.0'
         group by 1, 2, 3, 4",
    )
    .fetch_all(db.pool())
    .await
    .unwrap();
    assert_eq!(counted(db.pool()).await, i64::try_from(total).unwrap() + 1);
    for (credential, environment, operation, class, requests, timed) in rows {
        assert_eq!(requests, timed, "{operation}");
        let place = (credential, environment, operation, class);
        assert_eq!(wanted.remove(&place), Some(requests), "{place:?}");
    }
    assert!(wanted.is_empty(), "{wanted:?}");
    let last: Vec<Option<time::OffsetDateTime>> =
        sqlx::query_scalar("select last_used_at from api_keys union all select last_used_at from clients")
            .fetch_all(db.pool())
            .await
            .unwrap();
    assert_eq!(last, [Some(datetime!(2026-11-24 12:00 UTC)); 5]);
}

#[tokio::test]
async fn a_slow_database_slows_no_call_and_gets_every_call_once() {
    let (gate, options) = gate().await;
    call(&gate, 3).await;
    let mut outside = PgConnection::connect_with(&options).await.unwrap();
    let mut lock = outside.begin().await.unwrap();
    lock.execute("lock table usage_minutes in access exclusive mode").await.unwrap();
    // What is being written waits for the lock.
    let waits = "select count(*) from pg_locks where not granted and relation = 'usage_minutes'::regclass";
    until(&mut lock, waits).await;
    call(&gate, 5).await;
    // The answer to what is being written is lost.
    let kill =
        "select pg_terminate_backend(pid) from pg_locks where not granted and relation = 'usage_minutes'::regclass";
    lock.execute(kill).await.unwrap();
    until_failed(&gate).await;
    until(&mut lock, waits).await;
    call(&gate, 7).await;
    lock.rollback().await.unwrap();
    let mut outside = PgConnection::connect_with(&options).await.unwrap();
    until(&mut outside, "select coalesce((sum(requests) = 15)::int, 0)::bigint from usage_minutes").await;
    gate.app.app.drain().await;
    assert_eq!(counted_in(options).await, 15);
}

#[tokio::test]
async fn what_is_counted_while_the_database_is_away_is_written_when_it_is_back() {
    let (gate, options) = gate().await;
    call(&gate, 4).await;
    let mut admin = db::admin().await;
    let database = options.get_database().unwrap().to_owned();
    admin.execute(AssertSqlSafe(format!("alter database {database} allow_connections false"))).await.unwrap();
    let kill = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'");
    admin.execute(AssertSqlSafe(kill)).await.unwrap();
    call(&gate, 6).await;
    until_failed(&gate).await;
    call(&gate, 2).await;
    admin.execute(AssertSqlSafe(format!("alter database {database} allow_connections true"))).await.unwrap();
    gate.app.app.drain().await;
    assert_eq!(counted_in(options).await, 12);
}

#[tokio::test]
async fn a_credential_was_last_used_in_the_minute_of_its_last_call() {
    let (gate, options) = gate().await;
    let idle = key(&gate.app, &gate.member, "pets", "idle").await;
    call(&gate, 1).await;
    gate.app.clock.advance(time::Duration::seconds(185));
    call(&gate, 1).await;
    let (used, unused) = (gate.issued.key.id, idle.key.id);
    gate.app.app.drain().await;
    let db = Db::connect(options, 1).await.unwrap();
    let last: Vec<(uuid::Uuid, Option<time::OffsetDateTime>)> =
        sqlx::query_as("select id, last_used_at from api_keys").fetch_all(db.pool()).await.unwrap();
    let last: BTreeMap<_, _> = last.into_iter().collect();
    assert_eq!(last[&used.0], Some(datetime!(2026-11-24 12:03 UTC)));
    assert_eq!(last[&unused.0], None);
    let minutes: Vec<time::OffsetDateTime> =
        sqlx::query_scalar("select minute from usage_minutes order by 1").fetch_all(db.pool()).await.unwrap();
    assert_eq!(minutes, [datetime!(2026-11-24 12:00 UTC), datetime!(2026-11-24 12:03 UTC)]);
}

#[tokio::test]
async fn operations_are_named_as_the_definition_says_at_the_moment() {
    let (gate, options) = gate().await;
    let manifest = |path: &str| {
        let dir = db::scratch(&format!("usage-{path}"));
        let definition = format!(
            "openapi: 3.1.0\ninfo: {{title: Pets, version: '1'}}\npaths:\n  /cats: {{get: {{responses: {{}}}}}}\n  /{path}: {{get: {{responses: {{}}}}}}\n"
        );
        std::fs::write(dir.join("pets.yaml"), definition).unwrap();
        let text = pets(&[("1.0", "published", &gate.upstream.url("/base"))]);
        std::fs::write(
            dir.join("portico.yaml"),
            text.replace("state: published,", "state: published, openapi: pets.yaml,"),
        )
        .unwrap();
        dir.join("portico.yaml")
    };
    let paths = ["dogs", "birds"];
    call(&gate, 1).await;
    for path in paths {
        let applied = portico::domain::publishing::apply::apply_path(&gate.app.ctx, &manifest(path)).await;
        applied.unwrap_or_else(|e| panic!("{e:?}"));
        gate.app.settle().await;
        call(&gate, 1).await;
        for path in paths {
            assert_eq!(gate.get(&format!("/shop/pets/v1/{path}")).await.status, 200);
        }
    }
    // Nothing else of the definition is read, and nothing is forgotten, when another API changes.
    make::publish(
        &gate.app,
        &pets(&[("1.0", "published", "http://127.0.0.1:1")]).replace("name: pets", "name: x").replace("shop/pets", "x"),
    )
    .await;
    call(&gate, 1).await;
    gate.app.app.drain().await;
    let db = Db::connect(options, 1).await.unwrap();
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select operation, sum(requests)::bigint from usage_minutes group by operation order by operation",
    )
    .fetch_all(db.pool())
    .await
    .unwrap();
    let wanted = [("", 3), ("GET /birds", 1), ("GET /cats", 3), ("GET /dogs", 1)];
    assert_eq!(rows, wanted.map(|(operation, requests)| (operation.to_owned(), requests)));
}
