//! `POST /oauth2/revoke` (RFC 7009).

use crate::domain::oauth::revoke;
use crate::web::client_ip::ClientIp;
use crate::web::oauth::cors::Readers;
use crate::web::oauth::{answer, cors, read};
use crate::web::state::PortalState;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;

pub(super) async fn revoke(
    State(state): State<PortalState>,
    ClientIp(from): ClientIp,
    request: Request<Body>,
) -> Response {
    let (head, request) = read::form(request).await;
    let response = match request {
        Err(refusal) => answer::refused(refusal),
        Ok(request) => match revoke::revoke(&state.ctx, &state.issuer, &request, from).await {
            Ok(Ok(())) => answer::nothing(),
            Ok(Err(refusal)) => answer::refused(refusal),
            Err(error) => answer::failed(&head, &error),
        },
    };
    // "Done" says nothing about anybody either.
    cors::open(&state, &head.headers, Readers::All, response).await
}
