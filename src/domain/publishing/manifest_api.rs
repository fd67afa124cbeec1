//! `kind: api` of a manifest.

use crate::base::environment::Environment;
use crate::base::version::{Version, VersionState};
use crate::domain::catalog::model::Visibility;
use crate::domain::catalog::spec::{ApiSpec, Attributes, DefinitionSpec, EndpointSpec, VersionSpec};
use crate::domain::publishing::fields::{Fields, shown};
use crate::domain::publishing::files::Input;
use crate::domain::publishing::manifest::{Lifecycle, WantedApi, checked, one_of, optional};
use crate::domain::publishing::manifest_policies::{self, Credentials};
use crate::domain::publishing::problem::{At, Place, Problems};
use crate::domain::publishing::yaml::Node;
use crate::domain::publishing::{files, manifest_documents, manifest_scopes, openapi, rules};
use std::collections::{BTreeMap, BTreeSet};

/// What a version's only endpoint is called when the manifest writes it straight into the version.
pub(super) const ONLY_ENDPOINT: &str = "default";
/// The longest Markdown text, in characters.
pub(super) const MAX_MARKDOWN: usize = 200_000;

/// Reads an API whose `kind` was taken.
pub(super) fn read(input: &Input, mut fields: Fields<'_>, problems: &mut Problems) -> Option<WantedApi> {
    let place = fields.place().clone();
    let name = fields.required("name", "petstore", problems);
    let name = checked(name, rules::slug, problems);
    let title = optional(fields.text("title", problems), |t| rules::line(t, 100), problems);
    let context = checked(fields.text("context", problems), rules::context, problems);
    let summary = optional(fields.text("summary", problems), |t| rules::line(t, 300), problems);
    let description = markdown(input, &mut fields, ("description", "description_file"), problems);
    let owner = optional(fields.text("owner", problems), |t| rules::line(t, 100), problems);
    let owners = owners(&mut fields, problems);
    let support = checked(fields.text("support", problems), rules::contact, problems);
    let tags = tags(&mut fields, problems);
    let visibilities = [Visibility::Public, Visibility::Private, Visibility::Restricted].map(|v| (v.as_str(), v));
    let visibility_place = fields.place().key(fields.place().line, "visibility");
    let visibility = one_of(fields.text("visibility", problems), problems, &visibilities);
    let roles = fields.texts("roles", problems);
    let auth = auth(&mut fields, problems);
    let (api_key_header, bearer_header) = headers(&mut fields, problems);
    let bearer = auth.contains(OAUTH2);
    for key in ["scopes", "resource_servers"].into_iter().filter(|key| !bearer && fields.has(key)) {
        let place = fields.place().key(fields.place().line, key);
        problems.add(&place, "counts only where access tokens are taken; remove it, or add `oauth2` to `auth`");
    }
    let api_key = auth.contains(API_KEY);
    let carriers = [(api_key, &api_key_header), (bearer, &bearer_header)];
    let carriers = carriers.into_iter().filter(|(taken, _)| *taken).map(|(_, header)| header.clone());
    let credentials = Credentials { takes_api_key: api_key, headers: carriers.collect() };
    let policies = manifest_policies::policies(&mut fields, &credentials, problems);
    let scopes = manifest_scopes::scopes(&mut fields, problems);
    let resource_servers = manifest_scopes::resource_servers(&mut fields, problems);
    let plans_place = fields.place().key(fields.place().line, "plans");
    let plans = fields.texts("plans", problems);
    let documents = manifest_documents::documents(input, &mut fields, problems);
    let retired = one_of(fields.text("state", problems), problems, &[("retired", Lifecycle::Retired)]);
    let lifecycle = retired.unwrap_or(Lifecycle::Live);
    let (versions, version_places) = versions(input, &mut fields, lifecycle, problems);
    fields.close(problems);

    if plans.is_none() && !auth.is_empty() && lifecycle == Lifecycle::Live {
        let how = "`plans: [bronze]`, or `plans: []` to close it to new subscriptions";
        problems.add(&plans_place, format!("say under which plans this API can be subscribed: {how}"));
    }
    let plans = plans.unwrap_or_default();
    let visibility = visibility.unwrap_or(Visibility::Private);
    let roles = audience(visibility, roles, &visibility_place, problems);
    let names = unique(roles.iter(), problems);
    unique(plans.iter(), problems);
    let At { value: name, place: name_place } = name?;
    // Without a context of its own the API is called by its name.
    let context = context.unwrap_or_else(|| At { value: name.clone(), place: name_place });
    rules::context(&context.value).map_err(|message| problems.add(&context.place, message)).ok()?;
    let attributes = Attributes {
        title: title.unwrap_or_else(|| name.clone()),
        context: context.value,
        summary: summary.unwrap_or_default(),
        description,
        owner: owner.unwrap_or_default(),
        support: support.map(|at| at.value).unwrap_or_default(),
        tags,
        visibility,
        takes_api_key: api_key,
        takes_bearer: bearer,
        api_key_header,
        bearer_header,
        policies: policies.spec,
    };
    Some(WantedApi {
        place,
        context: context.place,
        spec: ApiSpec {
            name,
            attributes,
            roles: names.into_iter().collect(),
            owners,
            documents,
            scopes: scopes.spec,
            resource_servers,
            versions,
        },
        lifecycle,
        plans,
        roles,
        scope_roles: scopes.roles,
        policies: policies.places,
        versions: version_places,
    })
}

