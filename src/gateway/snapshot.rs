//! The immutable route table. It is built whole and swapped whole, so a request sees one state of the catalogue.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, PlanId};
use crate::base::jwt::{KeySet, TokenError};
use crate::base::policy::{BackendLink, Limit, Policies, Protocol, Quota, Rate};
use crate::base::version::{self, Version, VersionState};
use crate::gateway::definitions::Definitions;
use crate::gateway::limits::{Allowance, CommonLimit, Counters, Holder};
use crate::gateway::listing::{Listing, Operation};
use crate::gateway::mixed::Mixing;
use crate::gateway::operations::Operations;
use crate::gateway::policy::{Bounds, Prefixes, Rules};
use crate::gateway::retirement::Retirement;
use crate::gateway::store::{Catalogue, KeyRow, PlanRow, RouteRow, ScopeRow};
use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize as _;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use time::OffsetDateTime;

/// What all requests are matched against.
pub(super) struct Snapshot {
    /// `{context}/v{major}` and `{context}/v{major}.{minor}`, each with what answers there.
    routes: HashMap<Box<str>, Arc<Route>>,
    plans: HashMap<PlanId, Plan, Mixing>,
    /// What each API is called.
    names: HashMap<ApiId, Arc<str>>,
    /// The keys that sign tokens.
    pub(super) keys: Arc<TrustedKeys>,
}

/// A plan, as far as the gateway needs it.
#[derive(Clone)]
pub(super) struct Plan {
    /// Its name, for the backend.
    pub(super) name: HeaderValue,
    /// How much its subscriptions may call; none: as much as they like.
    pub(super) allowance: Option<Allowance>,
}

impl Plan {
    fn new(row: &PlanRow) -> Option<Self> {
        let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
        let rate = number(row.rate_count).zip(row.rate_unit).zip(number(row.burst));
        let rate = rate.map(|((count, per), burst)| Rate { count, per, burst });
        let quota = row.quota_count.and_then(|count| u64::try_from(count).ok()).zip(row.quota_unit);
        let quota = quota.map(|(count, per)| Quota { count, per });
        let allowance = Allowance::new(Holder::Subscription, &row.name, &Limit { rate, quota });
        Some(Self { name: HeaderValue::try_from(row.name.as_str()).ok()?, allowance })
    }
}

/// The public keys that are believed.
pub(super) struct TrustedKeys {
    revision: i64,
    now: KeySet,
    /// When the first of them ends, and those that are left then: the table without it is read a little later.
    next: Option<(OffsetDateTime, KeySet)>,
}

impl TrustedKeys {
    /// From rows that were read at `revision`.
    pub(super) fn new(revision: i64, rows: &[KeyRow]) -> Result<Self, TokenError> {
        let next = match rows.iter().filter_map(|row| row.gone_at).min() {
            Some(end) => {
                let left = rows.iter().filter(|row| row.gone_at.is_none_or(|at| at > end));
                Some((end, KeySet::from_jwks(left.map(|row| &row.public_jwk))?))
            }
            None => None,
        };
        Ok(Self { revision, now: KeySet::from_jwks(rows.iter().map(|row| &row.public_jwk))?, next })
    }

    /// The keys at `now`, and a mark that differs whenever they do: tokens checked against others are checked again.
    pub(super) fn at(&self, now: OffsetDateTime) -> (&KeySet, KeysMark) {
        match &self.next {
            Some((end, left)) if *end <= now => (left, KeysMark(self.revision, Some(*end))),
            _ => (&self.now, KeysMark(self.revision, None)),
        }
    }

    /// Whether one of them has ended at `now`.
    pub(super) fn have_ended(&self, now: OffsetDateTime) -> bool {
        self.next.as_ref().is_some_and(|(end, _)| *end <= now)
    }
}

/// Which keys a token was checked against.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct KeysMark(i64, Option<OffsetDateTime>);

/// One version of an API.
pub(super) struct Route {
    /// What holds for all its versions.
    pub(super) api: Arc<Api>,
    /// Which one.
    pub(super) version: Version,
    /// The same as a header.
    pub(super) version_header: HeaderValue,
    /// Published, deprecated or blocked.
    pub(super) state: VersionState,
    /// What its answers say, if it is deprecated.
    pub(super) retirement: Option<Retirement>,
    /// What identifies its major version below the gateway's base URL: `{context}/v{major}` (RFC 8707).
    pub(super) resource: Arc<str>,
    /// Longest path first.
    endpoints: Vec<Endpoint>,
}

