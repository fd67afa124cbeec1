//! Caller × route → [`Permit`]: the only way to get one, and the only thing that [`crate::gateway::forward`] takes.

use crate::base::environment::Environment;
use crate::base::tally::Credential;
use crate::gateway::authn::Caller;
use crate::gateway::keyring::{State, Subscription};
use crate::gateway::refusal::Refusal;
use crate::gateway::route::Matched;
use crate::gateway::snapshot::{Backend, Snapshot};
use http::HeaderValue;
use time::OffsetDateTime;

/// Proof that this caller may make this call now.
pub(super) struct Permit<'a> {
    /// Where it goes.
    pub(super) matched: Matched<'a, 'a>,
    /// To whom.
    pub(super) backend: &'a Backend,
    /// On whose behalf; none where the API asks for no credential.
    pub(super) identity: Option<Identity<'a>>,
    // Only this file can make one.
    _proof: (),
}

/// What the backend hears about the caller.
pub(super) struct Identity<'a> {
    /// The application's id.
    pub(super) application: &'a HeaderValue,
    /// The subscription's id.
    pub(super) subscription: &'a HeaderValue,
    /// The plan's name, if it is known.
    pub(super) plan: Option<&'a HeaderValue>,
}

/// Everything that must hold, each time: subscription and API state are never remembered with the credential's verdict.
pub(super) fn check<'a>(
    snapshot: &'a Snapshot,
    matched: Matched<'a, 'a>,
    environment: Environment,
    caller: &'a Caller,
    now: OffsetDateTime,
) -> Result<Permit<'a>, Refusal> {
    let (api, major) = (matched.route.api.id, matched.route.version.major);
    let found = match caller {
        Caller::Anyone => None,
        Caller::Key(key) => {
            if key.until.is_some_and(|until| now >= until) {
                return Err(Refusal::ReplacedKey);
            }
            if key.environment != environment {
                return Err(Refusal::OtherEnvironment);
            }
            if key.api != api || key.major != major {
                return Err(Refusal::OtherApi);
            }
            if *key.endpoint != *matched.endpoint.name {
                return Err(Refusal::OtherEndpoint);
            }
            Some((&key.application_header, key.subscription.as_ref()))
        }
        Caller::Client(client) => {
            if client.environment != environment {
                return Err(Refusal::OtherEnvironment);
            }
            let subscription = client.subscriptions.iter().find(|s| s.api == api && s.major == major);
            Some((&client.application_header, subscription))
        }
    };
    let identity = match found {
        None => None,
        Some((_, None)) => return Err(Refusal::NotSubscribed),
        Some((_, Some(Subscription { state: State::Blocked, .. }))) => return Err(Refusal::SubscriptionBlocked),
        Some((application, Some(subscription))) => {
            Some(Identity { application, subscription: &subscription.id, plan: snapshot.plan(subscription.plan) })
        }
    };
    let backend = matched.endpoint.backend(environment).ok_or(Refusal::NoBackend)?;
    Ok(Permit { matched, backend, identity, _proof: () })
}

impl Caller {
    /// For usage: whose application, and which credential.
    pub(super) fn credential(&self) -> (Option<crate::base::id::ApplicationId>, Credential) {
        match self {
            Self::Anyone => (None, Credential::None),
            Self::Key(key) => (Some(key.application), Credential::ApiKey(key.id)),
            Self::Client(client) => (Some(client.application), Credential::Client(std::sync::Arc::clone(&client.id))),
        }
    }
}