const API_KEY: &str = "api-key";
const OAUTH2: &str = "oauth2";

/// Which credentials open the API: both, unless the manifest says otherwise.
fn auth(fields: &mut Fields<'_>, problems: &mut Problems) -> BTreeSet<&'static str> {
    let Some(listed) = fields.texts("auth", problems) else {
        return BTreeSet::from([API_KEY, OAUTH2]);
    };
    listed
        .into_iter()
        .filter_map(|item| one_of(Some(item), problems, &[(API_KEY, API_KEY), (OAUTH2, OAUTH2)]))
        .collect()
}

fn headers(fields: &mut Fields<'_>, problems: &mut Problems) -> (String, String) {
    let key = checked(fields.text("api_key_header", problems), rules::header, problems);
    let bearer = checked(fields.text("authorization_header", problems), rules::header, problems);
    let place = key.as_ref().or(bearer.as_ref()).map(|at| at.place.clone());
    let key = key.map_or_else(|| "api-key".to_owned(), |at| at.value);
    let bearer = bearer.map_or_else(|| "authorization".to_owned(), |at| at.value);
    if let Some(place) = place.filter(|_| key == bearer) {
        problems.add(&place, format!("`{key}` would carry the API key and the access token; choose two headers"));
    }
    (key, bearer)
}

/// E-mail addresses, sorted.
fn owners(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let listed = fields.texts("owners", problems).unwrap_or_default();
    let owners: Vec<At<String>> =
        listed.into_iter().filter_map(|owner| checked(Some(owner), rules::email, problems)).collect();
    if let Some(first) = owners.get(50) {
        problems.add(&first.place, "is one owner too many; 50 are enough");
    }
    unique(owners.iter(), problems).into_iter().collect()
}

fn tags(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let listed = fields.texts("tags", problems).unwrap_or_default();
    let tags: Vec<At<String>> =
        listed.into_iter().filter_map(|tag| checked(Some(tag), |t| rules::line(t, 40), problems)).collect();
    if let Some(first) = tags.get(20) {
        problems.add(&first.place, "is one tag too many; 20 are enough");
    }
    unique(tags.iter(), problems);
    tags.into_iter().map(|tag| tag.value).collect()
}

/// Roles and visibility must agree: an API that looks restricted must be.
fn audience(
    visibility: Visibility,
    roles: Option<Vec<At<String>>>,
    place: &Place,
    problems: &mut Problems,
) -> Vec<At<String>> {
    let roles = roles.unwrap_or_default();
    match (visibility, roles.first()) {
        (Visibility::Restricted, None) => {
            problems.add(place, "a restricted API needs `roles`: list those that see it, such as `roles: [partner]`");
        }
        (Visibility::Public | Visibility::Private, Some(first)) => {
            problems.add(&first.place, "roles count only with `visibility: restricted`; change that or remove `roles`");
        }
        _ => {}
    }
    roles
}

/// The values, each once; a second one is a problem.
pub(super) fn unique<'a>(items: impl Iterator<Item = &'a At<String>>, problems: &mut Problems) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for item in items {
        if !seen.insert(item.value.clone()) {
            problems.add(&item.place, format!("`{}` is listed twice; remove one", shown(&item.value)));
        }
    }
    seen
}

