//! Reads the form of an endpoint that programs call, within bounds.

use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::request::{RawRequest, TokenRequest};
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request};
use std::time::Duration;

/// Bytes a request may have: more than any grant needs.
const LARGEST_BODY: usize = 64 * 1024;
/// How long a client may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The head, and the parameters or why they are none.
pub(super) async fn form(request: Request<Body>) -> (Parts, Result<TokenRequest, Refusal>) {
    let (head, body) = request.into_parts();
    let parsed = self::body(body).await.and_then(|body| {
        TokenRequest::parse(&RawRequest {
            query: head.uri.query(),
            content_type: head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes),
            authorization: head.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect(),
            body: &body,
        })
    });
    (head, parsed)
}

/// A body within the bounds.
pub(super) async fn body(body: Body) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, LARGEST_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_too_large)) => Err(Refusal::TooLarge),
        Err(_elapsed) => Err(Refusal::TooSlow),
    }
}