/// What holds for all versions of an API.
pub(super) struct Api {
    /// Its id.
    pub(super) id: ApiId,
    /// Its name, for operators.
    pub(super) name: Arc<str>,
    /// How everybody may know it; nothing if not everybody may.
    pub(super) public: Option<PublicNames>,
    /// Its scopes, in order.
    pub(super) scopes: Box<[Box<str>]>,
    /// The header that carries an API key, if it takes one.
    pub(super) key_header: Option<HeaderName>,
    /// The header that carries an access token, if it takes one.
    pub(super) bearer_header: Option<HeaderName>,
    /// What its publisher asks for.
    pub(super) policies: Policies,
    /// What all its callers together may do.
    pub(super) limit: Option<CommonLimit>,
    /// Policies, ready to be carried out; nothing where it cannot be read: then nobody may call.
    pub(super) rules: Option<Rules>,
}

/// What an API is called, where everybody may see it.
pub(super) struct PublicNames {
    /// In URLs of the portal.
    pub(super) name: Box<str>,
    /// For people.
    pub(super) title: Box<str>,
}

/// One endpoint of a version.
pub(super) struct Endpoint {
    /// What API keys are bound to.
    pub(super) name: Box<str>,
    /// Which scopes access tokens need here; nothing if none needs any.
    pub(super) operations: Option<Arc<Operations>>,
    /// The same, for the paths that backends get, where a policy gives them others.
    pub(super) rewritten: Option<Box<Operations>>,
    /// What its `OpenAPI` file lists; nothing if it has none.
    pub(super) listing: Option<Arc<Listing>>,
    /// Which operations are limited; nothing if none is.
    pub(super) limits: Option<Box<OperationLimits>>,
    path: Box<str>,
    production: Option<Backend>,
    sandbox: Option<Backend>,
}

/// The limits of an endpoint's operations.
pub(super) struct OperationLimits {
    /// By the paths that callers ask for.
    pub(super) asked: Operations<CommonLimit>,
    /// By the paths that backends get, where a policy gives them others.
    pub(super) rewritten: Option<Operations<CommonLimit>>,
}

/// Where an endpoint's requests go.
pub(super) struct Backend {
    /// The server.
    pub(super) origin: Arc<Origin>,
    /// The server as an origin (RFC 6454): `https://pets.internal:8443`.
    pub(super) url: Box<str>,
    /// The path that requests are joined to, as in the backend's URL; starts with a slash.
    pub(super) base: Box<str>,
}

/// A backend server: what connections are pooled by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    /// How to talk to it.
    pub(super) scheme: Scheme,
    /// Name or address, without brackets.
    pub(super) host: Box<str>,
    /// Its port.
    pub(super) port: u16,
    /// The `Host` it expects.
    pub(super) authority: HeaderValue,
    /// What is spoken with it.
    pub(super) protocol: Protocol,
    /// The profile of TLS, if it is not the usual one.
    pub(super) tls: Option<Box<str>>,
}

/// The origins that are known already, so that backends on one server share its connections.
type Origins = HashMap<(String, Protocol, Option<Box<str>>), Arc<Origin>>;

/// How to talk to a backend.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Scheme {
    /// In the clear.
    Http,
    /// TLS, verified.
    Https,
}

impl Scheme {
    /// As in URLs.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl Endpoint {
    /// The operation that a call is, if its path below the endpoint and its method are listed.
    pub(super) fn operation(&self, method: &Method, rest: &str) -> Option<Operation<'_>> {
        self.listing.as_ref()?.find(method.as_str(), rest)
    }

    /// Where requests go in an environment, if anywhere.
    pub(super) fn backend(&self, environment: Environment) -> Option<&Backend> {
        match environment {
            Environment::Production => self.production.as_ref(),
            Environment::Sandbox => self.sandbox.as_ref(),
        }
    }
}

impl Route {
    /// Whether calls reach a backend in an environment.
    pub(super) fn is_callable(&self, environment: Environment) -> bool {
        let is_open = matches!(self.state, VersionState::Published | VersionState::Deprecated);
        is_open && self.endpoints.iter().any(|endpoint| endpoint.backend(environment).is_some())
    }

    /// The endpoint whose path `rest` starts with, and what of `rest` lies below it. `rest` is empty or starts with a
    /// slash.
    pub(super) fn endpoint<'s, 'p>(&'s self, rest: &'p str) -> Option<(&'s Endpoint, &'p str)> {
        self.endpoints.iter().find_map(|endpoint| {
            if endpoint.path.is_empty() {
                return Some((endpoint, rest));
            }
            let below = rest.strip_prefix('/')?.strip_prefix(&*endpoint.path)?;
            (below.is_empty() || below.starts_with('/')).then_some((endpoint, below))
        })
    }
}

