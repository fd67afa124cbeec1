//! Sends the browser to a provider. What is needed again when it comes back is made of two secrets that the browser keeps:
//! the `state`, in the address, and a cookie, which also holds where to go afterwards. Whoever has only one of them, or reads
//! the database, can do nothing with it: that is what makes a sign-in belong to one browser (RFC 6749 §10.12).

use crate::base::error::{Error, Result};
use crate::base::id::UserId;
use crate::base::secret::{Digest, Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::providers::provider::Provider;
use crate::domain::accounts::providers::refusal::Refusal;
use crate::domain::accounts::providers::started_store::{self, Started};
use crate::domain::accounts::throttle;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use time::Duration;
use url::Url;

/// How long somebody may take at the provider.
pub const PATIENCE: Duration = Duration::minutes(15);
/// Sign-ins of one network that may be open or have failed within that time: each makes us ask the provider.
const MOST_STARTED: i64 = 100;

/// Whether the provider has to ask, also somebody who is signed in there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// It may answer at once.
    AsItLikes,
    /// Somebody wants to know anew who sits there (OpenID Connect Core §3.1.2.1, `prompt`).
    Always,
}

/// What somebody goes there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be signed in.
    SignIn(Asking),
    /// To connect the account of this member.
    Connect(UserId),
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub to: String,
    /// What it keeps.
    pub cookie: String,
}

/// What belongs to one sign-in, made of the two secrets.
pub(super) struct Parts {
    pub(super) state: Digest,
    pub(super) browser: Digest,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

/// Begins. `next` is where the browser goes in the end; the caller has checked it, and checks it again then.
pub async fn begin(
    ctx: &Ctx,
    provider: &Provider,
    redirect_uri: &str,
    (next, purpose): (&str, Purpose),
    from: IpAddr,
) -> Result<Result<Begun, Refusal>> {
    let (now, network) = (ctx.clock.now(), throttle::network(from));
    let started = started_store::count(&mut *ctx.conn().await?, &network, now - PATIENCE).await?;
    if started >= MOST_STARTED {
        return Ok(Err(provider.refused(None, Refusal::TooMany(PATIENCE.unsigned_abs()))));
    }
    let metadata = match provider.metadata(ctx).await {
        Ok(metadata) => metadata,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let state = Plain::mint(Kind::SignInState, &ctx.random);
    let secret = Plain::mint(Kind::SignInBrowser, &ctx.random);
    let cookie = format!("{}.{}", secret.expose(), URL_SAFE_NO_PAD.encode(next));
    let parts = parts(&state, &cookie);
    let started = Started {
        state: parts.state,
        browser: parts.browser,
        provider: &provider.name,
        user: if let Purpose::Connect(user) = purpose { Some(user) } else { None },
        network: &network,
        now,
        expires_at: now + PATIENCE,
    };
    started_store::insert(&mut *ctx.conn().await?, &started).await?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(parts.verifier.as_bytes()));
    let mut to: Url = metadata.authorization.clone();
    to.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.settings.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &provider.settings.scopes.join(" "))
        .append_pair("state", state.expose())
        .append_pair("nonce", &parts.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    if purpose != Purpose::SignIn(Asking::AsItLikes) {
        to.query_pairs_mut().append_pair("prompt", "login");
    }
    if to.as_str().len() > 8000 {
        return Err(Error::internal(format!("the address of identity provider {} is too long", provider.name)));
    }
    Ok(Ok(Begun { to: to.into(), cookie }))
}

/// Where a browser goes in the end, from its cookie. Nothing vouches for it before the cookie has been found to belong to a
/// sign-in that has begun.
pub fn next_of(cookie: &str) -> String {
    let next = cookie.split_once('.').and_then(|(_, next)| URL_SAFE_NO_PAD.decode(next).ok());
    next.and_then(|next| String::from_utf8(next).ok()).unwrap_or_default()
}

/// State and cookie make nonce and verifier, so that nobody has to store them: 256 bits each that only this browser knows.
pub(super) fn parts(state: &Plain, cookie: &str) -> Parts {
    let made = |label: &str| {
        let text = format!("portico {label}\n{}\n{cookie}", state.expose());
        URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
    };
    Parts {
        state: state.digest(),
        browser: Digest(Sha256::digest(cookie.as_bytes()).into()),
        nonce: made("nonce"),
        verifier: made("code verifier"),
    }
}
