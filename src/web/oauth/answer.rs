//! Answers of the endpoints that programs call: JSON whatever `Accept` says, never stored (RFC 6749 §5).

use crate::base::error::Error;
use crate::base::secret::Plain;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::mint::Issued;
use crate::web::layer::request_log;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::json;

/// Tokens.
pub(super) fn granted(issued: &Issued) -> Response {
    let body = TokenAnswer {
        access_token: &issued.access_token,
        token_type: "Bearer",
        expires_in: issued.expires_in,
        scope: &issued.scope,
        id_token: issued.id_token.as_deref(),
        refresh_token: issued.refresh_token.as_ref().map(Plain::expose),
    };
    json(StatusCode::OK, &body)
}

/// RFC 6749 §5.1, OIDC Core §3.1.3.3.
#[derive(Serialize)]
struct TokenAnswer<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u32,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

/// A refusal in the words of RFC 6749 §5.2.
pub(super) fn refused(refusal: Refusal) -> Response {
    let status = match refusal {
        Refusal::InvalidClient => StatusCode::UNAUTHORIZED,
        Refusal::TooManyFailures(_) | Refusal::TooManyWaiting(_) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::TooManyRevocations(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Refusal::InvalidRequest(_)
        | Refusal::UnauthorizedClient
        | Refusal::UnsupportedGrantType
        | Refusal::InvalidScope
        | Refusal::InvalidTarget
        | Refusal::InvalidGrant(_)
        | Refusal::AuthorizationPending
        | Refusal::SlowDown
        | Refusal::ExpiredToken
        | Refusal::AccessDenied => StatusCode::BAD_REQUEST,
    };
    let mut response = json(status, &json!({ "error": refusal.code(), "error_description": refusal.description() }));
    match refusal {
        Refusal::InvalidClient => {
            let challenge = HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        Refusal::TooManyFailures(wait) | Refusal::TooManyWaiting(wait) | Refusal::TooManyRevocations(wait) => {
            // Rounded up: a client that waits exactly so long must find the gate open.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        _ => {}
    }
    response
}

/// Our own failure: the cause goes into the log, the request's id with it.
pub(super) fn failed(head: &Parts, error: &Error) -> Response {
    let id = request_log::id_of(&head.extensions);
    let route = head.uri.path();
    tracing::error!(request.id = id, %error, "request {id} for {route} failed inside");
    let body = json!({ "error": "server_error", "error_description": "The server failed. Try again later." });
    json(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

/// RFC 6749 §3.2: only POST.
pub(super) async fn method_not_allowed() -> Response {
    only("POST")
}

/// Only these methods.
pub(super) fn only(methods: &'static str) -> Response {
    let mut response = refused(Refusal::InvalidRequest("Use a method that the header Allow names."));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// Done, and nothing to say.
pub(super) fn nothing() -> Response {
    (StatusCode::OK, [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")]).into_response()
}

/// JSON that no cache keeps.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    match serde_json::to_string(body) {
        Ok(body) => (status, headers, body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, headers, r#"{"error":"server_error"}"#).into_response()
        }
    }
}
