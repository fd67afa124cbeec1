//! The names of every setting: in the file, in the environment, and the one that was probably meant.

use crate::config::{Config, tls};
use serde_json::Value;

/// Sections that the operator names.
struct Profiles {
    /// Where they are.
    section: &'static str,
    /// What each may set.
    fields: &'static [(&'static str, Shape)],
    /// How one is written.
    how: &'static str,
}

const PROFILES: [Profiles; 2] = [
    Profiles {
        section: "gateway.backend_tls",
        fields: &[("roots", Shape::Text), ("certificate", Shape::Text), ("key", Shape::Text)],
        how: "there is no such setting; write a section [gateway.backend_tls.NAME] with roots, certificate and key",
    },
    Profiles {
        section: PROVIDERS,
        fields: &[
            ("title", Shape::Text),
            ("issuer", Shape::Text),
            ("client_id", Shape::Text),
            (PROVIDER_SECRET, Shape::Text),
            ("client_secret_file", Shape::Text),
            ("scopes", Shape::List),
            ("roots", Shape::Text),
            ("email_claim", Shape::Text),
            ("email_verified_claim", Shape::Text),
            ("name_claim", Shape::Text),
            ("roles_claim", Shape::Text),
            ("roles", Shape::List),
            ("create_accounts", Shape::Switch),
            ("account_roles", Shape::List),
            ("link_by_email", Shape::Switch),
            ("email_domains", Shape::List),
        ],
        how: "there is no such setting; config.example.toml has those of a section [identity_providers.NAME]",
    },
];
const PROVIDERS: &str = "identity_providers";
/// The only setting of such a section that may be a variable.
const PROVIDER_SECRET: &str = "client_secret";

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its place in the file, such as `portal.listen`.
    pub path: String,
    /// What it takes.
    pub shape: Shape,
}

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text in quotes.
    Text,
    /// A whole number.
    Number,
    /// A part of one: from 0 to 1.
    Fraction,
    /// `true` or `false`.
    Switch,
    /// A list of texts.
    List,
}

impl Key {
    /// Every setting there is, read off the defaults.
    pub fn all() -> Vec<Self> {
        let mut keys = Vec::new();
        let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
        walk("", &defaults, &mut keys);
        keys
    }

    /// A setting of a section that the operator names; only the file can have such sections. None: `path` lies elsewhere. The
    /// error says how such a section is written.
    pub fn in_profile(path: &str) -> Result<Option<Self>, &'static str> {
        let under = |section: &str| path.strip_prefix(section).filter(|rest| rest.is_empty() || rest.starts_with('.'));
        let found = PROFILES.iter().find_map(|one| Some((under(one.section)?, one)));
        let Some((rest, Profiles { fields, how, .. })) = found else { return Ok(None) };
        match rest.strip_prefix('.').and_then(|rest| rest.rsplit_once('.')) {
            Some((name, _)) if !tls::is_profile_name(name) => {
                Err("a name has at most 64 lower-case letters, digits and hyphens, with no hyphen at its ends")
            }
            Some((_, field)) => match fields.iter().find(|(known, _)| *known == field) {
                Some((_, shape)) => Ok(Some(Self { path: path.to_owned(), shape: *shape })),
                None => Err(how),
            },
            None => Err(how),
        }
    }

    /// Its environment variable: `PORTICO_PORTAL_LISTEN`.
    pub fn variable(&self) -> String {
        format!("PORTICO_{}", self.path.replace('.', "_").to_uppercase())
    }
}

/// The secret of a provider whose section is in the file: `PORTICO_IDENTITY_PROVIDERS_ACME_CLIENT_SECRET`.
pub(super) fn secret_of_provider<'a>(variable: &str, mut names: impl Iterator<Item = &'a String>) -> Option<Key> {
    let key = |name: &String| Key { path: format!("{PROVIDERS}.{name}.{PROVIDER_SECRET}"), shape: Shape::Text };
    names.find_map(|name| Some(key(name)).filter(|key| key.variable().replace('-', "_") == variable))
}

fn walk(prefix: &str, value: &Value, keys: &mut Vec<Key>) {
    let shape = match value {
        Value::Object(section) => {
            for (name, value) in section {
                walk(&join(prefix, name), value, keys);
            }
            return;
        }
        Value::Number(number) if number.is_f64() => Shape::Fraction,
        Value::Number(_) => Shape::Number,
        Value::Bool(_) => Shape::Switch,
        Value::Array(_) => Shape::List,
        _ => Shape::Text,
    };
    keys.push(Key { path: prefix.to_owned(), shape });
}

/// `portal` and `listen` make `portal.listen`.
pub(super) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// `; did you mean …?`, or nothing when no known name is near.
pub(super) fn hint(wrong: &str, known: impl Iterator<Item = String>) -> String {
    let far = 2.max(wrong.chars().count() / 5);
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    known
        .filter_map(|name| {
            let distance = distance(wrong, &name);
            // In another section, but with the same name.
            let elsewhere = wrong.contains('.') || name.contains('.');
            let near = distance <= far || (elsewhere && last(wrong) == last(&name));
            near.then_some((distance, name))
        })
        .min()
        .map_or_else(String::new, |(_, name)| format!("; did you mean {name}?"))
}

/// Letters to add, remove or exchange (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (number, x) in a.chars().enumerate() {
        let mut next = vec![number + 1];
        for (y, above) in b.chars().zip(row.windows(2)) {
            let [diagonal, up] = above else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(x != y)).min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_variable_of_its_own() {
        let mut variables: Vec<String> = Key::all().iter().map(Key::variable).collect();
        assert!(variables.contains(&"PORTICO_GATEWAY_PRODUCTION_PUBLIC_URL".to_owned()), "{variables:?}");
        let count = variables.len();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), count);
    }

    #[test]
    fn the_nearest_known_name_is_named() {
        let known = || ["portal.listen", "portal.public_url", "database.url"].map(str::to_owned).into_iter();
        for (wrong, hinted) in [
            ("portal.lisen", "; did you mean portal.listen?"),
            ("portal.publicurl", "; did you mean portal.public_url?"),
            ("gateway.listen", "; did you mean portal.listen?"),
            ("url", "; did you mean database.url?"),
            ("colour", ""),
        ] {
            assert_eq!(hint(wrong, known()), hinted, "{wrong}");
        }
    }
}
