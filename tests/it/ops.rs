//! The operations listener: health, readiness, metrics, and nothing else.

use crate::support::app::TestApp;
use crate::support::http::{get, send};
use http::Method;
use portico::web::ops::{Probes, router};
use std::sync::Arc;
use tower::ServiceExt as _;

#[tokio::test]
async fn a_running_instance_is_alive_ready_and_measured() {
    let app = TestApp::start().await;
    let at = |path: &str| format!("http://{}{path}", app.app.operations);
    assert_eq!(get(&at("/health"), &[]).await.status, 200);
    let ready = get(&at("/ready"), &[]).await;
    assert_eq!((ready.status.as_u16(), ready.text().as_str()), (200, "ready\n"));
    let metrics = get(&at("/metrics"), &[]).await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.text().ends_with("# EOF\n"), "{}", metrics.text());
    assert_eq!(metrics.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    for path in ["/", "/healthz", "/sign-in", "/oauth2/token", "/oauth2/jwks", "/metrics/x"] {
        assert_eq!(get(&at(path), &[]).await.status, 404, "{path}");
    }
    assert_eq!(send(Method::POST, &at("/health"), &[], "").await.status, 405);
}

#[tokio::test]
async fn an_instance_without_a_route_table_is_alive_and_says_why_it_is_not_ready() {
    let probes = Probes { ready: Arc::new(|| Err("no route table yet")), metrics: Arc::new(String::new) };
    let ask = async |path: &str| {
        let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let answer = router(probes.clone()).oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1000).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    assert_eq!(ask("/health").await.0, 200);
    assert_eq!(ask("/ready").await, (503, "no route table yet\n".to_owned()));
}

#[tokio::test]
async fn the_portal_and_the_operations_listener_share_no_page() {
    let app = TestApp::start().await;
    for path in ["/health", "/ready", "/metrics"] {
        assert_eq!(get(&app.portal(path), &[]).await.status, 404, "{path}");
    }
}
