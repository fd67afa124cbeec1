//! Scopes (RFC 6749 §3.3): names that are compared by the byte, each once, in the order in which they were asked for.

/// Asks for an ID token (OIDC Core §3.1.2.1).
pub const OPENID: &str = "openid";
/// Opens the user's name (OIDC Core §5.4).
pub const PROFILE: &str = "profile";
/// Opens the user's e-mail address (OIDC Core §5.4).
pub const EMAIL: &str = "email";
/// Asks for a refresh token (OIDC Core §11). Here the application's choice of the grant decides; the scope is understood
/// because libraries send it.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scopes of OpenID Connect, all about a user.
pub const OPENID_CONNECT: [&str; 4] = [OPENID, PROFILE, EMAIL, OFFLINE_ACCESS];

/// A set of scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

/// Characters of one scope, at most.
const LONGEST: usize = 100;

impl Scopes {
    /// Reads the parameter `scope`: names separated by single or several spaces. Nothing when a name has a character
    /// that RFC 6749 §3.3 does not allow, or is too long.
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::default();
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            if !is_scope(name) {
                return None;
            }
            all.insert(name);
        }
        Some(all)
    }

    /// From names that were checked before.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut all = Self::default();
        for name in names {
            all.insert(name.as_ref());
        }
        all
    }

    /// Adds one, unless it is there.
    pub fn insert(&mut self, name: &str) {
        if !self.contains(name) {
            self.0.push(name.to_owned());
        }
    }

    /// Whether it is among them.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|n| n == name)
    }

    /// Whether each of them is in `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.0.iter().all(|name| other.contains(name))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// For SQL parameters.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Whether it may be the name of a scope (RFC 6749 §3.3: visible ASCII without quote and backslash).
pub fn is_scope(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_once_each_in_their_order() {
        let scopes = Scopes::parse(" pets:write  openid pets:write pets:read ").unwrap();
        assert_eq!(scopes.to_string(), "pets:write openid pets:read");
        assert!(Scopes::parse("openid").unwrap().is_subset_of(&scopes) && !scopes.contains("Openid"));
        for wrong in ["a\"b", "a\\b", "é", "a\tb", "a\nb", &"x".repeat(101)] {
            assert_eq!(Scopes::parse(wrong), None, "{wrong}");
        }
        assert!(Scopes::parse("  ").unwrap().is_empty());
    }
}
