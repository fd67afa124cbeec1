//! Caller × route → [`Permit`]: the only way to get one, and the only thing that [`crate::gateway::forward`] takes.

use crate::base::environment::Environment;
use crate::base::tally::Credential;
use crate::gateway::authn::Caller;
use crate::gateway::enforce::{self, Outside};
use crate::gateway::key_limits::Origin;
use crate::gateway::limits::{CommonLimit, Limited, Limiter, Standings};
use crate::gateway::policy::{Pass, Rules};
use crate::gateway::refusal::Refusal;
use crate::gateway::route::Matched;
use crate::gateway::snapshot::{Backend, Plan, Snapshot};
use crate::gateway::subscription::State;
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
    /// A signed statement of who calls, where the API asks for one.
    pub(super) assertion: Option<HeaderValue>,
    /// What the gateway does for the API.
    pub(super) rules: &'a Rules,
    /// Where the caller stands after this call; none where there is no limit.
    pub(super) limit: Option<Standings<'t>>,
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
    /// Where it came from.
    pub(super) origin: Origin<'a>,
}

/// A call that is not let through.
pub(super) struct Denied<'t> {
    /// Why.
    pub(super) refusal: Refusal,
    /// Where the caller stands, where that is why.
    pub(super) limit: Option<Standings<'t>>,
    /// The scopes that its token needs, where that is why.
    pub(super) scopes: Option<String>,
    /// The methods that there are, where that is why.
    pub(super) allow: Option<String>,
}

impl From<Refusal> for Denied<'_> {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, limit: None, scopes: None, allow: None }
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
    /// The user, where a token was issued for one.
    pub(super) user: Option<&'a HeaderValue>,
    /// The scopes of a token.
    pub(super) scopes: Option<&'a HeaderValue>,
}

/// Everything that must hold, each time: subscription and API state are never remembered with the credential's verdict.
pub(super) async fn check<'a, 't: 'a>(
    limiter: &Limiter,
    snapshot: &'t Snapshot,
    matched: Matched<'t, 'a>,
    asked: Asked<'_>,
    (caller, environment): (&'a Caller, Environment),
    now: OffsetDateTime,
) -> Result<Permit<'a, 't>, Denied<'t>> {
    let (api, major) = (matched.route.api.id, matched.route.version.major);
    // A newer release may have asked for something that only it can do.
    let rules = matched.route.api.rules.as_ref().ok_or(Refusal::PoliciesUnreadable)?;
    let found = match caller {
        Caller::Anyone => None,
        Caller::Key(key) => {
            if key.until().is_some_and(|until| now >= until) {
                return Err(Refusal::ReplacedKey.into());
            }
            if key.limits().is_some_and(|limits| limits.has_expired(now)) {
                return Err(Refusal::ExpiredKey.into());
            }
            let target = &*key.target;
            if target.environment != environment {
                return Err(Refusal::OtherEnvironment.into());
            }
            if target.api != api || target.major != major {
                return Err(Refusal::OtherApi.into());
            }
            if *target.endpoint != *matched.endpoint.name {
                return Err(Refusal::OtherEndpoint.into());
            }
            if let Some(limits) = key.limits() {
                limits.check_address(asked.origin, asked.headers)?;
            }
            Some(key.subscription.as_deref())
        }
        Caller::Client(client, token) => {
            if client.environment != environment {
                return Err(Refusal::OtherEnvironment.into());
            }
            if !token.reach.is_for(&matched.route.resource) {
                return Err(Refusal::OtherResource.into());
            }
            Some(client.subscriptions.iter().map(|s| &**s).find(|s| s.api == api && s.major == major))
        }
    };
    let (identity, counted) = match found {
        None => (None, None),
        Some(None) => return Err(Refusal::NotSubscribed.into()),
        Some(Some(subscription)) => {
            if subscription.state != State::Active
                && let Some(refusal) = subscription.state.refusal(environment)
            {
                return Err(refusal.into());
            }
            // A plan newer than the route table: without its limits nothing passes, and the table is here in a moment.
            let plan = snapshot.plan(subscription.plan).ok_or(Refusal::Unavailable)?;
            let allowance = plan.allowance.as_ref();
            let counted = allowance.map(|allowance| Limited { allowance, counter: &subscription.counter });
            let token = if let Caller::Client(_, token) = caller { Some(token) } else { None };
            let user = token.and_then(|token| token.user.as_ref());
            let scopes = token.and_then(|token| token.reach.scopes_header());
            (
                Some(Identity {
                    application: &subscription.application,
                    subscription: &subscription.id,
                    plan: Some(plan),
                    user,
                    scopes,
                }),
                counted,
            )
        }
    };
    in_definition(matched, asked, rules)?;
    if let Caller::Key(key) = caller
        && let Some(limits) = key.limits()
    {
        let overriding = overriding(asked, matched.query);
        let methods = std::iter::once(asked.method.as_str()).chain(overriding.iter().map(|method| &**method));
        limits.check_operation(matched, &methods)?;
    }
    // API keys have no scopes and are not asked for any.
    if let Caller::Client(_, token) = caller
        && let Some(needed) = unmet(matched, asked, rules, token.reach.scopes())
    {
        return Err(Denied { scopes: Some(needed), ..Refusal::InsufficientScope.into() });
    }
    let backend = matched.endpoint.backend(environment).ok_or(Refusal::NoBackend)?;
    // Last, because a call that is refused for another reason costs nothing.
    let common = common(matched, asked);
    let taken = if common.is_empty() {
        limiter.take(counted.as_slice(), now).await
    } else {
        let all: Vec<Limited<'_, '_>> = counted.into_iter().chain(common).collect();
        limiter.take(&all, now).await
    };
    let limit = taken.map_err(|over| Denied { limit: Some(over.standings), ..over.refusal.into() })?;
    Ok(Permit { matched, backend, identity, assertion: None, rules, limit, _proof: () })
}

