//! What a provider says of a person: claims by paths with dots in them.

use crate::base::text::{self, Email};
use crate::config::IdentityProvider;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Claims about a person.
pub(super) type Claims = Map<String, Value>;

/// Who came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// What the provider calls them, for ever.
    pub(super) subject: String,
    /// Their address, if the provider vouches for it.
    pub(super) email: Option<Email>,
    /// What to call them; empty when nothing is said.
    pub(super) name: String,
    /// The values from which roles are made.
    pub(super) values: BTreeSet<String>,
}

impl Person {
    /// From the claims of the ID token, and of the user info endpoint where it was asked. An address and the word for it
    /// count only from the same place.
    pub(super) fn read(settings: &IdentityProvider, subject: &str, places: &[&Claims]) -> Self {
        let names = [settings.name_claim.as_str(), "name", "preferred_username"];
        let name = places.iter().flat_map(|claims| names.map(|path| find(claims, path))).flatten();
        let name = name.filter_map(Value::as_str).find_map(|name| {
            let short: String = name.trim().chars().take(100).collect();
            text::line("name", "a name", &short, 100).ok()
        });
        let values = settings.roles_claim.as_ref().and_then(|path| places.iter().find_map(|all| find(all, path)));
        Self {
            subject: subject.to_owned(),
            email: places.iter().find_map(|claims| verified_email(settings, claims)),
            name: name.unwrap_or_default(),
            values: values.map(values_of).unwrap_or_default(),
        }
    }
}

/// Whether the ID token alone does not say what we want to know.
pub(super) fn lacks(settings: &IdentityProvider, claims: &Claims) -> bool {
    let lacks_roles = settings.roles_claim.as_ref().is_some_and(|path| find(claims, path).is_none());
    lacks_roles || verified_email(settings, claims).is_none()
}

fn verified_email(settings: &IdentityProvider, claims: &Claims) -> Option<Email> {
    // Some providers write the boolean (OpenID Connect Core §5.1) as a text or a number.
    let is_yes = |value: &Value| match value {
        Value::Bool(yes) => *yes,
        Value::String(text) => text == "true" || text == "1",
        Value::Number(number) => number.as_u64() == Some(1),
        _ => false,
    };
    let is_verified = find(claims, &settings.email_verified_claim).is_some_and(is_yes);
    find(claims, &settings.email_claim)?.as_str().filter(|_| is_verified).and_then(Email::parse)
}

/// The value at a path. A claim whose own name has dots in it, such as `https://example.com/roles`, is found too.
fn find<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(place, _)| {
        let (name, rest) = path.split_at_checked(place)?;
        find(claims.get(name)?.as_object()?, rest.strip_prefix('.')?)
    })
}

/// One text, or a list of them.
fn values_of(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(one) => BTreeSet::from([one.clone()]),
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: &Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn dots_lead_into_objects_and_may_be_part_of_a_name() {
        let all = claims(&json!({
            "realm_access": { "roles": ["a", "b", 3] },
            "resource_access": { "portal.example.com": { "roles": "c" } },
            "https://example.com/roles": ["d"],
            "flat": "e",
            "number": 7,
        }));
        for (path, expected) in [
            ("realm_access.roles", &["a", "b"][..]),
            ("resource_access.portal.example.com.roles", &["c"]),
            ("https://example.com/roles", &["d"]),
            ("flat", &["e"]),
            ("number", &[]),
        ] {
            assert_eq!(values_of(find(&all, path).unwrap()).iter().collect::<Vec<_>>(), expected, "{path}");
        }
        for path in ["realm_access.role", "realm_access..roles", "flat.x", "", ".", "realm_access."] {
            assert_eq!(find(&all, path), None, "{path}");
        }
    }

    #[test]
    fn an_address_counts_only_where_the_provider_vouches_for_it() {
        let settings = IdentityProvider::default();
        let email = |places: &[Value]| {
            let places: Vec<Claims> = places.iter().map(claims).collect();
            let places: Vec<&Claims> = places.iter().collect();
            Person::read(&settings, "1", &places).email.map(|email| email.to_string())
        };
        for yes in [json!(true), json!("true"), json!(1)] {
            let said = json!({ "email": "Ada@example.com", "email_verified": yes });
            assert_eq!(email(&[said]).as_deref(), Some("ada@example.com"));
        }
        for no in [json!(false), json!("yes"), json!(null), json!("false"), json!(2), json!([true])] {
            assert_eq!(email(&[json!({ "email": "ada@example.com", "email_verified": no })]), None);
        }
        assert_eq!(email(&[json!({ "email": "ada@example.com" })]), None);
        // The word of one place does not count for the address of the other.
        let (word, address) = (json!({ "email_verified": true }), json!({ "email": "ada@example.com" }));
        assert_eq!(email(&[word, address]), None);
    }

    #[test]
    fn names_are_one_short_line() {
        let settings = IdentityProvider::default();
        let name = |value: &Value| Person::read(&settings, "1", &[&claims(value)]).name;
        assert_eq!(name(&json!({ "name": " Ada ", "preferred_username": "al" })), "Ada");
        assert_eq!(name(&json!({ "name": "a\nb", "preferred_username": "al" })), "al");
        assert_eq!(name(&json!({ "name": "x".repeat(300) })).chars().count(), 100);
        assert_eq!(name(&json!({ "name": 7 })), "");
    }
}
