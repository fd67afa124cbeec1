//! One-time links: the first administrator's, and those with which a person sets a password.

use crate::domain::accounts::links::{self, LinkPurpose};
use crate::domain::accounts::password::MIN_CHARS;
use crate::web::accounts::sign_in;
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

#[derive(Template)]
#[template(path = "accounts/setup.html")]
struct SetupPage {
    shell: Shell,
    token: String,
    name: String,
    email: String,
    password_hint: String,
    wrong: Wrong,
}

#[derive(Template)]
#[template(path = "accounts/password.html")]
struct PasswordPage {
    shell: Shell,
    token: String,
    email: String,
    password_hint: String,
    wrong: Wrong,
}

/// What the first administrator enters.
#[derive(serde::Deserialize)]
pub struct NewAdmin {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

/// A new password.
#[derive(serde::Deserialize)]
pub struct NewPassword {
    #[serde(default)]
    password: String,
}

/// The form for the first administrator.
pub async fn setup(State(state): State<PortalState>, Path(token): Path<String>, shell: Shell) -> Result {
    match links::inspect(&state.ctx, &token).await? {
        LinkPurpose::FirstAdmin => {
            let (name, email, wrong) = (String::new(), String::new(), Wrong::default());
            guarded(page::show(&SetupPage { shell, token, name, email, password_hint: password_hint(), wrong }))
        }
        LinkPurpose::SetPassword { .. } => page::redirect(&urls::password(&token)),
        LinkPurpose::SignUp { .. } => page::redirect(&urls::sign_up_link(&token)),
    }
}

/// Makes the first administrator, signed in.
pub async fn create_admin(
    State(state): State<PortalState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    shell: Shell,
    Fields(form): Fields<NewAdmin>,
) -> Result {
    let made = links::make_first_admin(&state.ctx, &token, &form.name, &form.email, &form.password).await;
    let member = match outcome(made)? {
        Outcome::Done(member) => member,
        Outcome::Wrong(wrong) => {
            let NewAdmin { name, email, .. } = form;
            let page = SetupPage { shell, token, name, email, password_hint: password_hint(), wrong };
            return guarded(page::refuse(&page));
        }
    };
    let response = page::redirect_with(&state, &urls::apis(), Flash::InstanceReady)?;
    sign_in::enter(&state, &member, &headers, response).await
}

/// The form for a new password.
pub async fn password(State(state): State<PortalState>, Path(token): Path<String>, shell: Shell) -> Result {
    match links::inspect(&state.ctx, &token).await? {
        LinkPurpose::SetPassword { email } => {
            let (email, wrong) = (email.to_string(), Wrong::default());
            guarded(page::show(&PasswordPage { shell, token, email, password_hint: password_hint(), wrong }))
        }
        LinkPurpose::FirstAdmin => page::redirect(&urls::setup(&token)),
        LinkPurpose::SignUp { .. } => page::redirect(&urls::sign_up_link(&token)),
    }
}

/// Sets the password, and asks to sign in with it: a link that somebody else has read opens no session.
pub async fn set_password(
    State(state): State<PortalState>,
    Path(token): Path<String>,
    shell: Shell,
    Fields(form): Fields<NewPassword>,
) -> Result {
    // Asked before the link is used up: the form may have to be shown again.
    let LinkPurpose::SetPassword { email } = links::inspect(&state.ctx, &token).await? else {
        return page::redirect(&urls::setup(&token));
    };
    match outcome(links::set_password(&state.ctx, &token, &form.password).await)? {
        Outcome::Done(_) => page::redirect_with(&state, &urls::sign_in(""), Flash::PasswordSet),
        Outcome::Wrong(wrong) => {
            let email = email.to_string();
            guarded(page::refuse(&PasswordPage { shell, token, email, password_hint: password_hint(), wrong }))
        }
    }
}

pub(super) fn password_hint() -> String {
    format!("At least {MIN_CHARS} characters. A few words in a row are easy to keep in mind.")
}

/// The address of these pages is a secret until it is used: no cache keeps it, and no `Referer` carries the path, not
/// even to ourselves.
pub(super) fn guarded(page: Result) -> Result<Response> {
    let mut response = page?;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    Ok(response)
}
