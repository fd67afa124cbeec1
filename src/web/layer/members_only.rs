//! Where anonymous browsing is switched off, every page asks to sign in first, and machines get 401.

use crate::domain::accounts::model::Viewer;
use crate::web::error::Failure;
use crate::web::state::{Browsing, PortalState};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// What a visitor needs to become somebody: signing in and up, links from mails, and the pages of the authorization
/// endpoint, which ask by themselves.
const OPEN: [&str; 9] =
    ["/sign-in", "/sign-out", "/sign-up", "/setup", "/password", "/password-reset", "/session", "/theme", "/oauth2"];
/// What no browser opens.
const MACHINES: [&str; 3] = ["/llms.txt", "/apis.md", "/.well-known/api-catalog"];
/// What the twins of pages and the files end in.
const ENDINGS: [&str; 3] = ["md", "json", "yaml"];

/// Stops visitors where they may not browse.
pub async fn layer(State(state): State<PortalState>, request: Request, next: Next) -> Response {
    let is_visitor = !request.extensions().get::<Viewer>().is_some_and(Viewer::is_signed_in);
    if state.browsing == Browsing::Anybody || !is_visitor {
        return next.run(request).await;
    }
    // A path without a route asks too: whether there is a page is nobody's business.
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_under =
        |start: &&str| route.strip_prefix(*start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if OPEN.iter().any(is_under) {
        return next.run(request).await;
    }
    let ending = request.uri().path().rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_machine = MACHINES.contains(&route) || ENDINGS.contains(&ending);
    if is_machine {
        let headers = [
            (CONTENT_TYPE, "application/problem+json"),
            (CACHE_CONTROL, "no-store"),
            // RFC 9110 §15.5.2 wants a way to be named: there is none but the session's cookie.
            (WWW_AUTHENTICATE, "Cookie realm=\"portal\", form-action=\"/sign-in\""),
        ];
        let problem = r#"{"title":"This portal is for members.","status":401,"detail":"Sign in with a browser."}"#;
        return (StatusCode::UNAUTHORIZED, headers, problem).into_response();
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        let here = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        return Failure::SignInFirst(here.to_owned()).into_response();
    }
    Failure::SessionEnded.into_response()
}
