//! Which pages of other origins may read our answers (RFC 9700 §2.6, the Fetch standard): those of a client's redirect URIs
//! and those that its owner has added. Never with cookies, and never the authorization endpoint.
//!
//! A preflight names no client, so it is answered for an origin that some client has. So is a refusal, which says nothing
//! about anybody: were it told by client, an answer would betray whether a client exists. What was granted can be read by
//! pages of the client that it was granted to.

use crate::domain::credentials::origins;
use crate::web::oauth::answer;
use crate::web::state::PortalState;
use axum::extract::State;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// Longer ones are nobody's: a host name has 253 characters.
const LONGEST: usize = 300;
/// How long a browser may remember a preflight, in seconds.
const REMEMBERED: &str = "600";

/// Whose pages may read an answer.
#[derive(Clone, Copy)]
pub(super) enum Readers<'a> {
    /// This client's: it says something that was granted to it.
    Of(&'a str),
    /// Every client's: it is a refusal.
    All,
}

/// `OPTIONS` at an endpoint that takes POST.
pub(super) async fn post(State(state): State<PortalState>, headers: HeaderMap) -> Response {
    if is_preflight(&headers) { preflight(&state, &headers, "POST").await } else { answer::method_not_allowed().await }
}

/// `OPTIONS` at an endpoint that takes GET and POST.
pub(super) async fn get_and_post(State(state): State<PortalState>, headers: HeaderMap) -> Response {
    if is_preflight(&headers) { preflight(&state, &headers, "GET, POST").await } else { answer::only("GET, POST") }
}

/// Lets pages of `readers` read the answer.
pub(super) async fn open(
    state: &PortalState,
    headers: &HeaderMap,
    readers: Readers<'_>,
    mut response: Response,
) -> Response {
    response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed(state, headers, readers).await {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, www-authenticate"));
    }
    response
}

fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

async fn preflight(state: &PortalState, headers: &HeaderMap, methods: &'static str) -> Response {
    let mut response = (StatusCode::NO_CONTENT, [(VARY, "origin")]).into_response();
    if let Some(origin) = allowed(state, headers, Readers::All).await {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
    }
    response
}

/// The origin that asks, if its pages may read.
async fn allowed(state: &PortalState, headers: &HeaderMap, readers: Readers<'_>) -> Option<HeaderValue> {
    let value = headers.get(ORIGIN)?;
    let origin = value.to_str().ok().filter(|origin| origin.len() <= LONGEST)?;
    let known = match readers {
        Readers::Of(client) => origins::is_of_client(&state.ctx, origin, client).await,
        Readers::All => origins::is_of_some_client(&state.ctx, origin).await,
    };
    match known {
        Ok(true) => Some(value.clone()),
        Ok(false) => None,
        Err(error) => {
            tracing::error!(%error, "cannot tell whether a page of another origin may read an answer");
            None
        }
    }
}
