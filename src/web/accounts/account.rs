//! One's own account, and the choice of light or dark.

use crate::domain::accounts::model::{ADMIN, Member};
use crate::domain::accounts::providers::connections::{self, Connections, Password};
use crate::domain::oauth::authorize::consents::{self, LetIn};
use crate::web::accounts::production::Locked;
use crate::web::accounts::ways_in;
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
    /// Where the member's request for production stands.
    locked: Locked,
    ways: Ways,
    let_in: Vec<LetIn>,
}

/// How the member signs in, in words.
struct Ways {
    /// Whether there is a password.
    has_password: bool,
    /// Whether a password opens anything for this member.
    may_have_password: bool,
    providers: Vec<Connection>,
}

/// A provider that the account is or may be connected with.
struct Connection {
    title: String,
    is_connected: bool,
    /// Where the button leads that connects it …
    start: String,
    /// … and the one that disconnects it.
    deletion: String,
}

impl Ways {
    fn new(state: &PortalState, member: &Member, connections: &Connections) -> Self {
        let connected = &connections.providers;
        let known = state.providers.all().iter().map(|provider| &provider.name);
        // What is gone from the configuration can still be disconnected.
        let gone = connected.iter().filter(|name| state.providers.find(name).is_none());
        let connection = |name: &String| Connection {
            title: state.providers.title(name).to_owned(),
            is_connected: connected.contains(name),
            start: urls::account_connection(name),
            deletion: urls::account_connection_deletion(name),
        };
        Self {
            has_password: connections.password == Password::Chosen,
            may_have_password: state.accounts.password_sign_in || member.has(ADMIN),
            providers: known.chain(gone).map(connection).collect(),
        }
    }
}

/// Name, address and roles, and the applications that act for the member.
pub async fn show(State(state): State<PortalState>, SignedIn(member): SignedIn, shell: Shell) -> Result {
    let let_in = consents::list(&state.ctx, &state.issuer, &member).await?;
    let locked = Locked::of(&state, &member).await?;
    let ways = Ways::new(&state, &member, &connections::of(&state.ctx, &member).await?);
    Ok(ways_in::leads_on(&state, page::show(&AccountPage { shell, member, locked, ways, let_in })?))
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
