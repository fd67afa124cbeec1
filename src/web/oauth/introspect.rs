//! `POST /oauth2/introspect` (RFC 7662). No page of another origin may read the answer: it is for servers with a secret.

use crate::domain::oauth::introspect::{self, Introspection};
use crate::web::client_ip::ClientIp;
use crate::web::oauth::{answer, read};
use crate::web::state::PortalState;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use serde_json::json;

pub(super) async fn introspect(
    State(state): State<PortalState>,
    ClientIp(from): ClientIp,
    request: Request<Body>,
) -> Response {
    let (head, request) = read::form(request).await;
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return answer::refused(refusal),
    };
    match introspect::introspect(&state.ctx, &state.issuer, &request, from).await {
        Ok(Ok(Introspection::Active(active))) => answer::json(StatusCode::OK, &json!(active)),
        Ok(Ok(Introspection::Inactive)) => answer::json(StatusCode::OK, &json!({ "active": false })),
        Ok(Err(refusal)) => answer::refused(refusal),
        Err(error) => answer::failed(&head, &error),
    }
}
