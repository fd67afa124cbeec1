//! One's own sessions: the list, ending one or all of them, and how long this one still lasts.

use crate::base::id::SessionId;
use crate::domain::accounts::providers::provider::Providers;
use crate::domain::accounts::sessions::{self, OwnSession, Place};
use crate::web::cookie;
use crate::web::error::Result;
use crate::web::filters;
use crate::web::flash::Flash;
use crate::web::page::{self, Shell};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use crate::web::words;
use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use time::OffsetDateTime;

#[derive(Template)]
#[template(path = "accounts/sessions.html")]
struct SessionsPage {
    shell: Shell,
    sessions: Vec<Row>,
}

/// A session, in words.
struct Row {
    browser: String,
    /// What people call the provider that opened it; empty: a password did.
    with: String,
    opened_at: OffsetDateTime,
    last_seen_at: OffsetDateTime,
    is_here: bool,
    deletion: String,
}

impl Row {
    fn new(session: &OwnSession, providers: &Providers) -> Self {
        Self {
            with: session.provider.as_deref().map(|name| providers.title(name).to_owned()).unwrap_or_default(),
            browser: words::browser(&session.user_agent),
            opened_at: session.opened_at,
            last_seen_at: session.last_seen_at,
            is_here: session.place == Place::Here,
            deletion: urls::account_session_deletion(session.id),
        }
    }
}

#[derive(Template)]
#[template(path = "accounts/sessions_deletion.html")]
struct DeletionPage {
    shell: Shell,
    count: usize,
}

/// The list.
pub async fn index(State(state): State<PortalState>, SignedIn(member): SignedIn, shell: Shell) -> Result {
    let sessions = sessions::list(&state.ctx, &member, state.lifetime).await?;
    page::show(&SessionsPage { shell, sessions: sessions.iter().map(|one| Row::new(one, &state.providers)).collect() })
}

/// Ends one. Ending this one is signing out.
pub async fn delete(State(state): State<PortalState>, SignedIn(member): SignedIn, At(id): At<SessionId>) -> Result {
    sessions::end(&state.ctx, &member, id).await?;
    if member.session == Some(id) {
        return left(&state, Flash::SignedOut);
    }
    page::redirect_with(&state, &urls::account_sessions(), Flash::OtherSessionEnded)
}

/// Says what will end.
pub async fn ask_deletion(State(state): State<PortalState>, SignedIn(member): SignedIn, shell: Shell) -> Result {
    let count = sessions::list(&state.ctx, &member, state.lifetime).await?.len();
    page::show(&DeletionPage { shell, count })
}

/// Ends all of them.
pub async fn delete_all(State(state): State<PortalState>, SignedIn(member): SignedIn) -> Result {
    sessions::end_all(&state.ctx, &member).await?;
    left(&state, Flash::SignedOutEverywhere)
}

/// How long the session lasts, for the script that warns before it ends. Asking does not prolong it.
pub async fn standing(shell: Shell) -> Result {
    Ok(seconds(&shell))
}

/// Keeps the session alive: by being asked, as with any page.
pub async fn keep(SignedIn(_): SignedIn, headers: HeaderMap, shell: Shell) -> Result {
    let wants_page = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"));
    if wants_page { page::redirect(&urls::apis()) } else { Ok(seconds(&shell)) }
}

fn seconds(shell: &Shell) -> Response {
    let (status, body) = match shell.session_seconds() {
        Some(seconds) => (StatusCode::OK, format!("{{\"seconds\":{seconds}}}")),
        None => (StatusCode::UNAUTHORIZED, "{\"seconds\":0}".to_owned()),
    };
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
}

fn left(state: &PortalState, flash: Flash) -> Result {
    let mut response = page::redirect_with(state, &urls::sign_in(""), flash)?;
    let clear = cookie::clear(state.transport(), cookie::session_name(state.transport()));
    response.headers_mut().extend(clear.map(|clear| (SET_COOKIE, clear)));
    Ok(response)
}
