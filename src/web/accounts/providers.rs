//! Signing in with a provider, or connecting one's account with it: the way there, and the way back.

use crate::base::error::Error;
use crate::domain::accounts::model::Viewer;
use crate::domain::accounts::providers::begin::{self, Asking, Begun, PATIENCE, Purpose};
use crate::domain::accounts::providers::connections;
use crate::domain::accounts::providers::finish::{self, Came, Finished};
use crate::domain::accounts::providers::provider::Provider;
use crate::domain::accounts::sessions;
use crate::domain::oauth::authorize::flow;
use crate::web::accounts::{provider_fault, sign_in};
use crate::web::client_ip::ClientIp;
use crate::web::cookie;
use crate::web::error::{Failure, Result};
use crate::web::flash::Flash;
use crate::web::form::Fields;
use crate::web::oauth::authorize;
use crate::web::page::{self, Shell};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::{CurrentViewer, SignedIn};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::Response;
use std::net::IpAddr;

/// What a button sends.
#[derive(serde::Deserialize)]
pub struct Start {
    #[serde(default)]
    next: String,
}

/// Sends the browser to the provider.
pub async fn begin(
    State(state): State<PortalState>,
    At(name): At<String>,
    ClientIp(from): ClientIp,
    shell: Shell,
    Fields(start): Fields<Start>,
) -> Result {
    let provider = find(&state, &name)?;
    let next = urls::local(&start.next).map_or_else(urls::apis, str::to_owned);
    // Whoever is signed in meets a sign-in page only where an application wants them to prove anew who they are.
    let is_again = shell.viewer.is_signed_in() && urls::authorization_handle(&next).is_some();
    let asking = if is_again { Asking::Always } else { Asking::AsItLikes };
    go(&state, shell, provider, (&next, Purpose::SignIn(asking)), from).await
}

/// The same, to connect the account of a member.
pub async fn connect(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At(name): At<String>,
    ClientIp(from): ClientIp,
    shell: Shell,
) -> Result {
    let provider = find(&state, &name)?;
    if let Err(refusal) = connections::may_connect(&state.ctx, &member).await? {
        return provider_fault::show(shell, provider, &urls::account(), &refusal);
    }
    go(&state, shell, provider, (&urls::account(), Purpose::Connect(member.id)), from).await
}

/// Disconnects it again.
pub async fn disconnect(State(state): State<PortalState>, SignedIn(member): SignedIn, At(name): At<String>) -> Result {
    connections::disconnect(&state.ctx, (&*state.accounts).into(), &member, &name).await?;
    page::redirect_with(&state, &urls::account(), Flash::Disconnected)
}

async fn go(
    state: &PortalState,
    shell: Shell,
    provider: &Provider,
    (next, purpose): (&str, Purpose),
    from: IpAddr,
) -> Result {
    let begun = begin::begin(&state.ctx, provider, &redirect_uri(state, provider), (next, purpose), from).await?;
    let Begun { to, cookie } = match begun {
        Ok(begun) => begun,
        Err(refusal) => return Ok(guarded(provider_fault::show(shell, provider, next, &refusal)?)),
    };
    let mut response = guarded(page::redirect(&to)?);
    let transport = state.transport();
    let age = PATIENCE.whole_seconds();
    let cookie = cookie::set(transport, cookie::sign_in_name(transport), &cookie, Some(age))
        .ok_or_else(|| Failure::from(Error::internal("the cookie of a sign-in cannot be written")))?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// Takes the browser back: opens a session, and goes on to where it wanted to go.
pub async fn finish(
    State(state): State<PortalState>,
    At(name): At<String>,
    ClientIp(from): ClientIp,
    CurrentViewer(viewer): CurrentViewer,
    (headers, uri): (HeaderMap, Uri),
    shell: Shell,
) -> Result {
    let provider = find(&state, &name)?;
    let transport = state.transport();
    let kept = cookie::get(&headers, cookie::sign_in_name(transport)).map(str::to_owned);
    let next = kept.as_deref().map(begin::next_of).unwrap_or_default();
    let next = urls::local(&next).map_or_else(urls::apis, str::to_owned);
    let over = cookie::clear(transport, cookie::sign_in_name(transport));
    let came = Came { query: uri.query().unwrap_or_default(), cookie: kept.as_deref(), viewer: &viewer };
    let finished = finish::finish(&state.ctx, provider, &redirect_uri(&state, provider), came, from).await?;
    let member = match finished {
        Ok(Finished::SignedIn(member)) => member,
        Ok(Finished::Connected) => {
            let mut response = guarded(page::redirect_with(&state, &next, Flash::Connected)?);
            response.headers_mut().extend(over.map(|cookie| (SET_COOKIE, cookie)));
            return Ok(response);
        }
        Err(refusal) => return Ok(guarded(provider_fault::show(shell, provider, &next, &refusal)?)),
    };
    // The session that was there belonged to whoever used this browser before.
    if let Viewer::Member(before) = viewer {
        sessions::sign_out(&state.ctx, &before).await?;
    }
    let (member, session) = sign_in::open(&state, &member, &headers, Some(&provider.name)).await?;
    let mut response = match urls::authorization_handle(&next) {
        Some(handle) => {
            let step = flow::signed_in(&state.ctx, &state.issuer, handle, &member).await?;
            authorize::go_on(&state, shell, step)?
        }
        None => guarded(page::redirect(&next)?),
    };
    response.headers_mut().extend(over.into_iter().chain([session]).map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

/// What a visitor may not know of does not exist.
fn find<'a>(state: &'a PortalState, name: &str) -> Result<&'a Provider> {
    state.providers.find(name).ok_or_else(|| Failure::from(Error::NotFound))
}

/// Where the provider sends the browser back to, as it is registered there.
fn redirect_uri(state: &PortalState, provider: &Provider) -> String {
    format!("{}{}", state.urls.portal, urls::sign_in_callback(&provider.name))
}

/// No cache keeps these answers, no `Referer` carries the code that is in the address, and an opener in another window, an
/// application that signs in through a pop-up window, stays connected on the way.
fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("unsafe-none"));
    response
}