/// Whether the API lets the call through by its definition. Asked of callers who may call the API: to others it does not
/// tell which paths it has.
fn in_definition(matched: Matched<'_, '_>, asked: Asked<'_>, rules: &Rules) -> Result<(), Denied<'static>> {
    if rules.pass == Pass::All {
        return Ok(());
    }
    let overriding = overriding(asked, matched.query);
    let methods = std::iter::once(asked.method.as_str()).chain(overriding.iter().map(|method| &**method));
    enforce::check(matched.endpoint.listing.as_deref(), &methods, matched.rest).map_err(|outside| match outside {
        Outside::Path => Refusal::NoOperation.into(),
        Outside::Method(mut allow) => {
            // Of the gateway itself, which answers what pages ask before they call.
            if rules.cors.is_some() && !allow.contains("OPTIONS") {
                allow.push_str(", OPTIONS");
            }
            Denied { allow: Some(allow), ..Refusal::MethodNotAllowed.into() }
        }
    })
}

/// The scopes that a token with these lacks, if any.
fn unmet(matched: Matched<'_, '_>, asked: Asked<'_>, rules: &Rules, scopes: &str) -> Option<String> {
    let operations = matched.endpoint.operations.as_ref()?;
    with_methods(matched, asked, |methods| {
        operations.unmet(methods, matched.rest, scopes).or_else(|| {
            // What a caller asks for and what the backend then serves: the token must be enough for both.
            let path = rules.rewrite.as_ref()?.apply(matched.rest);
            matched.endpoint.rewritten.as_ref()?.unmet(methods, path.as_deref().unwrap_or(matched.rest), scopes)
        })
    })
}

/// The limits of the API and of each operation that the call may be. Nothing is allocated where there is none.
fn common<'t>(matched: Matched<'t, '_>, asked: Asked<'_>) -> Vec<Limited<'t, 't>> {
    let mut common: Vec<_> = matched.route.api.limit.iter().map(CommonLimit::limited).collect();
    let (Some(limits), Some(rules)) = (&matched.endpoint.limits, &matched.route.api.rules) else { return common };
    with_methods(matched, asked, |methods| {
        let mut operations = limits.asked.needs(methods, matched.rest);
        // What a caller asks for and what the backend then serves: the call counts for both.
        if let (Some(rewrite), Some(rewritten)) = (&rules.rewrite, &limits.rewritten) {
            let path = rewrite.apply(matched.rest);
            operations.extend(rewritten.needs(methods, path.as_deref().unwrap_or(matched.rest)));
        }
        for (place, operation) in operations.iter().enumerate() {
            let is_there = operations.iter().take(place).any(|known| std::ptr::eq(*known, *operation));
            if !is_there {
                common.push(operation.limited());
            }
        }
    });
    common
}

/// Asks something of the request's method and of each that a backend may be told to take instead.
fn with_methods<T>(matched: Matched<'_, '_>, asked: Asked<'_>, ask: impl FnOnce(&[&str]) -> T) -> T {
    let overriding = overriding(asked, matched.query);
    let only = [asked.method.as_str()];
    if overriding.is_empty() {
        return ask(&only);
    }
    let all: Vec<&str> = only.into_iter().chain(overriding.iter().map(|method| &**method)).collect();
    ask(&all)
}

/// Headers by which some frameworks let a request say that another method is meant.
const OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];
/// The same as a parameter.
const OVERRIDE: &str = "_method";

/// Each method that a backend may be told to take instead of the request's own. Nearly always there is none, and nothing
/// is allocated.
fn overriding(asked: Asked<'_>, query: Option<&str>) -> Vec<String> {
    let mut methods = Vec::new();
    for (name, value) in asked.headers {
        if OVERRIDES.iter().any(|known| is_spelt(name.as_str(), known)) {
            methods.push(String::from_utf8_lossy(value.as_bytes()).trim().to_uppercase());
        }
    }
    // Only an encoded name is allocated by the parser.
    let parameters = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    methods.extend(parameters.filter(|(name, _)| name == OVERRIDE).map(|(_, value)| value.trim().to_uppercase()));
    methods
}

/// Whether a header has this name. CGI and its heirs do not tell hyphens and underscores apart.
fn is_spelt(name: &str, known: &str) -> bool {
    let same = |(a, b): (u8, u8)| a == b || (a == b'_' && b == b'-');
    name.len() == known.len() && name.bytes().zip(known.bytes()).all(same)
}

impl Caller {
    /// For usage: whose application, and which credential.
    pub(super) fn credential(&self) -> (Option<crate::base::id::ApplicationId>, Credential) {
        match self {
            Self::Anyone => (None, Credential::None),
            Self::Key(key) if key.until().is_some() => (Some(key.application), Credential::OldApiKey(key.id)),
            Self::Key(key) => (Some(key.application), Credential::ApiKey(key.id)),
            Self::Client(client, _) => {
                (Some(client.application), Credential::Client(std::sync::Arc::clone(&client.id)))
            }
        }
    }
}
