//! What a manifest of an API says about scopes, and about who may introspect its tokens.

use crate::base::scope::is_scope;
use crate::domain::catalog::model::Scope;
use crate::domain::catalog::spec::ScopesSpec;
use crate::domain::oauth::scopes::OPENID_CONNECT;
use crate::domain::publishing::fields::{Fields, shown};
use crate::domain::publishing::manifest::{checked, optional};
use crate::domain::publishing::problem::{At, Problems};
use crate::domain::publishing::rules;

/// The most scopes that one API may have: a token that has them all must fit into a header.
pub(super) const MOST: usize = 200;

/// What was said, with the roles that must exist.
pub(super) struct Said {
    pub(super) spec: ScopesSpec,
    pub(super) roles: Vec<At<String>>,
}

/// `scopes: none`, or `scopes:` with a list of `{name, title, roles}`. Not said: those that the OpenAPI files name.
pub(super) fn scopes(fields: &mut Fields<'_>, problems: &mut Problems) -> Said {
    let mut said = Said { spec: ScopesSpec::On(Vec::new()), roles: Vec::new() };
    if fields.peek("scopes") == Some("none") {
        fields.take("scopes");
        said.spec = ScopesSpec::Off;
        return said;
    }
    let place = fields.place().key(fields.place().line, "scopes");
    let Some(items) = fields.list("scopes", problems) else {
        return said;
    };
    if items.is_empty() {
        let hint = "says nothing; write `scopes: none` if the API has none, or remove it";
        problems.add(&place, format!("an empty list {hint}"));
    }
    let (mut names, mut scopes) = (Vec::new(), Vec::new());
    for item in items {
        let Some(mut fields) = Fields::open(item.value, item.place, problems) else {
            continue;
        };
        let name = fields.required("name", "pets:read", problems);
        let name = checked(name, scope, problems);
        let title = optional(fields.text("title", problems), |t| rules::line(t, 150), problems);
        let mut roles = fields.texts("roles", problems).unwrap_or_default();
        fields.close(problems);
        let Some(name) = name else { continue };
        let mut sorted: Vec<String> = roles.iter().map(|role| role.value.clone()).collect();
        sorted.sort();
        sorted.dedup();
        scopes.push(Scope { name: name.value.clone(), title: title.unwrap_or_default(), roles: sorted });
        names.push(name);
        said.roles.append(&mut roles);
    }
    super::manifest_api::unique(names.iter(), problems);
    said.spec = ScopesSpec::On(scopes);
    said
}

/// `resource_servers`: consumer keys.
pub(super) fn resource_servers(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let listed = fields.texts("resource_servers", problems).unwrap_or_default();
    let keys: Vec<At<String>> =
        listed.into_iter().filter_map(|key| checked(Some(key), consumer_key, problems)).collect();
    if let Some(first) = keys.get(MOST_SERVERS) {
        problems.add(&first.place, format!("is one consumer key too many; {MOST_SERVERS} are enough"));
    }
    super::manifest_api::unique(keys.iter(), problems).into_iter().collect()
}

const MOST_SERVERS: usize = 50;

fn scope(text: &str) -> Result<String, String> {
    if OPENID_CONNECT.contains(&text) {
        return Err(format!("`{text}` is a scope of OpenID Connect and belongs to no API; choose another name"));
    }
    if is_scope(text) {
        return Ok(text.to_owned());
    }
    Err(super::security::NoScope(text).message())
}

/// A client need not exist here: a manifest may be applied before its credentials are made, and elsewhere.
fn consumer_key(text: &str) -> Result<String, String> {
    let is_key = (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_key { Ok(text.to_owned()) } else { Err(format!("`{}` must be a consumer key", shown(text))) }
}
