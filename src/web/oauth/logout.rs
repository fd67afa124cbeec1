//! `/oauth2/logout`: ends the session at the wish of a client, and asks the user where it is not shown to be theirs.

use crate::domain::accounts::model::Viewer;
use crate::domain::accounts::sessions;
use crate::domain::oauth::authorize::answer::Fault;
use crate::domain::oauth::logout::{Logout, Onward, Way};
use crate::domain::oauth::metadata::LOGOUT;
use crate::web::cookie;
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::Fields;
use crate::web::oauth::authorize::{endpoint, reply};
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{Request, Uri};
use axum::response::Response;

#[derive(Template)]
#[template(path = "oauth/logout.html")]
struct LogoutPage {
    shell: Shell,
    onward: Onward,
}

#[derive(Template)]
#[template(path = "oauth/signed_out.html")]
struct SignedOutPage {
    shell: Shell,
}

impl LogoutPage {
    fn way(&self) -> Option<&Way> {
        match &self.onward {
            Onward::Client(way) => Some(way),
            Onward::Nowhere | Onward::Unregistered => None,
        }
    }

    /// Where the browser goes in the end, for people to read.
    fn host(&self) -> String {
        self.way().map(|way| reply::host(&way.redirect_uri)).unwrap_or_default()
    }
}

/// Takes a request.
pub async fn begin(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    uri: Uri,
    shell: Shell,
) -> Result {
    let Ok(logout) = Logout::read(&state.ctx, &state.issuer, uri.query().unwrap_or_default()).await? else {
        return reply::fault(&state, shell, Fault::Unreadable);
    };
    if !logout.must_ask(&viewer) {
        return leave(&state, shell, &viewer, logout.onward()).await;
    }
    let page = LogoutPage { shell, onward: logout.onward().clone() };
    let to = page.way().map(|way| way.redirect_uri.as_str());
    Ok(reply::guarded(&state, page::show(&page)?, to))
}

/// §2 wants POST to work like GET. It comes from another site, so the browser keeps its `SameSite=Lax` session back; with
/// the GET that this leads to, it sends it.
pub async fn repost(State(state): State<PortalState>, shell: Shell, request: Request<Body>) -> Result {
    endpoint::repost_to(&state, shell, LOGOUT, request).await
}

/// What the form sends.
#[derive(serde::Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    post_logout_redirect_uri: String,
    #[serde(default)]
    state: String,
}

/// The user has said yes. What the form says about the way on is checked like a request's.
pub async fn confirm(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    shell: Shell,
    Fields(form): Fields<Confirmation>,
) -> Result {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &form.client_id)
        .append_pair("post_logout_redirect_uri", &form.post_logout_redirect_uri)
        .append_pair("state", &form.state)
        .finish();
    let onward = match Logout::read(&state.ctx, &state.issuer, &query).await? {
        Ok(logout) => logout.onward().clone(),
        Err(_unreadable) => Onward::Nowhere,
    };
    leave(&state, shell, &viewer, &onward).await
}

/// Ends the session, if there is one, and goes on. 303 makes a GET of it (RFC 9700 §4.12).
async fn leave(state: &PortalState, shell: Shell, viewer: &Viewer, onward: &Onward) -> Result<Response> {
    if let Viewer::Member(member) = viewer {
        sessions::sign_out(&state.ctx, member).await?;
    }
    let (mut response, to) = match onward {
        Onward::Client(way) => (page::redirect(&way.location())?, Some(way.redirect_uri.as_str())),
        Onward::Nowhere => (page::redirect_with(state, &urls::apis(), Flash::SignedOut)?, None),
        Onward::Unregistered => (page::show(&SignedOutPage { shell })?, None),
    };
    let clear = cookie::clear(state.transport(), cookie::session_name(state.transport()));
    response.headers_mut().extend(clear.map(|clear| (SET_COOKIE, clear)));
    Ok(reply::guarded(state, response, to))
}
