//! The page that says why somebody could not be signed in by a provider, and what to do.

use crate::domain::accounts::providers::provider::Provider;
use crate::domain::accounts::providers::refusal::Refusal;
use crate::web::error::{Result, in_words};
use crate::web::page::{self, Shell};
use crate::web::urls;
use askama::Template;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};

#[derive(Template)]
#[template(path = "accounts/provider_fault.html")]
struct FaultPage {
    shell: Shell,
    title: String,
    text: String,
    /// The sign-in page, for another try or another way; for a member, the account page.
    back: (String, &'static str),
}

/// The page. The way back leads to where the browser wanted to go.
pub fn show(shell: Shell, provider: &Provider, next: &str, refusal: &Refusal) -> Result {
    let back = match urls::authorization_handle(next) {
        Some(handle) => (urls::authorization_sign_in(handle), "To sign in"),
        None if shell.viewer.is_signed_in() && next == urls::account() => (urls::account(), "To your account"),
        None => (urls::sign_in(next), "To sign in"),
    };
    let (status, title, text) = words(&provider.title, refusal);
    let mut response = page::show_with(status, &FaultPage { shell, title, text, back })?;
    let wait = match refusal {
        Refusal::TooMany(wait) => Some(wait.as_secs().max(1)),
        Refusal::Unreachable => Some(30),
        _ => None,
    };
    response.headers_mut().extend(wait.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
    Ok(response)
}

fn words(name: &str, refusal: &Refusal) -> (StatusCode, String, String) {
    let (status, title, text) = match refusal {
        Refusal::Unreachable => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{name} does not answer"),
            format!("Try again in a minute. If it goes on, tell whoever runs {name} in your organisation."),
        ),
        Refusal::Unusable => (
            StatusCode::BAD_GATEWAY,
            format!("The answer of {name} cannot be used"),
            "You are not signed in. Try again; if it happens again, tell an administrator of this portal: the reason is in \
             its log."
                .to_owned(),
        ),
        Refusal::Denied => (
            StatusCode::FORBIDDEN,
            format!("{name} has not signed you in"),
            format!("You have said no there, or {name} does not let you use this portal."),
        ),
        Refusal::Ended => (
            StatusCode::BAD_REQUEST,
            "This sign-in has ended".to_owned(),
            "It was finished already, took more than 15 minutes, or began in another browser. Start again here.".to_owned(),
        ),
        Refusal::TooMany(wait) => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too many open sign-ins".to_owned(),
            format!("Many people of your network are signing in right now. Try again in {}.", in_words(wait.as_secs())),
        ),
        Refusal::NoEmail => (
            StatusCode::FORBIDDEN,
            format!("{name} does not vouch for your e-mail address"),
            format!("An account here needs an address that {name} has checked. Confirm yours there, then try again."),
        ),
        Refusal::Domain => (
            StatusCode::FORBIDDEN,
            "Your e-mail address may not sign in here".to_owned(),
            format!("Only addresses of certain domains may come in with {name}. Ask an administrator of this portal."),
        ),
        Refusal::NoAccount => (
            StatusCode::FORBIDDEN,
            "You have no account here".to_owned(),
            "Ask an administrator of this portal for one.".to_owned(),
        ),
        Refusal::Taken => (
            StatusCode::CONFLICT,
            "There is an account with your e-mail address already".to_owned(),
            format!(
                "Sign in to it as before; then connect {name} on the account page, and from then on it signs you in."
            ),
        ),
        Refusal::Elsewhere => (
            StatusCode::CONFLICT,
            format!("You have another account here for {name}"),
            format!("Sign out and sign in with {name} to see it. One person at {name} has one account here."),
        ),
        Refusal::SignInAgain => (
            StatusCode::FORBIDDEN,
            "Sign in anew first".to_owned(),
            format!("Sign out, sign in, and then connect {name} within 15 minutes."),
        ),
        Refusal::Disabled => (
            StatusCode::FORBIDDEN,
            "Your account is disabled".to_owned(),
            "Ask an administrator of this portal.".to_owned(),
        ),
    };
    (status, title, text)
}
