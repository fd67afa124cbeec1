//! Health, readiness and metrics, on their own listener.

mod health;
mod metrics;

use axum::Router;
use axum::routing::get;
use std::sync::Arc;

/// What the probes ask.
#[derive(Clone)]
pub struct Probes {
    /// Whether requests may be sent to the instance, or why not.
    pub ready: Arc<dyn Fn() -> Result<(), &'static str> + Send + Sync>,
    /// The metrics, as Prometheus text.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// The operations router.
pub fn router(probes: Probes) -> Router {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .with_state(probes)
}
