//! `GET /health` and `GET /ready`, for whoever restarts and balances.

use crate::web::ops::Probes;
use axum::extract::State;
use axum::http::StatusCode;

/// 200 as long as the process answers at all: a restart would help against nothing that it could report.
pub(super) async fn health() -> &'static str {
    "alive\n"
}

/// 200 when requests may be sent here, or 503 with the reason.
pub(super) async fn ready(State(probes): State<Probes>) -> (StatusCode, String) {
    match (probes.ready)() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}
