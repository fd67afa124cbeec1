//! Changing one's own name and password.

use crate::base::error::Error;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::own;
use crate::web::accounts::links::password_hint;
use crate::web::accounts::sign_in;
use crate::web::client_ip::ClientIp;
use crate::web::error::{Result, in_words};
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;

#[derive(Template)]
#[template(path = "accounts/details.html")]
struct DetailsPage {
    shell: Shell,
    name: String,
    wrong: Wrong,
}

#[derive(Template)]
#[template(path = "accounts/own_password.html")]
struct PasswordPage {
    shell: Shell,
    member: Member,
    password_hint: String,
    wrong: Wrong,
}

/// What the form of the name sends.
#[derive(serde::Deserialize)]
pub struct Details {
    #[serde(default)]
    name: String,
}

/// What the form of the password sends.
#[derive(serde::Deserialize)]
pub struct Change {
    #[serde(default)]
    current: String,
    #[serde(default)]
    password: String,
}

/// The form of the name.
pub async fn details(SignedIn(member): SignedIn, shell: Shell) -> Result {
    page::show(&DetailsPage { shell, name: member.name, wrong: Wrong::default() })
}

/// Changes the name.
pub async fn rename(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    shell: Shell,
    Fields(form): Fields<Details>,
) -> Result {
    match outcome(own::rename(&state.ctx, &member, &form.name).await)? {
        Outcome::Done(()) => page::redirect_with(&state, &urls::account(), Flash::ProfileSaved),
        Outcome::Wrong(wrong) => page::refuse(&DetailsPage { shell, name: form.name, wrong }),
    }
}

/// The form of the password.
pub async fn password(SignedIn(member): SignedIn, shell: Shell) -> Result {
    page::show(&PasswordPage { shell, member, password_hint: password_hint(), wrong: Wrong::default() })
}

/// Changes the password. Every session ends, and this browser gets a new one.
pub async fn change_password(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    ClientIp(from): ClientIp,
    headers: HeaderMap,
    shell: Shell,
    Fields(form): Fields<Change>,
) -> Result {
    let page = |member, wrong| PasswordPage { shell, member, password_hint: password_hint(), wrong };
    let changed = own::change_password(&state.ctx, &member, (&form.current, &form.password), from).await;
    if let Err(Error::Busy(wait)) = changed {
        let text = format!("Too many attempts. Try again in {}.", in_words(wait.as_secs()));
        return sign_in::again(&page(member, Wrong::summary_only(text)), Some(wait));
    }
    match outcome(changed)? {
        Outcome::Done(()) => {
            let response = page::redirect_with(&state, &urls::account(), Flash::PasswordChanged)?;
            sign_in::enter(&state, &member, &headers, response).await
        }
        Outcome::Wrong(wrong) => page::refuse(&page(member, wrong)),
    }
}
