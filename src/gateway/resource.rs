//! Protected resource metadata (RFC 9728): where a client learns which tokens an API takes.
//!
//! Anybody may ask. Of an API that not everybody may see, the answer holds what callers of the gateway learn anyway: the
//! identifier, the issuer and the names of scopes.

use crate::base::environment::Environment;
use crate::config::Urls;
use crate::gateway::body::Reply;
use crate::gateway::connection::Client;
use crate::gateway::refusal::Refusal;
use crate::gateway::snapshot::{Route, Snapshot};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE,
};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

/// RFC 9728 §3.
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What a path asks about, if it asks for metadata: empty, or with a slash at its beginning.
pub(super) fn asked(path: &str) -> Option<&str> {
    path.strip_prefix(WELL_KNOWN).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The document about an API, `/{context}/v{major}`.
pub(super) fn answer(
    client: &Client,
    table: &Snapshot,
    method: &Method,
    about: &str,
) -> Result<Response<Reply>, Refusal> {
    let (urls, environment) = (&client.core.settings.urls, client.environment);
    let resource = about.strip_prefix('/').unwrap_or_default();
    // RFC 9728 §3.1 puts the path of the gateway's own URL behind ours; a proxy may have left it there.
    let below = path(urls.gateway(environment)).and_then(|path| resource.strip_prefix(path)?.strip_prefix('/'));
    let find = |resource: &str| {
        table.route(resource).filter(|route| *route.resource == *resource && is_told(route, environment))
    };
    let route = find(resource).or_else(|| find(below?)).ok_or(Refusal::NoRoute)?;
    let mut response = match *method {
        Method::GET | Method::HEAD => {
            Response::new(Reply::text(Value::Object(document(route, environment, urls)).to_string()))
        }
        Method::OPTIONS => preflight(),
        _ => return Err(Refusal::OnlyReadable),
    };
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if *method != Method::OPTIONS {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=600"));
    }
    Ok(response)
}

/// Where the document about this API is, if there is one.
pub(super) fn url(route: &Route, environment: Environment, urls: &Urls) -> Option<String> {
    let gateway = urls.gateway(environment);
    is_told(route, environment).then(|| format!("{gateway}{WELL_KNOWN}/{}", route.resource))
}

fn is_told(route: &Route, environment: Environment) -> bool {
    route.api.bearer_header.is_some() && route.is_callable(environment)
}

/// RFC 9728 §2. What has no value is left out (§3.2).
fn document(route: &Route, environment: Environment, urls: &Urls) -> serde_json::Map<String, Value> {
    let api = &route.api;
    let page = |name: &str| format!("{}/apis/{name}/v{}", urls.portal, route.version.major);
    // `header` is RFC 6750 §2.1; a header with another name has no word.
    let is_usual = api.bearer_header.as_ref() == Some(&AUTHORIZATION);
    let members = [
        ("resource", Some(json!(format!("{}/{}", urls.gateway(environment), route.resource)))),
        ("authorization_servers", Some(json!([urls.portal]))),
        ("scopes_supported", (!api.scopes.is_empty()).then(|| json!(api.scopes))),
        ("bearer_methods_supported", is_usual.then(|| json!(["header"]))),
        ("resource_name", api.public.as_ref().map(|public| json!(public.title))),
        ("resource_documentation", api.public.as_ref().map(|public| json!(page(&public.name)))),
    ];
    let told = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    told.collect()
}

fn preflight() -> Response<Reply> {
    let mut response = Response::new(Reply::text(String::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// The path of a base URL, without slashes at its ends.
fn path(base: &str) -> Option<&str> {
    base.splitn(4, '/').nth(3).filter(|path| !path.is_empty())
}