/// Markdown written into the manifest or in a file of its own; empty when there is neither.
fn markdown(
    input: &Input,
    fields: &mut Fields<'_>,
    (inline, in_file): (&'static str, &'static str),
    problems: &mut Problems,
) -> String {
    let text = fields.text(inline, problems);
    let file = fields.text(in_file, problems);
    if let (Some(_), Some(file)) = (&text, &file) {
        problems.add(&file.place, format!("there is `{inline}` too; keep one of the two"));
    }
    let file = checked(file, |name| input.referenced(name).map(|(_, text)| text), problems);
    optional(text.or(file), |text| rules::markdown(text, MAX_MARKDOWN), problems).unwrap_or_default()
}

type Versions = (BTreeMap<Version, VersionSpec>, BTreeMap<Version, Place>);

fn versions(input: &Input, fields: &mut Fields<'_>, lifecycle: Lifecycle, problems: &mut Problems) -> Versions {
    let place = fields.place().key(fields.place().line, "versions");
    let listed = fields.list("versions", problems);
    if lifecycle == Lifecycle::Live && listed.as_ref().is_none_or(Vec::is_empty) {
        problems.add(&place, "an API needs at least one version; list it under `versions`");
    }
    let (mut versions, mut places) = Versions::default();
    for item in listed.unwrap_or_default() {
        let Some((number, spec)) = version(input, item, problems) else {
            continue;
        };
        if places.insert(number.value, number.place.clone()).is_some() {
            problems.add(&number.place, format!("version {} is listed twice; remove one", number.value));
        }
        versions.insert(number.value, spec);
    }
    (versions, places)
}

fn version(input: &Input, item: At<&Node>, problems: &mut Problems) -> Option<(At<Version>, VersionSpec)> {
    let mut fields = Fields::open(item.value, item.place, problems)?;
    let number = fields.required("version", "\"1.0\"", problems);
    let number = checked(
        number,
        |text| text.parse::<Version>().map_err(|why| format!("`{}` cannot be used: {why}, in quotes", shown(text))),
        problems,
    );
    let states = [
        VersionState::Draft,
        VersionState::Published,
        VersionState::Deprecated,
        VersionState::Blocked,
        VersionState::Retired,
    ];
    let states = states.map(|state| (state.as_str(), state));
    let state = one_of(fields.text("state", problems), problems, &states).unwrap_or(VersionState::Published);
    let changelog = markdown(input, &mut fields, ("changelog", "changelog_file"), problems);
    let sunset = checked(fields.text("sunset", problems), rules::day, problems);
    if let Some(sunset) = sunset.as_ref().filter(|_| matches!(state, VersionState::Draft | VersionState::Published)) {
        problems.add(&sunset.place, "a version that ends takes no new subscriptions; say `state: deprecated` too");
    }
    let endpoints = endpoints(input, &mut fields, state, problems);
    fields.close(problems);
    let sunset_on = sunset.map(|at| at.value);
    Some((number?, VersionSpec { state, changelog, sunset_on, endpoints }))
}

/// The endpoints of a version: listed, or the only one written straight into the version.
fn endpoints(
    input: &Input,
    fields: &mut Fields<'_>,
    state: VersionState,
    problems: &mut Problems,
) -> Vec<EndpointSpec> {
    let place = fields.place().key(fields.place().line, "endpoints");
    let listed = fields.list("endpoints", problems);
    let short = ["openapi", "openapi_source", "backends"].iter().any(|key| fields.has(key));
    match listed {
        Some(_) if short => {
            problems.add(&place, "write `openapi` and `backends` inside each endpoint, not beside `endpoints`");
            Vec::new()
        }
        Some(items) if !items.is_empty() => several(input, items, state, problems),
        // A version that is taken back need not repeat what it was.
        _ if state == VersionState::Retired && !short => Vec::new(),
        _ => vec![only(input, fields, state, problems)],
    }
}

fn only(input: &Input, fields: &mut Fields<'_>, state: VersionState, problems: &mut Problems) -> EndpointSpec {
    let definition = definition(input, fields, problems);
    let backends = backends(fields, state, problems);
    EndpointSpec { name: ONLY_ENDPOINT.to_owned(), title: String::new(), path: String::new(), backends, definition }
}

