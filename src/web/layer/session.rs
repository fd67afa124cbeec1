//! Cookie → session → viewer, for everything inside; and no page of a member's stays in a cache.

use crate::base::error::Result;
use crate::domain::accounts::model::Viewer;
use crate::domain::accounts::sessions::{self, Found, Look};
use crate::web::assets;
use crate::web::cookie;
use crate::web::duty::Waiting;
use crate::web::layer::{error_pages, request_log};
use crate::web::page::Shell;
use crate::web::state::PortalState;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::LazyLock;

const SPECULATION_RULES: HeaderName = HeaderName::from_static("speculation-rules");

/// What browsers may fetch ahead when the pointer rests on a link. Only for visitors, who change nothing: a browser shows
/// what it has fetched ahead even where a form leads that has changed it since, and its message would be lost.
static SPECULATION: LazyLock<Option<HeaderValue>> =
    LazyLock::new(|| HeaderValue::from_str(&format!("\"{}\"", assets::url("speculation.json"))).ok());

/// Puts a [`Viewer`] and a [`Shell`] into the request.
pub async fn layer(State(state): State<PortalState>, mut request: Request, next: Next) -> Response {
    // Asking how long a session lasts is no use of it: a page left open would keep it alive for ever.
    let look = match (request.method(), request.uri().path()) {
        (&Method::GET, "/session") => Look::Glance,
        _ => Look::Use,
    };
    let (viewer, ends_at, duty) = match found(&state, request.headers(), look).await {
        Ok(Some((Found { member, ends_at }, duty))) => (Viewer::Member(member), Some(ends_at), duty),
        Ok(None) => (Viewer::Visitor, None, None),
        Err(error) => {
            let shell = Shell::new(&state, Viewer::Visitor, request.headers(), request.uri());
            let id = request_log::id_of(request.extensions());
            return error_pages::draw(&state, &shell, &error.into(), &id);
        }
    };
    let is_signed_in = viewer.is_signed_in();
    let mut shell = Shell::new(&state, viewer.clone(), request.headers(), request.uri());
    shell.session_ends_at = ends_at;
    shell.duty = duty;
    let flash = shell.flash;
    request.extensions_mut().insert(shell);
    request.extensions_mut().insert(viewer);
    let mut response = next.run(request).await;

    let headers = response.headers_mut();
    // A page for a visitor may be kept but must be asked for again: signing in changes it.
    let keep = if is_signed_in { "no-store" } else { "no-cache" };
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(keep));
    headers.append(VARY, HeaderValue::from_static("cookie"));
    if !is_signed_in && is_page(headers) {
        headers.extend(SPECULATION.clone().map(|rules| (SPECULATION_RULES, rules)));
    }
    if flash.is_some() && is_page(headers) {
        headers.extend(cookie::clear(state.transport(), cookie::FLASH).map(|clear| (SET_COOKIE, clear)));
    }
    response
}

async fn found(state: &PortalState, headers: &HeaderMap, look: Look) -> Result<Option<(Found, Option<Waiting>)>> {
    let Some(secret) = cookie::get(headers, cookie::session_name(state.transport())) else {
        return Ok(None);
    };
    let Some(found) = sessions::find(&state.ctx, secret, state.lifetime, look).await? else { return Ok(None) };
    let duty = match look {
        Look::Use => Waiting::of(&state.ctx, &found.member).await?,
        // It shows no page.
        Look::Glance => None,
    };
    Ok(Some((found, duty)))
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}
