//! `GET /metrics`, for Prometheus.

use crate::web::ops::Probes;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

/// The content type of the text format in which the registry is written.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn metrics(State(probes): State<Probes>) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, TEXT)], (probes.metrics)())
}
