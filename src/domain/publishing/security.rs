//! What an OpenAPI file says about scopes: which there are, and which of them each operation needs.

use crate::base::scope::is_scope;
use crate::domain::catalog::spec::FoundScope;
use crate::domain::oauth::scopes::OPENID_CONNECT;
use crate::domain::publishing::fields::shown;
use serde_json::Value;
use std::collections::BTreeMap;

/// The security schemes of a file, and the scopes that were found so far.
pub(super) struct Security<'a> {
    root: &'a Value,
    schemes: BTreeMap<&'a str, Scheme>,
    found: Vec<FoundScope>,
    places: BTreeMap<&'a str, usize>,
}

/// What a security scheme is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// `oauth2` and `openIdConnect`: the names in a requirement are scopes.
    Scopes,
    /// Anything else.
    Other,
}

/// A name that no scope can have.
#[derive(Debug)]
pub(super) struct NoScope<'a>(pub(super) &'a str);

impl NoScope<'_> {
    /// What to do about it.
    pub(super) fn message(&self) -> String {
        format!(
            "`{}` cannot be the name of a scope: write 1 to 100 visible ASCII characters without spaces, quotes and \
             backslashes",
            shown(self.0)
        )
    }
}

/// References inside a file are followed so often, so that a circle ends.
const REFERENCES: usize = 8;