impl Snapshot {
    /// From rows that were read in one state of the database.
    pub(super) fn build(
        catalogue: Catalogue,
        keys: Arc<TrustedKeys>,
        definitions: &Definitions,
        bounds: &Bounds,
        counters: &Counters,
    ) -> Self {
        let Catalogue { routes: rows, scopes, plans } = catalogue;
        let mut scopes = by_api(scopes);
        let mut origins = Origins::new();
        let mut found: BTreeMap<ApiId, Found> = BTreeMap::new();
        for row in rows {
            let new = || Found::new(&row, scopes.remove(&row.api_id).unwrap_or_default(), bounds, counters);
            found.entry(row.api_id).or_insert_with(new).add(row, &mut origins, definitions);
        }
        let mut routes = HashMap::new();
        let names = found.values().map(|found| (found.api.id, Arc::clone(&found.api.name))).collect();
        for found in found.into_values() {
            found.add_routes(&mut routes);
        }
        let plans = plans.into_iter().filter_map(|plan| Some((plan.id, Plan::new(&plan)?))).collect();
        Self { routes, plans, names, keys }
    }

    /// The same routes with other keys.
    pub(super) fn with_keys(&self, keys: Arc<TrustedKeys>) -> Self {
        Self { routes: self.routes.clone(), plans: self.plans.clone(), names: self.names.clone(), keys }
    }

    /// The sections for TLS to backends that policies name, each with an API that names it.
    pub(super) fn tls_profiles(&self) -> BTreeMap<&str, &str> {
        let named = |route: &'_ Arc<Route>| route.api.policies.backend.tls.is_some();
        let routes = self.routes.values().filter(|route| named(route));
        routes.filter_map(|route| Some((route.api.policies.backend.tls.as_deref()?, &*route.resource))).collect()
    }

    /// What answers at `{context}/v{…}`.
    pub(super) fn route(&self, key: &str) -> Option<&Route> {
        self.routes.get(key).map(|route| &**route)
    }

    /// What an API is called.
    pub(super) fn name(&self, id: ApiId) -> Option<&Arc<str>> {
        self.names.get(&id)
    }

    /// A plan.
    pub(super) fn plan(&self, id: PlanId) -> Option<&Plan> {
        self.plans.get(&id)
    }
}

fn by_api(rows: Vec<ScopeRow>) -> HashMap<ApiId, Vec<Box<str>>> {
    let mut apis: HashMap<ApiId, Vec<Box<str>>> = HashMap::new();
    for row in rows {
        apis.entry(row.api_id).or_default().push(row.name.into());
    }
    apis
}

/// An API as its rows come in.
struct Found {
    api: Arc<Api>,
    context: Box<str>,
    /// By method and path template.
    limits: HashMap<(String, String), Arc<CommonLimit>>,
    minors: BTreeMap<Version, Minor>,
}

struct Minor {
    state: VersionState,
    retirement: Option<Retirement>,
    endpoints: Vec<Endpoint>,
}

impl Found {
    fn new(row: &RouteRow, scopes: Vec<Box<str>>, bounds: &Bounds, counters: &Counters) -> Self {
        let header = |takes: bool, name: &str, usual: HeaderName| {
            takes.then(|| HeaderName::from_bytes(name.as_bytes()).unwrap_or(usual))
        };
        let key_header = header(row.takes_api_key, &row.api_key_header, HeaderName::from_static("api-key"));
        let bearer_header = header(row.takes_bearer, &row.bearer_header, http::header::AUTHORIZATION);
        let unusable = |error: &dyn std::error::Error| {
            tracing::error!(api.id = %row.api_id, %error, "the policies of this API cannot be carried out, so its calls are refused");
        };
        let policies = Policies::deserialize(&row.policies).inspect_err(|error| unusable(error)).ok();
        let rules = policies.as_ref().and_then(|policies| {
            Rules::new(policies, [key_header.as_ref(), bearer_header.as_ref()], bounds)
                .inspect_err(|error| unusable(error))
                .ok()
        });
        let policies = policies.unwrap_or_default();
        let limits = policies.operation_limits.iter().filter_map(|operation| {
            let limit = CommonLimit::of_operation(row.api_id, operation, counters)?;
            Some(((operation.method.clone(), operation.path.clone()), Arc::new(limit)))
        });
        let limits = limits.collect();
        let api = Api {
            id: row.api_id,
            name: row.name.as_str().into(),
            public: row
                .is_public
                .then(|| PublicNames { name: row.name.as_str().into(), title: row.title.as_str().into() }),
            scopes: scopes.into(),
            key_header,
            bearer_header,
            limit: CommonLimit::of_api(row.api_id, &policies.limit, counters),
            policies,
            rules,
        };
        Self { api: Arc::new(api), context: row.context.trim_matches('/').into(), limits, minors: BTreeMap::new() }
    }

