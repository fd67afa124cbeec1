//! `POST /oauth2/token`: hands the request to the domain and its answer back, as RFC 6749 §5 has it.

use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grants::{self, Answer};
use crate::domain::oauth::mint::Issued;
use crate::domain::oauth::request::{RawRequest, TokenRequest};
use crate::web::client_ip::ClientIp;
use crate::web::layer::request_log;
use crate::web::state::PortalState;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::time::Duration;

/// Bytes a request may have: more than any grant needs.
const LARGEST_BODY: usize = 64 * 1024;
/// How long a client may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) async fn token(
    State(state): State<PortalState>,
    ClientIp(from): ClientIp,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let body = match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, LARGEST_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_too_large)) => return refused(Refusal::TooLarge),
        Err(_elapsed) => return refused(Refusal::TooSlow),
    };
    let request = TokenRequest::parse(&RawRequest {
        query: head.uri.query(),
        content_type: head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes),
        authorization: head.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect(),
        body: &body,
    });
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return refused(refusal),
    };
    match grants::token(&state.ctx, &state.issuer, &request, from).await {
        Ok(Answer::Issued(issued)) => granted(&issued),
        Ok(Answer::Refused(refusal)) => refused(refusal),
        Err(error) => {
            let id = request_log::id_of(&head.extensions);
            tracing::error!(request.id = id, %error, "request {id} for a token failed inside");
            let body = json!({ "error": "server_error", "error_description": "The server failed. Try again later." });
            json(StatusCode::INTERNAL_SERVER_ERROR, &body)
        }
    }
}

/// RFC 6749 §3.2: only POST.
pub(super) async fn method_not_allowed() -> Response {
    let mut response = refused(Refusal::InvalidRequest("Use the method POST."));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

fn granted(issued: &Issued) -> Response {
    let body = json!({
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    });
    json(StatusCode::OK, &body)
}

fn refused(refusal: Refusal) -> Response {
    let status = match refusal {
        Refusal::InvalidClient => StatusCode::UNAUTHORIZED,
        Refusal::TooManyFailures(_) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Refusal::InvalidRequest(_)
        | Refusal::UnauthorizedClient
        | Refusal::UnsupportedGrantType
        | Refusal::InvalidScope => StatusCode::BAD_REQUEST,
    };
    let mut response = json(status, &json!({ "error": refusal.code(), "error_description": refusal.description() }));
    match refusal {
        Refusal::InvalidClient => {
            let challenge = HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        Refusal::TooManyFailures(wait) => {
            // Rounded up: a client that waits exactly so long must find the gate open.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        _ => {}
    }
    response
}

/// RFC 6749 §5.1: never stored. JSON whatever `Accept` says: the reader is a program.
fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    (status, headers, body.to_string()).into_response()
}
