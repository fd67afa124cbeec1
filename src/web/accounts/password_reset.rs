//! Asking for a new password.

use crate::domain::accounts::sign_up;
use crate::web::accounts::sent;
use crate::web::client_ip::ClientIp;
use crate::web::error::Result;
use crate::web::form::{Fields, Wrong};
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "accounts/password_reset.html")]
struct ResetPage {
    shell: Shell,
    email: String,
    /// The providers with which people sign in instead; empty: they have passwords.
    instead: String,
    wrong: Wrong,
}

/// The form.
pub async fn show(State(state): State<PortalState>, shell: Shell) -> Result {
    let email = shell.viewer.member().map(|member| member.email.to_string()).unwrap_or_default();
    page::show(&ResetPage { shell, email, instead: instead(&state), wrong: Wrong::default() })
}

/// What the form sends.
#[derive(serde::Deserialize)]
pub struct Request {
    #[serde(default)]
    email: String,
}

/// Has a letter with a link sent to the address, if it has an account. The answer is the same whether it has one.
pub async fn create(
    State(state): State<PortalState>,
    ClientIp(from): ClientIp,
    shell: Shell,
    Fields(form): Fields<Request>,
) -> Result {
    let asked = sign_up::ask_new_password(&state.ctx, &form.email, from).await;
    sent::answer(asked, &urls::password_reset_sent(), |wrong| ResetPage {
        shell,
        email: form.email,
        instead: instead(&state),
        wrong,
    })
}

/// What comes next.
pub async fn sent(shell: Shell) -> Result {
    sent::show(shell, sent::About::Password)
}

fn instead(state: &PortalState) -> String {
    if state.accounts.password_sign_in {
        return String::new();
    }
    let titles: Vec<&str> = state.providers.all().iter().map(|provider| &*provider.title).collect();
    titles.join(" or ")
}
