//! The parameters of an authorization request, read strictly (RFC 6749 §3.1 and appendix B).

use crate::domain::oauth::authorize::answer::Fault;
use crate::domain::oauth::request::decode;
use std::collections::{BTreeMap, BTreeSet};

/// The parameters that mean something here, each once; `resource` may come again (RFC 8707 §2) and is kept apart.
/// This is also what is stored while a user decides.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Parameters {
    values: BTreeMap<String, String>,
    resources: Vec<String>,
    #[serde(skip)]
    repeated: BTreeSet<String>,
}

/// Bytes of a query: a long `state` fits, and what is stored stays small.
const LONGEST: usize = 16 * 1024;
/// Parameters a request may have: more than any library sends.
const MOST: usize = 64;
/// What is understood or refused. Everything else is ignored (RFC 6749 §3.1).
const KNOWN: [&str; 16] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "registration",
];

impl Parameters {
    /// Reads a query. What cannot be decoded names no client and no address to answer to.
    pub(super) fn parse(query: &str) -> Result<Self, Fault> {
        if query.len() > LONGEST {
            return Err(Fault::TooLong);
        }
        let (mut read, mut seen) = (Self::default(), BTreeSet::new());
        for (count, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            if count >= MOST {
                return Err(Fault::TooLong);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = decode(name).zip(decode(value)).ok_or(Fault::Unreadable)?;
            if name == "resource" {
                // One without a value counts as left out, like any other parameter.
                read.resources.extend(Some(value).filter(|value| !value.is_empty()));
            } else if !seen.insert(name.clone()) {
                read.repeated.insert(name);
            } else if KNOWN.contains(&name.as_str()) && !value.is_empty() {
                read.values.insert(name, value);
            }
        }
        Ok(read)
    }

    /// A parameter that was sent once and is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).filter(|_| !self.repeated.contains(name)).map(String::as_str)
    }

    /// Every `resource`, in their order.
    pub(super) fn resources(&self) -> &[String] {
        &self.resources
    }

    /// Whether some parameter came more than once.
    pub(super) fn has_repeated(&self) -> bool {
        !self.repeated.is_empty()
    }
}

/// The body of a form as the query of the same request (OIDC Core §3.1.2.1: GET and POST mean the same): decoded and
/// encoded anew, because it goes into a header.
pub fn query_of_form(query: &str, body: &[u8]) -> Result<String, Fault> {
    let body = std::str::from_utf8(body).map_err(|_not_utf8| Fault::Unreadable)?;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for pair in query.split('&').chain(body.split('&')).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = decode(name).zip(decode(value)).ok_or(Fault::Unreadable)?;
        form.append_pair(&name, &value);
    }
    let query = form.finish();
    if query.len() > LONGEST { Err(Fault::TooLong) } else { Ok(query) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_counts_once_and_empty_ones_not_at_all() {
        let read =
            Parameters::parse("state=a%20b&&nonce=&scope=x&scope=&resource=b&resource=&resource=a&other=1").unwrap();
        assert_eq!((read.get("state"), read.get("nonce"), read.get("other")), (Some("a b"), None, None));
        assert_eq!((read.get("scope"), read.has_repeated()), (None, true));
        assert_eq!(read.resources(), ["b", "a"]);
    }

    #[test]
    fn what_cannot_be_read_or_is_too_long_is_refused() {
        for broken in ["state=%00", "state=%zz", "state=%ff", "%0a=1", "state=%"] {
            assert_eq!(Parameters::parse(broken).err(), Some(Fault::Unreadable), "{broken}");
        }
        assert_eq!(Parameters::parse(&format!("state={}", "a".repeat(LONGEST))).err(), Some(Fault::TooLong));
        let many = "x=&".repeat(MOST + 1);
        assert_eq!(Parameters::parse(&many).err(), Some(Fault::TooLong));
    }

    #[test]
    fn a_form_becomes_the_query_of_the_same_request() {
        let query = query_of_form("a=1", b"state=a%20b&x=%26\xc3\xa9").unwrap();
        assert_eq!(query, "a=1&state=a+b&x=%26%C3%A9");
        for broken in [&b"a=%00"[..], b"a=\xff", b"a=%0d%0aset-cookie:x"] {
            assert_eq!(query_of_form("", broken).err(), Some(Fault::Unreadable));
        }
    }
}
