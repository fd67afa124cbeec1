//! Draws the page of a failure. This is the one place that logs an internal cause; the page shows the request's id.

use crate::base::error::Error;
use crate::web::error::{Failed, Failure};
use crate::web::flash::Flash;
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    shell: Shell,
    title: &'static str,
    text: String,
    status: u16,
    /// The request's id when the cause is in the log; else empty.
    id: &'a str,
    /// Where signing in may help; else empty.
    sign_in: String,
}

/// Turns a [`Failed`] on its way out into a page.
pub async fn layer(State(state): State<PortalState>, shell: Shell, request: Request, next: Next) -> Response {
    let id = super::request_log::id_of(request.extensions());
    let response = next.run(request).await;
    match response.extensions().get::<Failed>() {
        Some(Failed(failure)) => draw(&state, &shell, failure, &id),
        None if is_rejection(&response) => draw(&state, &shell, &Failure::Unreadable(response.status()), &id),
        None => response,
    }
}

/// Whether axum's own extractors refused the request: they answer in plain text, which no handler here does.
fn is_rejection(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    response.status().is_client_error() && kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// The page of a failure, or the way to sign in.
pub fn draw(state: &PortalState, shell: &Shell, failure: &Failure, id: &str) -> Response {
    match failure {
        Failure::SignInFirst(next) => return page::redirect(&urls::sign_in(next)).unwrap_or_else(|f| bare(&f)),
        Failure::SessionEnded => {
            let to = urls::sign_in("");
            return page::redirect_with(state, &to, Flash::SessionEnded).unwrap_or_else(|f| bare(&f));
        }
        Failure::Domain(Error::Internal(cause)) => {
            tracing::error!(request.id = id, cause = chain(cause.as_ref()), "request {id} failed inside");
        }
        _ => {}
    }
    let is_visitor = !shell.viewer.is_signed_in();
    let page = ErrorPage {
        shell: shell.clone(),
        title: failure.title(),
        text: failure.text(),
        status: failure.status().as_u16(),
        id: if failure.status() == StatusCode::INTERNAL_SERVER_ERROR { id } else { "" },
        // What a visitor does not see may be there for a member.
        sign_in: match failure {
            Failure::Domain(Error::NotFound) if is_visitor => urls::sign_in(&shell.here),
            _ => String::new(),
        },
    };
    let mut response = page::show_with(failure.status(), &page).unwrap_or_else(|f| bare(&f));
    if let Failure::Domain(Error::Busy(wait)) = failure {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

/// When even the page breaks.
fn bare(failure: &Failure) -> Response {
    tracing::error!(cause = ?failure, "the error page cannot be drawn");
    (StatusCode::INTERNAL_SERVER_ERROR, "Something broke on our side.").into_response()
}

fn chain(cause: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(cause), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
