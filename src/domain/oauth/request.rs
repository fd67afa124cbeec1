//! A request at the token endpoint, parsed once (RFC 6749 §3.2, §2.3.1, appendix B).

use crate::domain::oauth::error::Refusal;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::collections::HashMap;

/// The request as it came.
#[derive(Clone)]
pub struct RawRequest<'a> {
    /// The query of the request's address.
    pub query: Option<&'a str>,
    /// `Content-Type`.
    pub content_type: Option<&'a [u8]>,
    /// Every `Authorization` header.
    pub authorization: Vec<&'a [u8]>,
    /// The body.
    pub body: &'a [u8],
}

/// The request as it is understood. It holds secrets, so it has no `Debug`.
pub struct TokenRequest {
    pub(super) presented: Presented,
    parameters: HashMap<String, String>,
    resources: Vec<String>,
}

/// How the client has authenticated itself, or tried to.
pub(super) enum Presented {
    /// With its id alone: enough for a public client.
    Id(String),
    /// With id and secret, by Basic or in the body.
    Secret { id: String, secret: String },
    /// With a token that it has signed (RFC 7523 §2.2); the id, if it was sent too.
    Assertion { id: Option<String>, kind: String, assertion: String },
    /// Not at all, or in a way that we do not know or cannot read.
    Nothing,
}

