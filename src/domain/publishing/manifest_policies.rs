//! `policies` of an API in a manifest.

use crate::base::policy::{
    BackendLink, Cors, HeaderEdits, Host, MOST_CONNECT_SECONDS, MOST_FIRST_BYTE_SECONDS, MOST_IDLE_SECONDS, Policies,
    Protocol, Rewrite,
};
use crate::domain::publishing::fields::Fields;
use crate::domain::publishing::manifest::{PolicyPlaces, checked, one_of, optional};
use crate::domain::publishing::manifest_api::unique;
use crate::domain::publishing::policy_rules::{self as rules, Edit};
use crate::domain::publishing::problem::{At, Place, Problems};
use crate::domain::publishing::{manifest_limits, rules as plain};
use std::collections::BTreeMap;

/// The most changes to the headers of one direction.
const MOST_EDITS: usize = 32;
/// The most entries of a list of CORS.
const MOST_OF_CORS: usize = 50;
/// A browser keeps the answer to a preflight for a day at most.
const MOST_AGE_SECONDS: u32 = 86_400;

/// What was said, with the places that later checks point at.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) spec: Policies,
    pub(super) places: PolicyPlaces,
}

/// What `auth` and the headers of the API say about credentials.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) takes_api_key: bool,
    /// The headers that carry credentials, in lower case.
    pub(super) headers: Vec<String>,
}

/// `policies: {…}`. Not said: the gateway's own.
pub(super) fn policies(fields: &mut Fields<'_>, credentials: &Credentials, problems: &mut Problems) -> Said {
    let mut said = Said::default();
    let node = fields.take("policies");
    let Some(mut fields) = node.and_then(|node| Fields::open(node.value, node.place, problems)) else {
        return said;
    };
    let spec = &mut said.spec;
    timeouts(&mut fields, spec, problems);
    spec.max_body_bytes = optional(fields.text("max_body", problems), rules::size, problems);
    spec.request_headers = edits(&mut fields, "request_headers", credentials, problems);
    spec.response_headers = edits(&mut fields, "response_headers", credentials, problems);
    spec.rewrite = rewrite(&mut fields, problems);
    spec.host = optional(fields.text("host", problems), rules::host, problems).unwrap_or(Host::Backend);
    spec.forwarded = fields.flag("forwarded", problems).unwrap_or(false);
    let enforced = fields.place_of("enforce_definition");
    spec.enforce_definition = fields.flag("enforce_definition", problems).unwrap_or(false);
    said.places.enforced = enforced.filter(|_| spec.enforce_definition);
    spec.key_parameter = key_parameter(&mut fields, credentials, problems);
    spec.cors = cors(&mut fields, credentials, problems);
    spec.assertion = fields.flag("assertion", problems).unwrap_or(false);
    (spec.backend, said.places.tls) = backend(&mut fields, problems);
    spec.limit = manifest_limits::limit(&mut fields, problems);
    (spec.operation_limits, said.places.operations) = manifest_limits::operations(&mut fields, problems);
    fields.close(problems);
    said
}

/// `timeouts: {connect_seconds: 3, first_byte_seconds: 20, idle_seconds: 60}`.
fn timeouts(fields: &mut Fields<'_>, spec: &mut Policies, problems: &mut Problems) {
    let node = fields.take("timeouts");
    let Some(mut fields) = node.and_then(|node| Fields::open(node.value, node.place, problems)) else {
        return;
    };
    let mut seconds = |key, most| optional(fields.text(key, problems), |text| rules::seconds(text, 1, most), problems);
    spec.connect_seconds = seconds("connect_seconds", MOST_CONNECT_SECONDS);
    spec.first_byte_seconds = seconds("first_byte_seconds", MOST_FIRST_BYTE_SECONDS);
    spec.idle_seconds = seconds("idle_seconds", MOST_IDLE_SECONDS);
    fields.close(problems);
}

/// `{remove: [x-debug], set: {x-team: pets}, add: {vary: x-team}}`.
fn edits(
    fields: &mut Fields<'_>,
    key: &'static str,
    credentials: &Credentials,
    problems: &mut Problems,
) -> HeaderEdits {
    let node = fields.take(key);
    let Some(mut fields) = node.and_then(|node| Fields::open(node.value, node.place, problems)) else {
        return HeaderEdits::default();
    };
    let name = |edit| move |text: &str| rules::edited_header(text, edit, &credentials.headers);
    let removed = fields.texts("remove", problems).unwrap_or_default();
    let removed: Vec<At<String>> =
        removed.into_iter().filter_map(|header| checked(Some(header), name(Edit::Remove), problems)).collect();
    let set = values(&mut fields, "set", name(Edit::Write), problems);
    let add = values(&mut fields, "add", name(Edit::Write), problems);
    let place = fields.place().clone();
    fields.close(problems);
    unique(removed.iter(), problems);
    if let Some(both) = removed.iter().find(|removed| set.contains_key(&removed.value)) {
        problems.add(&both.place, format!("`{}` is set below, which replaces it; remove it here", both.value));
    }
    if removed.len() + set.len() + add.len() > MOST_EDITS {
        problems.add(&place, format!("changes too many headers; {MOST_EDITS} are enough"));
    }
    HeaderEdits { remove: removed.into_iter().map(|at| at.value).collect(), set, add }
}

