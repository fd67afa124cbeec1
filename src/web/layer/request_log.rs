//! One event a request. It names the route, not the path: paths carry one-time tokens, queries carry searches.

use crate::web::state::PortalState;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Instant;

/// The request's id: in the log, in the answer's `x-request-id`, and on the page of an internal error.
#[derive(Clone, Debug)]
struct RequestId(String);

/// Gives the request an id, and logs how it ended.
pub async fn layer(State(state): State<PortalState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = crate::base::secret::base62(&state.ctx.random, 12);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    tracing::info!(
        request.id = id,
        http.method = %method,
        http.route = route,
        http.status = status,
        duration_ms = format_args!("{duration_ms:.1}"),
        "{method} {route} answered {status}"
    );
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// The id, for whoever logs more about the request.
pub fn id_of(extensions: &Extensions) -> String {
    extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}