impl<'a> Security<'a> {
    /// Reads the schemes of a file with the scopes that they describe.
    pub(super) fn read(root: &'a Value) -> Result<Self, NoScope<'a>> {
        let mut security = Self { root, schemes: BTreeMap::new(), found: Vec::new(), places: BTreeMap::new() };
        let schemes = root.pointer("/components/securitySchemes").and_then(Value::as_object);
        for (name, scheme) in schemes.into_iter().flatten() {
            let scheme = resolve(root, scheme);
            let kind = match scheme.get("type").and_then(Value::as_str) {
                Some("oauth2" | "openIdConnect") => Scheme::Scopes,
                _ => Scheme::Other,
            };
            security.schemes.insert(name, kind);
            if kind == Scheme::Scopes {
                let flows = scheme.get("flows").and_then(Value::as_object);
                let scopes = flows.into_iter().flatten().filter_map(|(_, flow)| flow.get("scopes")?.as_object());
                for (scope, description) in scopes.flatten() {
                    security.note(scope, description.as_str().unwrap_or_default())?;
                }
            }
        }
        Ok(security)
    }

    /// The scopes that an operation needs: alternatives, each a set separated by spaces; none: any token will do. What
    /// the operation says counts, or else what the file says.
    ///
    /// A requirement without a scheme of OAuth says nothing about tokens, unless it is empty: then security is optional.
    /// A scheme that the file does not define counts as one of OAuth when scopes stand with it: asking for too much is
    /// noticed at the first call, and asking for nothing is not.
    pub(super) fn needs(&mut self, operation: &'a Value) -> Result<Vec<String>, NoScope<'a>> {
        let listed = operation.get("security").or_else(|| self.root.get("security")).and_then(Value::as_array);
        let mut alternatives: Vec<String> = Vec::new();
        let mut any_will_do = false;
        for requirement in listed.into_iter().flatten().filter_map(Value::as_object) {
            let mut counts = requirement.is_empty();
            let mut scopes: Vec<&str> = Vec::new();
            for (scheme, names) in requirement {
                let names = names.as_array().map_or(&[][..], Vec::as_slice);
                match self.schemes.get(&**scheme) {
                    Some(Scheme::Scopes) => {}
                    None if !names.is_empty() => {}
                    Some(Scheme::Other) | None => continue,
                }
                counts = true;
                for name in names.iter().filter_map(Value::as_str) {
                    self.note(name, "")?;
                    if !scopes.contains(&name) {
                        scopes.push(name);
                    }
                }
            }
            any_will_do |= counts && scopes.is_empty();
            let scopes = scopes.join(" ");
            if counts && !alternatives.contains(&scopes) {
                alternatives.push(scopes);
            }
        }
        Ok(if any_will_do { Vec::new() } else { alternatives })
    }

    /// All scopes that were named, in the order in which they came. Those of `OpenID` Connect belong to no API.
    pub(super) fn found(self) -> Vec<FoundScope> {
        self.found
    }

    fn note(&mut self, name: &'a str, description: &str) -> Result<(), NoScope<'a>> {
        if !is_scope(name) {
            return Err(NoScope(name));
        }
        if OPENID_CONNECT.contains(&name) {
            return Ok(());
        }
        let place = *self.places.entry(name).or_insert(self.found.len());
        let title = title(description);
        match self.found.get_mut(place) {
            Some(known) if known.title.is_empty() => known.title = title,
            Some(_) => {}
            None => self.found.push(FoundScope { name: name.to_owned(), title }),
        }
        Ok(())
    }
}

/// What a local reference leads to; anything else as it is. References to other files are never followed.
pub(super) fn resolve<'a>(root: &'a Value, value: &'a Value) -> &'a Value {
    let mut value = value;
    for _ in 0..REFERENCES {
        let pointer = value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
        match pointer.and_then(|pointer| root.pointer(pointer)) {
            Some(target) => value = target,
            None => break,
        }
    }
    value
}

/// The first line of a description, as long as a consent page can show it.
fn title(description: &str) -> String {
    let line = description.trim().lines().next().unwrap_or_default().trim();
    let mut title: String = line.chars().filter(|c| !c.is_control()).take(LONGEST_TITLE).collect();
    if line.chars().count() > LONGEST_TITLE {
        title.push('…');
    }
    title
}

const LONGEST_TITLE: usize = 150;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn root() -> Value {
        json!({
            "security": [{ "oauth": ["read"] }],
            "components": { "securitySchemes": {
                "oauth": { "type": "oauth2", "flows": {
                    "clientCredentials": { "scopes": { "read": "Read it.\nAll of it.", "write": "" } },
                    "authorizationCode": { "scopes": { "write": "Write it.", "openid": "Sign in" } },
                } },
                "oidc": { "type": "openIdConnect" },
                "key": { "type": "apiKey" },
                "bearer": { "type": "http", "scheme": "bearer" },
                "other": { "$ref": "#/components/securitySchemes/oidc" },
                "circle": { "$ref": "#/components/securitySchemes/circle" },
            } },
        })
    }

    #[test]
    fn alternatives_are_those_requirements_that_a_token_can_meet() {
        let root = root();
        for (operation, want) in [
            (json!({}), &["read"][..]),
            (json!({ "security": [] }), &[]),
            (json!({ "security": [{ "oauth": [] }] }), &[]),
            (json!({ "security": [{}, { "oauth": ["read"] }] }), &[]),
            (json!({ "security": [{ "oauth": ["read"] }, { "oauth": [] }] }), &[]),
            (json!({ "security": [{ "key": [] }] }), &[]),
            (json!({ "security": [{ "key": [] }, { "oauth": ["write"] }] }), &["write"]),
            (json!({ "security": [{ "oauth": ["a", "b", "a"], "key": [] }, { "oidc": ["c"] }] }), &["a b", "c"]),
            (
                json!({ "security": [{ "oauth": ["a"], "oidc": ["b"] }, { "oidc": ["b"], "oauth": ["a"] }] }),
                &["a b", "b a"],
            ),
            (json!({ "security": [{ "bearer": ["role"] }, { "other": ["d"] }] }), &["d"]),
            (json!({ "security": [{ "undefined": ["e"] }, { "unknown": [] }] }), &["e"]),
            (json!({ "security": [{ "oidc": ["openid"] }] }), &["openid"]),
            (json!({ "security": "nonsense" }), &[]),
        ] {
            let mut security = Security::read(&root).unwrap();
            assert_eq!(security.needs(&operation).unwrap(), want, "{operation}");
        }
    }

    #[test]
    fn every_scope_that_is_named_is_found_once_with_its_first_words() {
        let (root, operation) = (root(), json!({ "security": [{ "oidc": ["email", "late"] }] }));
        let mut security = Security::read(&root).unwrap();
        security.needs(&operation).unwrap();
        let found: Vec<_> = security.found().into_iter().map(|scope| (scope.name, scope.title)).collect();
        let want = [("read", "Read it."), ("write", "Write it."), ("late", "")];
        assert_eq!(found, want.map(|(name, title)| (name.to_owned(), title.to_owned())));
    }

    #[test]
    fn what_cannot_be_a_scope_is_told() {
        let root = root();
        for wrong in ["", "a b", "\"", "é", &"x".repeat(101)] {
            let operation = json!({ "security": [{ "oauth": [wrong] }] });
            let mut security = Security::read(&root).unwrap();
            assert_eq!(security.needs(&operation).unwrap_err().0, wrong);
        }
    }
}
