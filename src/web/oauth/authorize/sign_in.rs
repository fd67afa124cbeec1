//! The sign-in page of an authorization request. It always opens a new session, also for whoever is signed in.

use crate::domain::accounts::model::Viewer;
use crate::domain::accounts::sessions;
use crate::domain::oauth::authorize::flow::{self, Invitation};
use crate::web::accounts::sign_in::{self as form, Again, Credentials};
use crate::web::accounts::ways_in::{Form as Way, WaysIn};
use crate::web::client_ip::ClientIp;
use crate::web::error::Result;
use crate::web::form::{Fields, Wrong};
use crate::web::oauth::authorize::reply;
use crate::web::page::{self, Shell};
use crate::web::path::At;
use crate::web::state::PortalState;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;

#[derive(Template)]
#[template(path = "oauth/sign_in.html")]
struct SignInPage {
    shell: Shell,
    handle: String,
    application: String,
    email: String,
    ways: WaysIn,
    wrong: Wrong,
}

/// What the address may ask for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    with: String,
}

/// The form.
pub async fn show(
    State(state): State<PortalState>,
    At(handle): At<String>,
    Query(asked): Query<Asked>,
    shell: Shell,
) -> Result {
    let Invitation { application, login_hint, redirect_uri } =
        match flow::invitation(&state.ctx, &state.issuer, &handle).await? {
            Ok(invitation) => invitation,
            Err(step) => return reply::step(&state, shell, step),
        };
    let ways = WaysIn::new(&state, Way::asked(&asked.with));
    let page = SignInPage { shell, handle, application, email: login_hint, ways, wrong: Wrong::default() };
    Ok(reply::sign_in(&state, page::show(&page)?, &redirect_uri))
}

/// Signs in, and goes on with the request.
pub async fn create(
    State(state): State<PortalState>,
    ClientIp(from): ClientIp,
    At(handle): At<String>,
    headers: HeaderMap,
    shell: Shell,
    Fields(credentials): Fields<Credentials>,
) -> Result {
    let Invitation { application, redirect_uri, .. } =
        match flow::invitation(&state.ctx, &state.issuer, &handle).await? {
            Ok(invitation) => invitation,
            Err(step) => return reply::step(&state, shell, step),
        };
    let member = match form::attempt(&state, &credentials, from).await? {
        Ok(member) => member,
        Err(Again { wrong, wait }) => {
            let email = credentials.email;
            let ways = WaysIn::new(&state, Way::Asked);
            let page = SignInPage { shell, handle, application, email, ways, wrong };
            return Ok(reply::sign_in(&state, form::again(&page, wait)?, &redirect_uri));
        }
    };
    // The session that was there belonged to whoever used this browser before.
    if let Viewer::Member(before) = &shell.viewer {
        sessions::sign_out(&state.ctx, before).await?;
    }
    let (member, cookie) = form::open(&state, &member, &headers, None).await?;
    let step = flow::signed_in(&state.ctx, &state.issuer, &handle, &member).await?;
    let mut response = reply::step(&state, shell, step)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}
