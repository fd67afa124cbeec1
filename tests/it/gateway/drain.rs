//! Stopping: nothing in flight is lost, nothing new is taken, and what was counted is written.

use crate::gateway::{Gate, pets};
use crate::support::raw::{self, Wire};
use crate::support::upstream::Upstream;
use crate::support::{app::TestApp, db, http, make};
use ::http::Method;
use portico::base::environment::Environment;
use portico::infra::db::Db;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::Notify;

const PATH: &str = "/shop/pets/v1/cats";

#[tokio::test]
async fn a_request_in_flight_is_answered_and_no_further_one_is_taken() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes) = (Arc::clone(&begun), Arc::clone(&go));
    let backend = raw::backend(move |mut wire, _| {
        let (begins, goes) = (Arc::clone(&begins), Arc::clone(&goes));
        async move {
            wire.head().await;
            begins.notify_one();
            goes.notified().await;
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone").await;
            wire.rest().await;
        }
    })
    .await;
    let gate = Gate::open().await;
    make::publish(&gate.app, &pets(&[("1.0", "published", &format!("http://{backend}"))])).await;
    let address = raw::address(&gate.url(""));
    let mut idle = Wire::open(address).await;
    idle.send("GET /nowhere HTTP/1.1\r\nhost: gw\r\n\r\n").await;
    idle.until("}").await;
    let mut client = Wire::open(address).await;
    client.send(format!("GET {PATH} HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\n\r\n", gate.key())).await;
    begun.notified().await;

    let draining = tokio::spawn(gate.app.app.drain());
    assert_eq!(idle.rest().await, "", "an idle connection is closed");
    // The listeners close at the same time as the idle connection, in no certain order.
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(raw::PATIENCE, refused).await.expect("new connections are still taken");
    go.notify_one();
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    draining.await.unwrap();
}

#[tokio::test]
async fn every_call_is_counted_once_with_its_caller_and_its_size() {
    let options = db::fresh().await;
    let app = TestApp::start_unready(&options, |_| {}).await;
    app.app.ready().await;
    let gate = Gate::around(app, Upstream::start().await).await;
    for _ in 0..3 {
        let answer = http::send(Method::POST, &gate.url(PATH), &[("api-key", gate.key())], "12345678").await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(http::get(&gate.url(PATH), &[("api-key", "wrong")]).await.status, 401);
    assert_eq!(http::get(&gate.url("/nowhere"), &[]).await.status, 404);
    let (application, id) = (gate.issued.key.application, gate.issued.key.id);
    // An answer is counted when its last byte is sent, which its reader may see first.
    let metrics = gate.app.app.gateway().metrics();
    gate.app.app.drain().await;
    let metrics = metrics.render();
    for line in [
        r#"portico_gateway_requests_total{environment="production",status="2xx"} 3"#,
        r#"portico_gateway_requests_total{environment="production",status="4xx"} 2"#,
        r#"portico_gateway_refusals_total{environment="production",reason="malformed_key"} 1"#,
        "portico_gateway_in_flight 0",
        "portico_gateway_duration_seconds_count 5",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }

    let db = Db::connect(options, 1).await.unwrap();
    let rows: Vec<(uuid::Uuid, String, String, i16, i64, i64, i64)> = sqlx::query_as(
        "select application_id, credential, environment, status_class, requests, request_bytes, response_bytes
         from usage_minutes order by status_class",
    )
    .fetch_all(db.pool())
    .await
    .unwrap();
    let production = Environment::Production.as_str().to_owned();
    let problem = rows[1].6;
    assert_eq!(
        rows,
        [
            (application.0, id.to_string(), production.clone(), 2, 3, 24, 15),
            (uuid::Uuid::nil(), String::new(), production, 4, 1, 0, problem),
        ]
    );
    let used: (Option<time::OffsetDateTime>,) =
        sqlx::query_as("select last_used_at from api_keys").fetch_one(db.pool()).await.unwrap();
    assert_eq!(used.0, Some(time::macros::datetime!(2026-11-24 12:00 UTC)));
}

#[tokio::test]
async fn while_it_stops_it_says_that_it_is_not_ready_and_serves_on() {
    let gate = Gate::over(Upstream::start().await, |config| config.operations.withdraw_seconds = 1).await;
    let ready = format!("http://{}/ready", gate.app.app.operations);
    let (url, key) = (gate.url(PATH), gate.key().to_owned());
    assert_eq!(http::get(&ready, &[]).await.status, 200);
    let draining = tokio::spawn(gate.app.app.drain());
    let withdrawn = async {
        loop {
            let answer = http::get(&ready, &[]).await;
            if answer.status == 503 {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(raw::PATIENCE, withdrawn).await.expect("it still says that it is ready");
    assert!(answer.text().contains("stopping"), "{}", answer.text());
    assert_eq!(http::get(&url, &[("api-key", &key)]).await.status, 200, "what still arrives is served");
    draining.await.unwrap();
}
