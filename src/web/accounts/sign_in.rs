//! Signing in with return to where one was, and signing out.

use crate::base::error::Error;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::accounts::{sessions, sign_in};
use crate::web::accounts::ways_in::{self, Form, WaysIn};
use crate::web::client_ip::ClientIp;
use crate::web::cookie;
use crate::web::error::{Failure, Result, in_words};
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Template)]
#[template(path = "accounts/sign_in.html")]
struct SignInPage {
    shell: Shell,
    email: String,
    next: String,
    ways: WaysIn,
    wrong: Wrong,
}

/// Where to go after signing in.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
    #[serde(default)]
    with: String,
}

impl Next {
    /// A path of the portal: the one asked for, if it is one.
    fn path(&self) -> String {
        urls::local(&self.next).map_or_else(urls::apis, str::to_owned)
    }
}

/// The form. Whoever is signed in goes on at once.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    Query(next): Query<Next>,
    shell: Shell,
) -> Result {
    if viewer.is_signed_in() {
        return page::redirect(&next.path());
    }
    let ways = WaysIn::new(&state, Form::asked(&next.with));
    let page = SignInPage { shell, email: String::new(), next: next.path(), ways, wrong: Wrong::default() };
    Ok(ways_in::leads_on(&state, page::show(&page)?))
}

/// What the form sends.
#[derive(serde::Deserialize)]
pub struct Credentials {
    /// As it was typed.
    #[serde(default)]
    pub(in crate::web) email: String,
    #[serde(default)]
    password: String,
    #[serde(default, flatten)]
    next: Next,
}

/// Signs in.
pub async fn create(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    ClientIp(from): ClientIp,
    headers: HeaderMap,
    shell: Shell,
    Fields(form): Fields<Credentials>,
) -> Result {
    let next = form.next.path();
    let member = match attempt(&state, &form, from).await? {
        Ok(member) => member,
        Err(Again { wrong, wait }) => {
            let ways = WaysIn::new(&state, Form::Asked);
            let answer = again(&SignInPage { shell, email: form.email, next, ways, wrong }, wait)?;
            return Ok(ways_in::leads_on(&state, answer));
        }
    };
    // The session that was there belonged to whoever used this browser before.
    if let Viewer::Member(before) = viewer {
        sessions::sign_out(&state.ctx, &before).await?;
    }
    enter(&state, &member, &headers, page::redirect(&next)?).await
}

/// Why the form has to be shown again.
pub(in crate::web) struct Again {
    /// What to say.
    pub(in crate::web) wrong: Wrong,
    /// How long to wait before the next attempt, where there were too many.
    pub(in crate::web) wait: Option<Duration>,
}

/// The member whose e-mail address and password these are.
pub(in crate::web) async fn attempt(
    state: &PortalState,
    form: &Credentials,
    from: IpAddr,
) -> Result<std::result::Result<Member, Again>> {
    Ok(match sign_in::sign_in(&state.ctx, (&*state.accounts).into(), (&form.email, &form.password), from).await {
        Err(Error::Busy(wait)) => {
            let text = format!("Too many attempts. Try again in {}.", in_words(wait.as_secs()));
            Err(Again { wrong: Wrong::summary_only(text), wait: Some(wait) })
        }
        answer => match outcome(answer)? {
            Outcome::Done(member) => Ok(member),
            Outcome::Wrong(wrong) => Err(Again { wrong, wait: None }),
        },
    })
}

/// Shows the form again.
pub(in crate::web) fn again(page: &impl Template, wait: Option<Duration>) -> Result {
    let Some(wait) = wait else { return page::refuse(page) };
    let mut response = page::show_with(StatusCode::TOO_MANY_REQUESTS, page)?;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    Ok(response)
}

/// Opens a session for a member and puts its cookie on the answer.
pub(super) async fn enter(state: &PortalState, member: &Member, headers: &HeaderMap, mut response: Response) -> Result {
    let (_, cookie) = open(state, member, headers, None).await?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// Opens a session, by a provider of that name or by a password; the answer is the member in it and its cookie.
pub(in crate::web) async fn open(
    state: &PortalState,
    member: &Member,
    headers: &HeaderMap,
    provider: Option<&str>,
) -> Result<(Member, HeaderValue)> {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let (member, secret) = sessions::open_by(&state.ctx, member, state.lifetime, agent, provider).await?;
    let name = cookie::session_name(state.transport());
    let age = state.lifetime.absolute.whole_seconds();
    let cookie = cookie::set(state.transport(), name, secret.expose(), Some(age));
    let cookie = cookie.ok_or_else(|| Failure::from(Error::internal("the session's cookie cannot be written")))?;
    Ok((member, cookie))
}

/// Signs out. Without a session there is nothing to do, and no reason to complain.
pub async fn delete(State(state): State<PortalState>, CurrentViewer(viewer): CurrentViewer) -> Result {
    if let Viewer::Member(member) = viewer {
        sessions::sign_out(&state.ctx, &member).await?;
    }
    let mut response = page::redirect_with(&state, &urls::apis(), Flash::SignedOut)?;
    let clear = cookie::clear(state.transport(), cookie::session_name(state.transport()));
    response.headers_mut().extend(clear.map(|clear| (SET_COOKIE, clear)));
    Ok(response)
}
