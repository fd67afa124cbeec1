//! Caller × route → [`Permit`]: the only way to get one, and the only thing that [`crate::gateway::forward`] takes.

use crate::base::environment::Environment;
use crate::base::tally::Credential;
use crate::gateway::authn::Caller;
use crate::gateway::keyring::{State, Subscription};
use crate::gateway::limits::{Rate, Standing};
use crate::gateway::refusal::Refusal;
use crate::gateway::route::Matched;
use crate::gateway::snapshot::{Backend, Plan, Snapshot};
use http::{HeaderMap, HeaderValue, Method};
use time::OffsetDateTime;

/// Proof that this caller may make this call now.
pub(super) struct Permit<'a, 't> {
    /// Where it goes.
    pub(super) matched: Matched<'a, 'a>,
    /// To whom.
    pub(super) backend: &'a Backend,
    /// On whose behalf; none where the API asks for no credential.
    pub(super) identity: Option<Identity<'a>>,
    /// Where the caller stands after this call; none where there is no limit.
    pub(super) limit: Option<Limit<'t>>,
    // Only this file can make one.
    _proof: (),
}

/// What of a request's head says what it wants to do.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Its method.
    pub(super) method: &'a Method,
    /// Its headers, some of which put another method in its place.
    pub(super) headers: &'a HeaderMap,
}

/// A rate, and where a caller stands with it.
pub(super) type Limit<'t> = (&'t Rate, Standing);

/// A call that is not let through.
pub(super) struct Denied<'t> {
    /// Why.
    pub(super) refusal: Refusal,
    /// Where the caller stands, where that is why.
    pub(super) limit: Option<Limit<'t>>,
    /// The scopes that its token needs, where that is why.
    pub(super) scopes: Option<String>,
}

impl From<Refusal> for Denied<'_> {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, limit: None, scopes: None }
    }
}

/// What the backend hears about the caller.
pub(super) struct Identity<'a> {
    /// The application's id.
    pub(super) application: &'a HeaderValue,
    /// The subscription's id.
    pub(super) subscription: &'a HeaderValue,
    /// The plan, if it is known.
    pub(super) plan: Option<&'a Plan>,
}

/// Everything that must hold, each time: subscription and API state are never remembered with the credential's verdict.
pub(super) fn check<'a, 't: 'a>(
    snapshot: &'t Snapshot,
    matched: Matched<'a, 'a>,
    asked: Asked<'_>,
    (caller, environment): (&'a Caller, Environment),
    now: OffsetDateTime,
) -> Result<Permit<'a, 't>, Denied<'t>> {
    let (api, major) = (matched.route.api.id, matched.route.version.major);
    let found = match caller {
        Caller::Anyone => None,
        Caller::Key(key) => {
            if key.until.is_some_and(|until| now >= until) {
                return Err(Refusal::ReplacedKey.into());
            }
            if key.environment != environment {
                return Err(Refusal::OtherEnvironment.into());
            }
            if key.api != api || key.major != major {
                return Err(Refusal::OtherApi.into());
            }
            if *key.endpoint != *matched.endpoint.name {
                return Err(Refusal::OtherEndpoint.into());
            }
            Some((&key.application_header, key.subscription.as_ref()))
        }
        Caller::Client(client, token) => {
            if client.environment != environment {
                return Err(Refusal::OtherEnvironment.into());
            }
            if !token.reach.is_for(&matched.route.resource) {
                return Err(Refusal::OtherResource.into());
            }
            let subscription = client.subscriptions.iter().find(|s| s.api == api && s.major == major);
            Some((&client.application_header, subscription))
        }
    };
    let identity = match found {
        None => None,
        Some((_, None)) => return Err(Refusal::NotSubscribed.into()),
        Some((_, Some(Subscription { state: State::Blocked, .. }))) => return Err(Refusal::SubscriptionBlocked.into()),
        Some((application, Some(subscription))) => {
            let plan = snapshot.plan(subscription.plan);
            Some((Identity { application, subscription: &subscription.id, plan }, plan, &*subscription.counter))
        }
    };
    // API keys have no scopes and are not asked for any.
    if let (Caller::Client(_, token), Some(operations)) = (caller, &matched.endpoint.operations) {
        let methods = methods(asked, matched.query);
        let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
        if let Some(needed) = operations.unmet(&methods, matched.rest, token.reach.scopes()) {
            return Err(Denied { scopes: Some(needed), ..Refusal::InsufficientScope.into() });
        }
    }
    let backend = matched.endpoint.backend(environment).ok_or(Refusal::NoBackend)?;
    // Last, because a call that is refused for another reason costs nothing.
    let (identity, limit) = match identity {
        Some((identity, plan, counter)) => {
            let rate = plan.and_then(|plan| plan.rate.as_ref());
            (Some(identity), rate.map(|rate| (rate, counter.take(rate, now))))
        }
        None => (None, None),
    };
    if limit.is_some_and(|(_, standing)| standing.wait.is_some()) {
        return Err(Denied { limit, ..Refusal::RateExceeded.into() });
    }
    Ok(Permit { matched, backend, identity, limit, _proof: () })
}

/// Headers by which some frameworks let a request say that another method is meant.
const OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];
/// The same as a parameter.
const OVERRIDE: &str = "_method";

/// The request's method, and each that a backend may be told to take instead.
fn methods(asked: Asked<'_>, query: Option<&str>) -> Vec<String> {
    let mut methods = vec![asked.method.as_str().to_owned()];
    for (name, value) in asked.headers {
        // CGI and its heirs do not tell hyphens and underscores apart.
        if OVERRIDES.iter().any(|known| *known == name.as_str().replace('_', "-")) {
            methods.push(String::from_utf8_lossy(value.as_bytes()).trim().to_uppercase());
        }
    }
    let parameters = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    methods.extend(parameters.filter(|(name, _)| name == OVERRIDE).map(|(_, value)| value.trim().to_uppercase()));
    methods
}

impl Caller {
    /// For usage: whose application, and which credential.
    pub(super) fn credential(&self) -> (Option<crate::base::id::ApplicationId>, Credential) {
        match self {
            Self::Anyone => (None, Credential::None),
            Self::Key(key) => (Some(key.application), Credential::ApiKey(key.id)),
            Self::Client(client, _) => {
                (Some(client.application), Credential::Client(std::sync::Arc::clone(&client.id)))
            }
        }
    }
}