    fn add(&mut self, row: RouteRow, origins: &mut Origins, definitions: &Definitions) {
        let version = Version::from_columns(row.major, row.minor);
        let minor = self.minors.entry(version).or_insert_with(|| Minor {
            state: row.state,
            retirement: row.deprecated_at.and_then(|since| Retirement::new(since, row.sunset_on)),
            endpoints: Vec::new(),
        });
        let definition = definitions.of(&row);
        let asks_for_scopes = row.takes_bearer && row.has_scopes;
        let (Some(name), Some(path)) = (row.endpoint, row.path) else { return };
        let known = minor.endpoints.iter().position(|endpoint| *endpoint.name == *name);
        let place = known.unwrap_or_else(|| {
            let path = path.trim_matches('/').into();
            let operations = definition.as_ref().filter(|_| asks_for_scopes).and_then(|d| d.operations.clone());
            let rewrite = self.api.rules.as_ref().and_then(|rules| rules.rewrite.as_ref());
            minor.endpoints.push(Endpoint {
                name: name.into(),
                rewritten: operations
                    .as_ref()
                    .zip(rewrite)
                    .map(|(operations, rewrite)| Box::new(operations.rewritten(rewrite))),
                operations,
                limits: limits(&self.limits, definition.as_ref().map(|definition| &*definition.listing), rewrite),
                listing: definition.map(|definition| definition.listing),
                path,
                production: None,
                sandbox: None,
            });
            minor.endpoints.len() - 1
        });
        let (Some(endpoint), Some(environment), Some(url)) = (minor.endpoints.get_mut(place), row.environment, row.url)
        else {
            return;
        };
        let backend = Backend::parse(&url, &self.api.policies.backend, origins);
        if backend.is_none() {
            tracing::warn!(api.id = %row.api_id, "a backend of this API has a URL that cannot be used");
        }
        match environment {
            Environment::Production => endpoint.production = backend,
            Environment::Sandbox => endpoint.sandbox = backend,
        }
    }

    fn add_routes(self, routes: &mut HashMap<Box<str>, Arc<Route>>) {
        let Self { api, context, minors, .. } = self;
        let mut callable: Vec<Arc<Route>> = Vec::new();
        for (version, Minor { state, retirement, mut endpoints }) in minors {
            endpoints.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.path.len()));
            let Ok(version_header) = HeaderValue::try_from(version.to_string()) else { continue };
            let resource = match callable.last() {
                Some(last) if last.version.major == version.major => Arc::clone(&last.resource),
                _ => format!("{context}/v{}", version.major).into(),
            };
            let api = Arc::clone(&api);
            callable.push(Arc::new(Route { api, version, version_header, state, retirement, resource, endpoints }));
        }
        for minors in callable.chunk_by(|a, b| a.version.major == b.version.major) {
            if let Some(route) = version::newest(minors, |route| (route.version, route.state)) {
                routes.insert((*route.resource).into(), Arc::clone(route));
            }
        }
        for route in callable {
            routes.insert(format!("{context}/v{}", route.version).into(), route);
        }
    }
}

/// The operations of an endpoint that are limited, among those that its definition lists: a path belongs to the most
/// concrete one, limited or not.
fn limits(
    limits: &HashMap<(String, String), Arc<CommonLimit>>,
    listing: Option<&Listing>,
    rewrite: Option<&Prefixes>,
) -> Option<Box<OperationLimits>> {
    if limits.is_empty() {
        return None;
    }
    let mut all: BTreeMap<(String, String), Option<Arc<CommonLimit>>> = BTreeMap::new();
    for operation in listing.into_iter().flat_map(Listing::iter) {
        all.insert((operation.method.to_owned(), operation.path.to_owned()), None);
    }
    all.extend(limits.iter().map(|(operation, limit)| (operation.clone(), Some(Arc::clone(limit)))));
    let listed = all.into_iter().map(|((method, path), limit)| (method, path, limit)).collect();
    let asked = Operations::listed(listed);
    let rewritten = rewrite.map(|prefixes| asked.rewritten(prefixes));
    Some(Box::new(OperationLimits { asked, rewritten }))
}

impl Backend {
    fn parse(url: &str, link: &BackendLink, origins: &mut Origins) -> Option<Self> {
        let url: url::Url = url.parse().ok()?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let host = match url.host()? {
            url::Host::Domain(name) => name.into(),
            url::Host::Ipv4(address) => address.to_string().into(),
            url::Host::Ipv6(address) => address.to_string().into(),
        };
        let port = url.port_or_known_default()?;
        // The port is left out where it is the scheme's own (RFC 9110 §7.2).
        let authority = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str()?),
            None => url.host_str()?.to_owned(),
        };
        let authority = authority.try_into().ok()?;
        let (protocol, tls) = (link.protocol, link.tls.as_deref().map(Box::from));
        let origin = origins
            .entry((url.origin().ascii_serialization(), protocol, tls.clone()))
            .or_insert_with(|| Arc::new(Origin { scheme, host, port, authority, protocol, tls }));
        let origin = Arc::clone(origin);
        Some(Self { origin, url: url.origin().ascii_serialization().into(), base: url.path().into() })
    }
}
