//! One's own account, and the choice of light or dark.

use crate::domain::accounts::model::Member;
use crate::domain::oauth::authorize::consents::{self, LetIn};
use crate::web::cookie;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::form::Fields;
use crate::web::page::{self, Shell, Theme};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;

/// How long a choice of theme is remembered, in seconds: a year.
const THEME_AGE: i64 = 365 * 24 * 3600;

#[derive(Template)]
#[template(path = "accounts/account.html")]
struct AccountPage {
    shell: Shell,
    member: Member,
    let_in: Vec<LetIn>,
}

/// Name, address and roles, and the applications that act for the member.
pub async fn show(State(state): State<PortalState>, SignedIn(member): SignedIn, shell: Shell) -> Result {
    let let_in = consents::list(&state.ctx, &state.issuer, &member).await?;
    page::show(&AccountPage { shell, member, let_in })
}

/// What the toggle in the header sends.
#[derive(serde::Deserialize)]
pub struct ThemeChoice {
    #[serde(default)]
    theme: String,
    #[serde(default)]
    next: String,
}

/// Remembers the choice and returns to the page. The script does the same without a request.
pub async fn set_theme(State(state): State<PortalState>, Fields(choice): Fields<ThemeChoice>) -> Result {
    let next = urls::local(&choice.next).map_or_else(urls::apis, str::to_owned);
    let mut response = page::redirect(&next)?;
    let cookie = Theme::parse(&choice.theme)
        .and_then(|theme| cookie::set_open(state.transport(), cookie::THEME, theme.as_str(), THEME_AGE));
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}
