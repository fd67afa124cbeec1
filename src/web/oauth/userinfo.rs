//! `GET` and `POST /oauth2/userinfo` (OIDC Core §5.3), with an access token (RFC 6750).

use crate::domain::oauth::bearer::BearerRefusal;
use crate::domain::oauth::request::RawRequest;
use crate::domain::oauth::userinfo;
use crate::web::oauth::cors::Readers;
use crate::web::oauth::{answer, cors, read};
use crate::web::state::PortalState;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::Response;
use serde_json::json;

pub(super) async fn userinfo(State(state): State<PortalState>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = match read::body(body).await {
        Ok(body) => body,
        Err(refusal) => return answer::refused(refusal),
    };
    // A GET has no form, whatever its headers say.
    let content_type = head.headers.get(CONTENT_TYPE).filter(|_| head.method == Method::POST);
    let raw = RawRequest {
        query: head.uri.query(),
        content_type: content_type.map(HeaderValue::as_bytes),
        authorization: head.headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect(),
        body: &body,
    };
    let (response, client) = match userinfo::userinfo(&state.ctx, &state.issuer, &raw).await {
        Ok(Ok(user)) => (answer::json(StatusCode::OK, &json!(user)), Some(user.client)),
        Ok(Err(refusal)) => (refused(refusal), None),
        Err(error) => (answer::failed(&head, &error), None),
    };
    let readers = client.as_deref().map_or(Readers::All, Readers::Of);
    cors::open(&state, &head.headers, readers, response).await
}

/// RFC 6750 §3: how to come with a token, and what was wrong with the one that came.
fn refused(refusal: BearerRefusal) -> Response {
    let status = match refusal {
        BearerRefusal::Missing | BearerRefusal::InvalidToken => StatusCode::UNAUTHORIZED,
        BearerRefusal::InvalidRequest(_) => StatusCode::BAD_REQUEST,
        BearerRefusal::InsufficientScope(_) => StatusCode::FORBIDDEN,
    };
    let description = refusal.description();
    let (error, body) = match refusal.code() {
        None => (String::new(), json!({ "error_description": description })),
        Some(code) => (
            format!(", error=\"{code}\", error_description=\"{description}\""),
            json!({ "error": code, "error_description": description }),
        ),
    };
    let scope = match refusal {
        BearerRefusal::InsufficientScope(scope) => format!(", scope=\"{scope}\""),
        _ => String::new(),
    };
    let challenge = format!("Bearer realm=\"portico\"{error}{scope}");
    let mut response = answer::json(status, &body);
    if let Ok(challenge) = HeaderValue::try_from(challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
