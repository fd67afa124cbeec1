//! Takes the browser back from a provider: checks that it is the one that went, that the answer is the provider's, and whose
//! account it opens.

use crate::base::error::Result;
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::accounts::providers::exchange::{self, Code};
use crate::domain::accounts::providers::provider::Provider;
use crate::domain::accounts::providers::refusal::Refusal;
use crate::domain::accounts::providers::started_store::Begun;
use crate::domain::accounts::providers::{account, begin, started_store};
use crate::domain::accounts::throttle;
use std::net::IpAddr;
use url::form_urlencoded;

/// The longest code that is sent on.
const LONGEST_CODE: usize = 4096;
/// Errors that are somebody's decision, and no fault (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
const DECISIONS: [&str; 5] =
    ["access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required"];

/// What came in the address (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Debug, Default)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// This member is to be signed in.
    SignedIn(Member),
    /// The account of the member who looks is connected.
    Connected,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub struct Came<'a> {
    /// The query.
    pub query: &'a str,
    /// The cookie, if there is one.
    pub cookie: Option<&'a str>,
    /// Who looks.
    pub viewer: &'a Viewer,
}

/// Signs in whoever comes back so, or connects their account.
pub async fn finish(
    ctx: &Ctx,
    provider: &Provider,
    redirect_uri: &str,
    came: Came<'_>,
    from: IpAddr,
) -> Result<Result<Finished, Refusal>> {
    let answer = Answer::read(came.query);
    let state = answer.as_ref().and_then(|answer| answer.state.as_deref());
    let state = state.and_then(|state| Plain::parse(Kind::SignInState, state));
    let (Some(answer), Some(state), Some(cookie)) = (answer, state, came.cookie) else {
        return Ok(Err(provider.refused(None, Refusal::Ended)));
    };
    let parts = begin::parts(&state, cookie);
    let keys = (&parts.state, &parts.browser);
    let begun = started_store::take(&mut *ctx.conn().await?, keys, &provider.name, ctx.clock.now()).await?;
    let member = match begun {
        Some(Begun::SignIn) => None,
        // Somebody else may have signed in meanwhile: it is not their account that was meant.
        Some(Begun::Connect(user)) => match came.viewer.member().filter(|member| member.id == user) {
            Some(member) => Some(member),
            None => return Ok(Err(provider.refused(Some(user), Refusal::Ended))),
        },
        None => return Ok(Err(provider.refused(None, Refusal::Ended))),
    };
    let metadata = match provider.metadata(ctx).await {
        Ok(metadata) => metadata,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // Before anything else in it is believed: the answer may be another server's (RFC 9207 §2.4).
    let is_theirs = match &answer.iss {
        Some(iss) => *iss == provider.settings.issuer,
        None => !metadata.names_issuer,
    };
    if !is_theirs {
        return Ok(Err(provider.unusable("answer", &"iss is missing or another server's")));
    }
    if let Some(error) = &answer.error {
        return Ok(Err(match DECISIONS.iter().find(|known| *known == error) {
            Some(_) => provider.refused(None, Refusal::Denied),
            None => provider.unusable("answer", &"it is an error, and no decision of somebody's"),
        }));
    }
    let code = answer.code.as_deref().filter(|code| (1..=LONGEST_CODE).contains(&code.len()));
    let Some(code) = code else { return Ok(Err(provider.unusable("answer", &"it has no code"))) };
    let code = Code { text: code, verifier: &parts.verifier, redirect_uri, nonce: &parts.nonce };
    let person = match exchange::person(ctx, provider, &metadata, &code).await {
        Ok(person) => person,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut tx = ctx.db.begin().await?;
    let entered = match member {
        None => account::enter(&mut tx, ctx, provider, &person).await?.map(Finished::SignedIn),
        Some(member) => account::connect(&mut tx, ctx, provider, &person, member).await?.map(|()| Finished::Connected),
    };
    let finished = match entered {
        Ok(finished) => finished,
        Err((user, refusal)) => return Ok(Err(provider.refused(user, refusal))),
    };
    started_store::delete(&mut tx, &parts.state).await?;
    tx.commit().await?;
    if let Finished::SignedIn(member) = &finished {
        let (provider, network) = (&provider.name, throttle::network(from));
        tracing::info!(user.id = %member.id, provider, client.network = network, "a member has signed in with {provider}");
    }
    Ok(Ok(finished))
}

impl Answer {
    /// None when a parameter comes twice (RFC 6749 §3.1).
    fn read(query: &str) -> Option<Self> {
        let mut answer = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut answer.state,
                "code" => &mut answer.code,
                "error" => &mut answer.error,
                "iss" => &mut answer.iss,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        Some(answer)
    }
}