/// Parameters a request may have: more than any grant needs.
const MOST_PARAMETERS: usize = 64;
/// What proves a client; addresses are no place for it.
const CREDENTIALS: [&str; 3] = ["client_id", "client_secret", "client_assertion"];
const FORM: &str = "application/x-www-form-urlencoded";
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl TokenRequest {
    /// Reads a request. Parameters that are empty count as left out, unknown ones are ignored.
    pub fn parse(raw: &RawRequest<'_>) -> Result<Self, Refusal> {
        if !is_form(raw.content_type) {
            return Err(Refusal::InvalidRequest(
                "Send the parameters in the body as application/x-www-form-urlencoded.",
            ));
        }
        // Addresses end up in logs and histories (RFC 6749 §2.3.1).
        if raw.query.is_some_and(|query| names(query, &CREDENTIALS)) {
            return Err(Refusal::InvalidRequest("Credentials are not accepted in the address. Send them in the body."));
        }
        let (mut parameters, resources) = parameters(raw.body)?;
        let presented = presented(&raw.authorization, &mut parameters)?;
        Ok(Self { presented, parameters, resources })
    }

    /// The client that the request names, proved or not.
    pub fn client_id(&self) -> Option<&str> {
        match &self.presented {
            Presented::Id(id) | Presented::Secret { id, .. } => Some(id),
            Presented::Assertion { id, .. } => id.as_deref(),
            Presented::Nothing => None,
        }
    }

    /// A parameter that was sent and is not empty. Credentials are not among them.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

impl TokenRequest {
    /// Every `resource` (RFC 8707 §2), in their order.
    pub(super) fn resources(&self) -> &[String] {
        &self.resources
    }
}

pub(super) fn is_form(content_type: Option<&[u8]>) -> bool {
    content_type
        .and_then(|value| std::str::from_utf8(value).ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(FORM))
}

/// Whether one of these parameters is in the query.
pub(super) fn names(query: &str, parameters: &[&str]) -> bool {
    query.split('&').any(|pair| {
        let name = decode(pair.split('=').next().unwrap_or_default());
        name.is_some_and(|name| parameters.contains(&name.as_str()))
    })
}

/// The non-empty parameters of a form, each at most once; `resource` may come again (RFC 8707 §2) and is kept apart.
fn parameters(body: &[u8]) -> Result<(HashMap<String, String>, Vec<String>), Refusal> {
    const MALFORMED: Refusal = Refusal::InvalidRequest("The body is not well-formed UTF-8 in form encoding.");
    let body = std::str::from_utf8(body).map_err(|_not_utf8| MALFORMED)?;
    let (mut all, mut resources) = (HashMap::new(), Vec::new());
    for (count, pair) in body.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count >= MOST_PARAMETERS {
            return Err(Refusal::InvalidRequest("There are too many parameters."));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = decode(name).zip(decode(value)).ok_or(MALFORMED)?;
        if name == "resource" {
            if !value.is_empty() {
                resources.push(value);
            }
            continue;
        }
        if all.insert(name, value).is_some() {
            return Err(Refusal::InvalidRequest("A parameter is repeated."));
        }
    }
    all.retain(|_name, value| !value.is_empty());
    Ok((all, resources))
}

/// Takes the credentials out of headers and parameters. More than one method is an error even if each would do.
fn presented(authorization: &[&[u8]], parameters: &mut HashMap<String, String>) -> Result<Presented, Refusal> {
    const TWO_METHODS: Refusal = Refusal::InvalidRequest("Authenticate the client in one way only.");
    let id = parameters.remove("client_id");
    let secret = parameters.remove("client_secret");
    let assertion = parameters.remove("client_assertion");
    let kind = parameters.remove("client_assertion_type").unwrap_or_default();
    let methods = authorization.len() + usize::from(secret.is_some()) + usize::from(assertion.is_some());
    if methods > 1 {
        return Err(TWO_METHODS);
    }
    if let Some(header) = authorization.first() {
        let basic = basic(header);
        if let (Some(id), Presented::Id(other) | Presented::Secret { id: other, .. }) = (id, &basic)
            && id != *other
        {
            return Err(Refusal::InvalidRequest("The client_id differs from the one in the Authorization header."));
        }
        return Ok(basic);
    }
    Ok(match (id, secret, assertion) {
        (Some(id), Some(secret), _) => Presented::Secret { id, secret },
        (Some(id), None, None) => Presented::Id(id),
        (id, None, Some(assertion)) => Presented::Assertion { id, kind, assertion },
        (None, _, _) => Presented::Nothing,
    })
}

/// RFC 7617 with RFC 6749 §2.3.1: both halves are form-encoded inside the base64. The scheme's case does not matter.
fn basic(header: &[u8]) -> Presented {
    let halves = || {
        let (scheme, credentials) = std::str::from_utf8(header).ok()?.trim().split_once(' ')?;
        let decoded = BASE64.decode(credentials.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        decode(id).filter(|id| !id.is_empty()).zip(decode(secret))
    };
    match halves() {
        None => Presented::Nothing,
        Some((id, secret)) if secret.is_empty() => Presented::Id(id),
        Some((id, secret)) => Presented::Secret { id, secret },
    }
}

/// Decodes `application/x-www-form-urlencoded` strictly: broken escapes, broken UTF-8 and control characters
/// (RFC 6749 appendix A allows none but the tab) are refused rather than repaired.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? * 16 + hex(rest.next()?)?,
            other => other,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.chars().any(|c| c.is_control() && c != '\t')).then_some(text)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    #[test]
    fn form_decoding_repairs_nothing() {
        assert_eq!(decode("a+b%20c%2B%c3%A9").as_deref(), Some("a b c+é"));
        for broken in ["%", "%4", "%zz", "%+1", "%ff", "%c3%28", "%00", "%0A", "\u{7f}"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(256)
        })]

        #[test]
        fn no_request_is_too_strange_to_be_answered(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            header in proptest::collection::vec(any::<u8>(), 0..60),
            query in "\\PC{0,40}",
        ) {
            let _ = TokenRequest::parse(&RawRequest {
                query: Some(&query),
                content_type: Some(FORM.as_bytes()),
                authorization: vec![&header],
                body: &body,
            });
            let _ = basic(&[b"Basic ", header.as_slice()].concat());
        }

        #[test]
        fn a_form_is_read_as_it_was_written(
            pairs in proptest::collection::btree_map("[a-z_]{1,12}", "\\PC{1,30}", 0..20),
            resources in proptest::collection::vec("\\PC{1,30}", 0..4),
        ) {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(&pairs).extend_pairs(resources.iter().map(|resource| ("resource", resource)));
            let body = form.finish();
            let parse = |body: &str| TokenRequest::parse(&RawRequest {
                query: None,
                content_type: Some(FORM.as_bytes()),
                authorization: Vec::new(),
                body: body.as_bytes(),
            });
            let credentials = ["client_id", "client_secret", "client_assertion", "client_assertion_type", "resource"];
            prop_assume!(!credentials.iter().any(|name| pairs.contains_key(*name)));
            let read = parse(&body).map_err(|refusal| TestCaseError::fail(refusal.description()))?;
            for (name, value) in &pairs {
                prop_assert_eq!(read.parameter(name), Some(value.as_str()));
            }
            prop_assert_eq!(read.resources(), &resources[..]);
            // Said twice, each of them is refused, whatever it says.
            for name in pairs.keys() {
                let twice = format!("{body}&{name}=x");
                prop_assert!(parse(&twice).is_err());
            }
        }

        #[test]
        fn no_two_ways_to_authenticate_are_taken_at_once(
            headers in proptest::collection::vec("(Basic )?[A-Za-z0-9+/=]{0,30}", 0..3),
            secret in proptest::option::of("[a-z]{1,9}"),
            assertion in proptest::option::of("[a-z]{1,9}"),
        ) {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "x");
            form.extend_pairs(secret.iter().map(|secret| ("client_secret", secret)));
            form.extend_pairs(assertion.iter().map(|assertion| ("client_assertion", assertion)));
            let read = TokenRequest::parse(&RawRequest {
                query: None,
                content_type: Some(FORM.as_bytes()),
                authorization: headers.iter().map(String::as_bytes).collect(),
                body: form.finish().as_bytes(),
            });
            let ways = headers.len() + usize::from(secret.is_some()) + usize::from(assertion.is_some());
            prop_assert_eq!(read.is_ok(), ways <= 1);
        }

        #[test]
        fn what_a_client_encodes_is_read_as_it_was(id in "\\PC{1,30}", secret in "\\PC{1,30}") {
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let header = format!("Basic {}", BASE64.encode(format!("{}:{}", encode(&id), encode(&secret))));
            let is_same = matches!(basic(header.as_bytes()), Presented::Secret { id: i, secret: s } if i == id && s == secret);
            prop_assert!(is_same);
        }
    }
}
