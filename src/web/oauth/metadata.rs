//! `GET /oauth2/jwks` and both metadata documents: public, cacheable, readable from every origin.

use crate::domain::oauth::metadata::{Document, MAX_AGE_SECONDS};
use crate::web::state::PortalState;
use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

pub(super) async fn jwks(State(state): State<PortalState>, headers: HeaderMap) -> Response {
    answer(&state.issuer.jwks(), &headers)
}

pub(super) async fn server(State(state): State<PortalState>, headers: HeaderMap) -> Response {
    answer(&state.issuer.metadata(), &headers)
}

fn answer(document: &Document, headers: &HeaderMap) -> Response {
    // So long a verifier may be behind; keys are published before they sign.
    let cached = format!("public, max-age={MAX_AGE_SECONDS}");
    let about = [(CACHE_CONTROL, cached.as_str()), (ETAG, &*document.etag), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    if headers.get_all(IF_NONE_MATCH).iter().any(|known| holds(known.as_bytes(), &document.etag)) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, [(CONTENT_TYPE, "application/json")], document.body.to_string()).into_response()
}

/// RFC 9110 §13.1.2: a list of tags, compared without regard to `W/`, or `*`.
fn holds(known: &[u8], etag: &str) -> bool {
    let Ok(known) = std::str::from_utf8(known) else {
        return false;
    };
    known.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
