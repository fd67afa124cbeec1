//! API keys in queries: taken where the API names a parameter for them, and noticed where it does not.

use crate::base::environment::Environment;
use crate::base::secret::{Kind, Plain};
use std::borrow::Cow;
use url::form_urlencoded;

/// What a query says about keys.
pub(super) enum InQuery<'q> {
    /// Nothing.
    Nothing,
    /// The API's parameter is there once.
    One {
        /// Its value, decoded.
        value: Cow<'q, str>,
        /// The query without it, for the backend; nothing if nothing is left.
        rest: Option<String>,
    },
    /// The API's parameter is there more than once.
    Several,
    /// One of our keys stands where the API takes none.
    Stray,
}

/// Looks through a query, given without its question mark. `parameter` is that of the API, if it takes keys there.
pub(super) fn find<'q>(query: Option<&'q str>, parameter: Option<&str>) -> InQuery<'q> {
    let Some(query) = query else { return InQuery::Nothing };
    let mut found = None;
    if let Some(parameter) = parameter {
        for part in query.split('&') {
            let pair = form_urlencoded::parse(part.as_bytes()).next();
            if let Some((_, value)) = pair.filter(|(name, _)| name == parameter) {
                if found.is_some() {
                    return InQuery::Several;
                }
                found = Some((part, value));
            }
        }
    }
    match found {
        Some((mine, value)) => {
            // Byte for byte but for the one part, which is told by where it stands.
            let others: Vec<&str> = query.split('&').filter(|part| !std::ptr::eq(*part, mine)).collect();
            let rest = (!others.is_empty()).then(|| others.join("&"));
            if rest.as_deref().is_some_and(holds_key) { InQuery::Several } else { InQuery::One { value, rest } }
        }
        None if holds_key(query) => InQuery::Stray,
        None => InQuery::Nothing,
    }
}

/// Whether one of our API keys stands anywhere in a text, plain or encoded.
pub(super) fn holds_key(text: &str) -> bool {
    let is_in = |text: &str| {
        text.match_indices("ptk_").any(|(at, _)| {
            let tail = text.get(at..).unwrap_or_default();
            let end = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(tail.len());
            let word = tail.get(..end).unwrap_or_default();
            Environment::ALL.into_iter().any(|environment| Plain::parse(Kind::ApiKey(environment), word).is_some())
        })
    };
    is_in(text)
        || (text.contains('%') && is_in(&String::from_utf8_lossy(&crate::gateway::route::decode(text.as_bytes()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn key() -> String {
        Plain::mint(Kind::ApiKey(Environment::Sandbox), &Random::seeded(3)).expose().to_owned()
    }

    #[test]
    fn the_parameter_is_taken_out_and_every_other_byte_stays() {
        for (query, value, left) in [
            ("key=x", "x", None),
            ("a=%20&key=x&&b", "x", Some("a=%20&&b")),
            ("k%65y=x%79&a=1", "xy", Some("a=1")),
            ("a=1&key", "", Some("a=1")),
            ("a=key=1&key=&=", "", Some("a=key=1&=")),
            ("key=x&KEY=y;key=z", "x", Some("KEY=y;key=z")),
        ] {
            match find(Some(query), Some("key")) {
                InQuery::One { value: found, rest } => {
                    assert_eq!((&*found, rest.as_deref()), (value, left), "{query}");
                }
                _ => panic!("{query}"),
            }
        }
        assert!(matches!(find(Some("key=x&k%65y=y"), Some("key")), InQuery::Several));
        assert!(matches!(find(Some("a=key"), Some("key")), InQuery::Nothing));
        assert!(matches!(find(None, Some("key")), InQuery::Nothing));
    }

    #[test]
    fn a_key_is_noticed_wherever_it_stands() {
        let key = key();
        for query in
            [key.clone(), format!("a=1;b={key}"), format!("a={}", key.replace('_', "%5F")), format!("x=ptk_{key}")]
        {
            assert!(matches!(find(Some(&query), None), InQuery::Stray), "{query}");
        }
        assert!(matches!(find(Some(&format!("key=a&other={key}")), Some("key")), InQuery::Several));
        let wrong = key.get(..key.len() - 1).unwrap().to_owned() + "!";
        assert!(matches!(find(Some(&wrong), None), InQuery::Nothing));
    }
}