fn several(input: &Input, items: Vec<At<&Node>>, state: VersionState, problems: &mut Problems) -> Vec<EndpointSpec> {
    let alone = items.len() == 1;
    let (mut names, mut paths): (Vec<At<String>>, Vec<At<String>>) = (Vec::new(), Vec::new());
    let mut endpoints = Vec::new();
    for item in items {
        let Some(mut fields) = Fields::open(item.value, item.place, problems) else {
            continue;
        };
        let name = fields.required("name", "orders", problems);
        let name = checked(name, rules::slug, problems);
        let title = optional(fields.text("title", problems), |t| rules::line(t, 100), problems);
        let path = checked(fields.text("path", problems), rules::endpoint_path, problems);
        if !alone && path.as_ref().is_none_or(|path| path.value.is_empty()) {
            let place = path.as_ref().map_or_else(|| fields.place().clone(), |path| path.place.clone());
            problems.add(&place, "each of several endpoints needs a `path` of its own, such as `path: orders`");
        }
        let definition = definition(input, &mut fields, problems);
        let backends = backends(&mut fields, state, problems);
        fields.close(problems);
        let Some(name) = name else { continue };
        endpoints.push(EndpointSpec {
            name: name.value.clone(),
            title: title.unwrap_or_default(),
            path: path.as_ref().map(|path| path.value.clone()).unwrap_or_default(),
            backends,
            definition,
        });
        names.push(name);
        paths.extend(path.filter(|path| !path.value.is_empty()));
    }
    unique(names.iter(), problems);
    apart(&paths, problems);
    endpoints
}

/// No path may lie below another: a call must belong to one endpoint at a glance.
fn apart(paths: &[At<String>], problems: &mut Problems) {
    for (index, path) in paths.iter().enumerate() {
        let below = |a: &str, b: &str| a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
        let clash = paths.iter().take(index).find(|p| below(&p.value, &path.value) || below(&path.value, &p.value));
        if let Some(other) = clash {
            let (path, other) = (&path.value, (&other.value, &path.place));
            problems.add(other.1, format!("`{path}` and `{}` overlap; give each endpoint a path of its own", other.0));
        }
    }
}

fn backends(fields: &mut Fields<'_>, state: VersionState, problems: &mut Problems) -> BTreeMap<Environment, String> {
    let missing = fields.place().key(fields.place().line, "backends");
    let before = problems.count();
    let mut backends = BTreeMap::new();
    let node = fields.take("backends");
    let there = node.is_some();
    if let Some(mut fields) = node.and_then(|node| Fields::open(node.value, node.place, problems)) {
        for (environment, key) in [(Environment::Production, "production"), (Environment::Sandbox, "sandbox")] {
            let url = optional(fields.text(key, problems), rules::backend, problems);
            backends.extend(url.map(|url| (environment, url)));
        }
        let place = fields.place().clone();
        fields.close(problems);
        if backends.is_empty() && needs_backend(state) && problems.count() == before {
            problems.add(&place, NO_BACKEND);
        }
    } else if !there && needs_backend(state) {
        problems.add(&missing, NO_BACKEND);
    }
    backends
}

const NO_BACKEND: &str =
    "this endpoint has no backend; give at least one of `production: https://…` and `sandbox: https://…`";

fn needs_backend(state: VersionState) -> bool {
    !matches!(state, VersionState::Draft | VersionState::Retired)
}

/// The OpenAPI file of an endpoint: named, or written into the manifest.
fn definition(input: &Input, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<DefinitionSpec> {
    let inline = checked(fields.text("openapi_source", problems), files::inline, problems);
    let named = fields.text("openapi", problems);
    if let (Some(_), Some(named)) = (&inline, &named) {
        problems.add(&named.place, "there is `openapi_source` too; keep one of the two");
    }
    let (file, source) = match (named, inline) {
        (Some(named), _) => checked(Some(named), |name| input.referenced(name), problems)?.value,
        (None, Some(inline)) => (format!("{} ({})", inline.place.file, inline.place.field), inline.value),
        (None, None) => return None,
    };
    openapi::parse(&file, source).map_err(|problem| problems.push(problem)).ok()
}
