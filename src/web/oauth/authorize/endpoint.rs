//! `/oauth2/authorize`: GET takes a request, POST turns a form into the same request as GET.

use crate::domain::oauth::authorize::answer::Fault;
use crate::domain::oauth::authorize::flow;
use crate::domain::oauth::authorize::parameters::query_of_form;
use crate::domain::oauth::metadata::AUTHORIZE;
use crate::web::client_ip::ClientIp;
use crate::web::error::Result;
use crate::web::oauth::authorize::reply;
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::viewer::CurrentViewer;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Request, Uri};
use std::time::Duration;

/// Bytes a form may have.
const LARGEST_BODY: usize = 16 * 1024;
/// How long a browser may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// Takes a request. It names its client and comes from that client's site, so no form of ours is behind it.
pub async fn begin(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    ClientIp(from): ClientIp,
    uri: Uri,
    shell: Shell,
) -> Result {
    let query = uri.query().unwrap_or_default();
    reply::step(&state, shell, flow::begin(&state.ctx, &state.issuer, query, &viewer, from).await?)
}

/// OIDC Core §3.1.2.1 wants POST to work like GET. It comes from another site, so the browser keeps its `SameSite=Lax`
/// session back; with the GET that this leads to, it sends it.
pub async fn repost(State(state): State<PortalState>, shell: Shell, request: Request<Body>) -> Result {
    repost_to(&state, shell, AUTHORIZE, request).await
}

/// Answers a form with the GET of the same request at this path.
pub(in crate::web::oauth) async fn repost_to(
    state: &PortalState,
    shell: Shell,
    path: &str,
    request: Request<Body>,
) -> Result {
    let (head, body) = request.into_parts();
    let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, LARGEST_BODY)).await;
    let query = match body {
        Ok(Ok(body)) if is_form(&head.headers) => query_of_form(head.uri.query().unwrap_or_default(), &body),
        Ok(Ok(_)) | Err(_) => Err(Fault::Unreadable),
        Ok(Err(_too_large)) => Err(Fault::TooLong),
    };
    match query {
        Ok(query) => Ok(reply::guarded(state, page::redirect(&format!("{path}?{query}"))?, None)),
        Err(fault) => reply::fault(state, shell, fault),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let media_type = media_type.split(|b| *b == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}
