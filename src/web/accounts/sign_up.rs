//! Signing up: asking for an account, and the link that makes it.

use crate::base::error::Error;
use crate::domain::accounts::links::{self, LinkPurpose};
use crate::domain::accounts::sign_up;
use crate::web::accounts::links::{guarded, password_hint};
use crate::web::accounts::{sent, sign_in};
use crate::web::client_ip::ClientIp;
use crate::web::error::{Failure, Result};
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{self, Shell};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;

#[derive(Template)]
#[template(path = "accounts/sign_up.html")]
struct SignUpPage {
    shell: Shell,
    name: String,
    email: String,
    hint: String,
    wrong: Wrong,
}

#[derive(Template)]
#[template(path = "accounts/sign_up_link.html")]
struct LinkPage {
    shell: Shell,
    token: String,
    name: String,
    email: String,
    password_hint: String,
    wrong: Wrong,
}

/// The form. Whoever is signed in has an account.
pub async fn show(State(state): State<PortalState>, CurrentViewer(viewer): CurrentViewer, shell: Shell) -> Result {
    if viewer.is_signed_in() {
        return page::redirect(&urls::apis());
    }
    is_open(&state)?;
    let (name, email, wrong) = (String::new(), String::new(), Wrong::default());
    page::show(&SignUpPage { shell, name, email, hint: hint(&state), wrong })
}

/// What the form sends.
#[derive(serde::Deserialize)]
pub struct Request {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
}

/// Has a letter with a link sent to the address. The answer is the same whoever has an account.
pub async fn create(
    State(state): State<PortalState>,
    ClientIp(from): ClientIp,
    shell: Shell,
    Fields(form): Fields<Request>,
) -> Result {
    let asked = sign_up::ask(&state.ctx, &state.accounts, (&form.name, &form.email), from).await;
    sent::answer(asked, &urls::sign_up_sent(), |wrong| {
        let Request { name, email } = form;
        SignUpPage { shell, name, email, hint: hint(&state), wrong }
    })
}

/// What comes next.
pub async fn sent(State(state): State<PortalState>, shell: Shell) -> Result {
    is_open(&state)?;
    sent::show(shell, sent::About::SignUp)
}

/// The form behind the link.
pub async fn link(State(state): State<PortalState>, At(token): At<String>, shell: Shell) -> Result {
    let (email, name) = purpose(&state, &token).await?;
    let wrong = Wrong::default();
    guarded(page::show(&LinkPage { shell, token, name, email, password_hint: password_hint(), wrong }))
}

/// What that form sends.
#[derive(serde::Deserialize)]
pub struct NewAccount {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

/// Makes the account, signed in.
pub async fn finish(
    State(state): State<PortalState>,
    At(token): At<String>,
    headers: HeaderMap,
    shell: Shell,
    Fields(form): Fields<NewAccount>,
) -> Result {
    let (email, _) = purpose(&state, &token).await?;
    let made = sign_up::finish(&state.ctx, &state.accounts, &token, (&form.name, &form.password)).await;
    let member = match outcome(made)? {
        Outcome::Done(member) => member,
        Outcome::Wrong(wrong) => {
            let page = LinkPage { shell, token, name: form.name, email, password_hint: password_hint(), wrong };
            return guarded(page::refuse(&page));
        }
    };
    let response = page::redirect_with(&state, &urls::apis(), Flash::AccountReady)?;
    sign_in::enter(&state, &member, &headers, response).await
}

/// The address that the link proves, and the name that was given.
async fn purpose(state: &PortalState, token: &str) -> Result<(String, String)> {
    match links::inspect(&state.ctx, token).await? {
        LinkPurpose::SignUp { email, name } if state.accounts.takes(&email) => Ok((email.to_string(), name)),
        _ => Err(Error::NotFound.into()),
    }
}

/// A portal to which people are invited has no such page.
fn is_open(state: &PortalState) -> Result<()> {
    if state.accounts.sign_up { Ok(()) } else { Err(Failure::from(Error::NotFound)) }
}

fn hint(state: &PortalState) -> String {
    match state.accounts.sign_up_domains.as_slice() {
        [] => "You sign in with it. We send a link to it first.".to_owned(),
        domains => format!("An address at {}. We send a link to it first.", domains.join(" or ")),
    }
}