/// Header names with their values.
fn values(
    fields: &mut Fields<'_>,
    key: &'static str,
    name: impl Fn(&str) -> Result<String, String>,
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    let node = fields.take(key);
    let Some(fields) = node.and_then(|node| Fields::open(node.value, node.place, problems)) else {
        return BTreeMap::new();
    };
    let mut values = BTreeMap::new();
    for (header, value) in fields.pairs(problems) {
        let place = header.place.clone();
        let header = checked(Some(header), &name, problems);
        let value = checked(Some(At { value, place }), rules::header_value, problems);
        let (Some(header), Some(value)) = (header, value) else { continue };
        if values.insert(header.value.clone(), value.value).is_some() {
            problems.add(&header.place, format!("`{}` is given twice; remove one", header.value));
        }
    }
    values
}

/// `rewrite: {from: /old, to: /new}`.
fn rewrite(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Rewrite> {
    let node = fields.take("rewrite")?;
    let mut fields = Fields::open(node.value, node.place, problems)?;
    let from = checked(fields.required("from", "/old", problems), rules::path, problems);
    let to = checked(fields.required("to", "/new", problems), rules::path, problems);
    fields.close(problems);
    let (from, to) = (from?, to?);
    if from.value == to.value {
        problems.add(&to.place, "is the same as `from`; change one, or remove `rewrite`");
    }
    Some(Rewrite { from: from.value, to: to.value })
}

fn key_parameter(fields: &mut Fields<'_>, credentials: &Credentials, problems: &mut Problems) -> Option<String> {
    let name = checked(fields.text("key_parameter", problems), rules::parameter, problems)?;
    if !credentials.takes_api_key {
        let advice = "remove it, or add `api-key` to `auth`";
        problems.add(&name.place, format!("counts only where API keys are taken; {advice}"));
    }
    Some(name.value)
}

/// `cors: {origins: ["https://app.example.com"], …}`.
fn cors(fields: &mut Fields<'_>, carriers: &Credentials, problems: &mut Problems) -> Option<Cors> {
    let node = fields.take("cors")?;
    let mut fields = Fields::open(node.value, node.place, problems)?;
    let missing = fields.place().key(fields.place().line, "origins");
    let origins = listed(&mut fields, "origins", rules::origin, problems);
    if origins.as_ref().is_none_or(Vec::is_empty) {
        problems.add(&missing, "names no origin; write `origins: [\"https://app.example.com\"]`, or remove `cors`");
    }
    let origins = origins.unwrap_or_default();
    let star = origins.iter().find(|origin| origin.value == "*");
    if let Some(star) = star.filter(|_| origins.len() > 1) {
        problems.add(&star.place, "stands for every origin; write it alone, or list origins without it");
    }
    let methods = listed(&mut fields, "methods", rules::method, problems).unwrap_or_default();
    let headers = listed(&mut fields, "headers", rules::cors_header, problems).unwrap_or_default();
    let carried = carriers.headers.is_empty() || headers.iter().any(|header| carriers.headers.contains(&header.value));
    if let Some(first) = headers.first().filter(|_| !carried) {
        let needed = carriers.headers.join("` or `");
        problems.add(&first.place, format!("pages could send no credential; add `{needed}` to the list"));
    }
    let expose = listed(&mut fields, "expose", rules::cors_header, problems).unwrap_or_default();
    let with_cookies = fields.place_of("credentials");
    let credentials = fields.flag("credentials", problems).unwrap_or(false);
    if let (Some(place), Some(_), true) = (with_cookies, star, credentials) {
        problems.add(&place, "browsers refuse credentials with `*`; list the origins that may send them");
    }
    let age = fields.text("max_age_seconds", problems);
    let max_age_seconds = optional(age, |text| rules::seconds(text, 0, MOST_AGE_SECONDS), problems);
    fields.close(problems);
    let plain = |items: Vec<At<String>>| items.into_iter().map(|item| item.value).collect();
    Some(Cors {
        origins: plain(origins),
        methods: plain(methods),
        headers: plain(headers),
        expose: plain(expose),
        credentials,
        max_age_seconds,
    })
}

/// A list of CORS, each entry once.
fn listed(
    fields: &mut Fields<'_>,
    key: &'static str,
    rule: impl Fn(&str) -> Result<String, String>,
    problems: &mut Problems,
) -> Option<Vec<At<String>>> {
    let items = fields.texts(key, problems)?;
    if let Some(first) = items.get(MOST_OF_CORS) {
        problems.add(&first.place, format!("is one too many; {MOST_OF_CORS} are enough"));
    }
    let items: Vec<_> = items.into_iter().filter_map(|item| checked(Some(item), &rule, problems)).collect();
    unique(items.iter(), problems);
    Some(items)
}

/// `backend: {protocol: http2, tls: NAME}`.
fn backend(fields: &mut Fields<'_>, problems: &mut Problems) -> (BackendLink, Option<Place>) {
    let node = fields.take("backend");
    let Some(mut fields) = node.and_then(|node| Fields::open(node.value, node.place, problems)) else {
        return (BackendLink::default(), None);
    };
    let protocols = [("http1", Protocol::Http1), ("http2", Protocol::Http2)];
    let protocol = one_of(fields.text("protocol", problems), problems, &protocols).unwrap_or_default();
    let tls = checked(fields.text("tls", problems), plain::slug, problems);
    fields.close(problems);
    let place = tls.as_ref().map(|tls| tls.place.clone());
    (BackendLink { protocol, tls: tls.map(|tls| tls.value) }, place)
}
