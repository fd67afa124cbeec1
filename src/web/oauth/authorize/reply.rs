//! The ways on from an authorization request: to a page of its own, back to the client, or to a page that says why not.

use crate::domain::oauth::authorize::answer::{Answer, Fault, ResponseMode};
use crate::domain::oauth::authorize::flow::Step;
use crate::web::accounts::ways_in;
use crate::web::error::Result;
use crate::web::layer::security_headers;
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

#[derive(Template)]
#[template(path = "oauth/fault.html")]
struct FaultPage {
    shell: Shell,
    title: &'static str,
    text: &'static str,
    /// What the application's developer has to change; may be empty.
    developer: &'static str,
}

#[derive(Template)]
#[template(path = "oauth/form_post.html")]
struct FormPostPage<'a> {
    shell: Shell,
    redirect_uri: &'a str,
    host: String,
    parameters: &'a [(&'static str, String)],
}

/// Goes on.
pub(in crate::web) fn step(state: &PortalState, shell: Shell, step: Step) -> Result {
    match step {
        Step::Fault(fault) => self::fault(state, shell, fault),
        Step::Answer(answer) => self::answer(state, shell, &answer),
        Step::SignIn(handle) => {
            Ok(guarded(state, page::redirect(&urls::authorization_sign_in(handle.expose()))?, None))
        }
        Step::Consent(handle) => Ok(guarded(state, page::redirect(&urls::authorization(handle.expose()))?, None)),
    }
}

/// A page that sends the browser nowhere.
pub(in crate::web::oauth) fn fault(state: &PortalState, shell: Shell, fault: Fault) -> Result {
    let (title, text, developer) = match fault {
        Fault::Unreadable => (
            "This request cannot be read",
            "The application that sent you here has made a mistake in the address.",
            "the parameters must be well-formed UTF-8 in form encoding.",
        ),
        Fault::TooLong => (
            "This request is too long",
            "The application that sent you here has sent more than is accepted.",
            "all parameters together may have 16 KiB.",
        ),
        Fault::UnknownClient => (
            "No such application",
            "The application that sent you here is not known.",
            "send client_id, once. It is the consumer key.",
        ),
        Fault::NoRedirectUri => (
            "The way back is missing",
            "The application that sent you here has not said where to go afterwards.",
            "send redirect_uri, once.",
        ),
        Fault::UnknownRedirectUri => (
            "The way back is not registered",
            "You are not sent on, because the address may be somebody else's.",
            "redirect_uri must be, to the letter, one that is registered for the consumer key.",
        ),
        Fault::Ended => (
            "This request has ended",
            "It was answered already, or it is too old. Go back to the application and start again.",
            "",
        ),
        Fault::TooMany => (
            "Too many open requests",
            "Many people of your network are signing in to applications right now. Try again in some minutes.",
            "",
        ),
    };
    let status = match fault {
        Fault::Ended => StatusCode::NOT_FOUND,
        Fault::TooMany => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = page::show_with(status, &FaultPage { shell, title, text, developer })?;
    if fault == Fault::TooMany {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("300"));
    }
    Ok(guarded(state, response, None))
}

/// Back to the client. 303 makes a GET of it, whatever led here, so that no password or decision is sent along
/// (RFC 9700 §4.12).
fn answer(state: &PortalState, shell: Shell, answer: &Answer) -> Result {
    let redirect_uri = answer.redirect_uri();
    let response = match answer.mode() {
        ResponseMode::Query | ResponseMode::Fragment => page::redirect(&answer.location())?,
        ResponseMode::FormPost => page::show(&FormPostPage {
            shell,
            redirect_uri,
            host: host(redirect_uri),
            parameters: answer.parameters(),
        })?,
    };
    Ok(guarded(state, response, Some(redirect_uri)))
}

/// Host of a redirect URI, or its scheme where it has none, for people to read.
pub(in crate::web::oauth) fn host(redirect_uri: &str) -> String {
    let parsed = redirect_uri.parse::<url::Url>().ok();
    let host = parsed.as_ref().and_then(|url| url.host_str().map(str::to_owned));
    host.or_else(|| parsed.map(|url| url.scheme().to_owned())).unwrap_or_default()
}

/// What all answers of this endpoint have: no cache keeps them, no `Referer` carries their address, which holds `state`
/// and handle, and a page may lead on to the redirect URI. An opener in another window stays connected: applications
/// that sign in through a pop-up window wait for it there.
pub(in crate::web::oauth) fn guarded(
    state: &PortalState,
    mut response: Response,
    redirect_uri: Option<&str>,
) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("unsafe-none"));
    let policy = security_headers::policy(state, &redirect_uri.map(form_target).unwrap_or_default());
    headers.extend(policy.map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    response
}

/// The same for the sign-in page of a request, whose buttons lead to the providers that people may sign in with.
pub(super) fn sign_in(state: &PortalState, response: Response, redirect_uri: &str) -> Response {
    let mut response = guarded(state, response, Some(redirect_uri));
    let targets = format!("{} {}", form_target(redirect_uri), ways_in::form_targets(state));
    if let Some(policy) = security_headers::policy(state, targets.trim_end()) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The source of `form-action` that lets the browser follow a redirect to the client after a form was sent. Browsers check
/// every redirect of the chain, those of the client too: many applications send people on from their callback to
/// another host, and naming the origin of the redirect URI alone would leave them on a button that does nothing. So it
/// is the scheme. What a page of ours holds in a form is escaped, and no script but ours runs in it.
fn form_target(redirect_uri: &str) -> String {
    redirect_uri.parse::<url::Url>().map(|url| format!("{}:", url.scheme())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_scheme() {
        for (uri, target) in [
            ("https://app.example/cb?x=1", "https:"),
            ("http://127.0.0.1:4000/cb", "http:"),
            ("http://[::1]:4000/cb", "http:"),
            ("com.example.app:/cb", "com.example.app:"),
        ] {
            assert_eq!(form_target(uri), target, "{uri}");
        }
    }
}
