//! Pages: what the frame around each needs, and the ways to answer with one.

use crate::domain::accounts::model::Viewer;
use crate::web::cookie;
use crate::web::duty::Waiting;
use crate::web::error::{Failure, Result};
use crate::web::flash::Flash;
use crate::web::look::Look;
use crate::web::state::PortalState;
use askama::Template;
use askama::filters::HtmlSafeOutput;
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::IntoResponse as _;
use std::convert::Infallible;
use std::sync::Arc;
use time::OffsetDateTime;

/// What `layout.html` needs; the field `shell` of every page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The portal's name.
    pub brand: Arc<str>,
    /// The rest of what the operator puts on pages.
    pub look: Arc<Look>,
    /// Who looks.
    pub viewer: Viewer,
    /// A message from the request before.
    pub flash: Option<Flash>,
    /// The chosen theme; none: the system's.
    pub theme: Option<Theme>,
    /// Path and query of this page.
    pub here: String,
    /// The time of the request.
    pub now: OffsetDateTime,
    /// When the session ends unless it is used again; none for a visitor.
    pub session_ends_at: Option<OffsetDateTime>,
    /// What waits for the member's decision; none: they decide about nothing.
    pub duty: Option<Waiting>,
    /// Whether people may sign up by themselves.
    pub sign_up_is_open: bool,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// As in the cookie and in `data-theme`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From the cookie.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == text)
    }
}

impl Shell {
    /// From a request whose viewer is known.
    pub fn new(state: &PortalState, viewer: Viewer, headers: &HeaderMap, uri: &Uri) -> Self {
        Self {
            brand: Arc::clone(&state.brand),
            look: Arc::clone(&state.look),
            viewer,
            flash: cookie::get(headers, cookie::FLASH).and_then(Flash::parse),
            theme: cookie::get(headers, cookie::THEME).and_then(Theme::parse),
            here: uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
            now: state.ctx.clock.now(),
            session_ends_at: None,
            duty: None,
            sign_up_is_open: state.accounts.sign_up,
        }
    }

    /// The `aria-current` attribute of a link in the header: `page`, `true` below it, or none.
    pub fn current(&self, path: &str) -> HtmlSafeOutput<&'static str> {
        let here = self.here.split('?').next().unwrap_or_default();
        HtmlSafeOutput(match here.strip_prefix(path) {
            Some("") => " aria-current=\"page\"",
            Some(rest) if rest.starts_with('/') => " aria-current=\"true\"",
            _ => "",
        })
    }

    /// Seconds for which the session lasts if nothing more is asked; none for a visitor.
    pub fn session_seconds(&self) -> Option<i64> {
        self.session_ends_at.map(|ends_at| (ends_at - self.now).whole_seconds().max(0))
    }

    /// Up to two letters that stand for the member.
    pub fn initials(&self) -> String {
        let name = self.viewer.member().map_or("", |m| &m.name);
        let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
        let first = words.next();
        first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
    }

    /// The theme that the toggle leads to when no script runs: the other one, or dark when the system decides.
    pub fn other_theme(&self) -> &'static str {
        if self.theme == Some(Theme::Dark) { "light" } else { "dark" }
    }
}

impl FromRequestParts<PortalState> for Shell {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &PortalState) -> std::result::Result<Self, Infallible> {
        // The session layer has made one; a route outside of it shows its page to a visitor.
        let made = parts.extensions.get::<Self>().cloned();
        Ok(made.unwrap_or_else(|| Self::new(state, Viewer::Visitor, &parts.headers, &parts.uri)))
    }
}

/// Answers with a page.
pub fn show(page: &impl Template) -> Result {
    show_with(StatusCode::OK, page)
}

/// Shows a form again, with what is wrong (422).
pub fn refuse(page: &impl Template) -> Result {
    show_with(StatusCode::UNPROCESSABLE_ENTITY, page)
}

/// Answers a POST with a page that shows a secret once: no cache may keep it, no history may bring it back.
pub fn show_once(page: &impl Template) -> Result {
    let mut response = show(page)?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Answers with a page and a status.
pub fn show_with(status: StatusCode, page: &impl Template) -> Result {
    let html = page.render().map_err(|error| Failure::from(crate::base::error::Error::internal(error)))?;
    Ok((status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

/// Sends the browser on after a POST (303).
pub fn redirect(to: &str) -> Result {
    let to = HeaderValue::from_str(to).map_err(crate::base::error::Error::internal)?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response())
}

/// The same, with a message on the next page.
pub fn redirect_with(state: &PortalState, to: &str, flash: Flash) -> Result {
    let mut response = redirect(to)?;
    if let Some(cookie) = cookie::set(state.transport(), cookie::FLASH, flash.code(), Some(60)) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
