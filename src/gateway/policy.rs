//! The policies of an API, prepared once when the route table is built, so that no call parses anything.

use crate::base::policy::{HeaderEdits, Host, Policies, Rewrite};
use crate::gateway::cors::Cors;
use crate::gateway::headers;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// What the operator allows every API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// To connect to a backend, at most.
    pub(super) connect: Duration,
    /// Until a backend's first byte, where the API says nothing else.
    pub(super) first_byte: Duration,
    /// Without a byte in a body, where the API says nothing else.
    pub(super) idle: Duration,
    /// Of a request's body, at most, in bytes.
    pub(super) max_body: u64,
}

/// No API may wait longer than this for a byte: whatever waits holds a connection.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What the gateway does for one API.
#[derive(Debug)]
pub(super) struct Rules {
    /// To connect to a backend.
    pub(super) connect: Duration,
    /// Until a backend's first byte.
    pub(super) first_byte: Duration,
    /// Without a byte in either direction of a body.
    pub(super) idle: Duration,
    /// The largest request body, in bytes.
    pub(super) max_body: u64,
    /// Changes to what a backend gets.
    pub(super) request: Edits,
    /// Changes to what a caller gets.
    pub(super) response: Edits,
    /// Another beginning of the path.
    pub(super) rewrite: Option<Prefixes>,
    /// Which `Host` backends get.
    pub(super) host: ToldHost,
    /// Whether backends get `Forwarded`.
    pub(super) forwarded: Forwarded,
    /// Which paths and methods pass.
    pub(super) pass: Pass,
    /// The query parameter that may carry an API key.
    pub(super) key_parameter: Option<Box<str>>,
    /// Which pages of other origins may call.
    pub(super) cors: Option<Cors>,
    /// Whether backends get a signed statement of who calls.
    pub(super) assertion: Assertions,
}

/// Changes to headers, ready to be made.
#[derive(Debug, Default)]
pub(super) struct Edits {
    remove: Box<[HeaderName]>,
    set: Box<[(HeaderName, HeaderValue)]>,
    add: Box<[(HeaderName, HeaderValue)]>,
}

/// Two beginnings of paths, each without a slash at its end.
#[derive(Debug)]
pub(super) struct Prefixes {
    from: Box<str>,
    to: Box<str>,
}

/// Which `Host` backends get.
#[derive(Debug)]
pub(super) enum ToldHost {
    /// That of the backend's URL.
    Backend,
    /// The one that the caller sent.
    Caller,
    /// This one.
    Named(HeaderValue),
}

/// Whether backends get `Forwarded` (RFC 7239).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Forwarded {
    /// They do.
    Told,
    /// They get `X-Forwarded-*` only.
    Untold,
}

/// Which paths and methods pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pass {
    /// Those of the endpoint's `OpenAPI` file.
    Defined,
    /// All.
    All,
}

/// Whether backends get signed statements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Assertions {
    /// They do.
    Signed,
    /// They do not.
    None,
}

/// Why policies cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// Not a name of a header.
    #[error("`{0}` is no name of a header")]
    Name(String),
    /// A value with control characters, or one that cannot be sent.
    #[error("the value for `{0}` cannot be sent")]
    Value(String),
    /// A path without a slash at its beginning.
    #[error("`{0}` is no path to rewrite")]
    Path(String),
    /// Cookies for every page there is.
    #[error("pages of all origins cannot be allowed to send cookies")]
    AllWithCookies,
    /// A parameter without a name.
    #[error("the query parameter of the key has no name")]
    Parameter,
}

impl Rules {
    /// What `policies` mean for an API with these headers for credentials, within the operator's bounds.
    pub(super) fn new(
        policies: &Policies,
        credentials: [Option<&HeaderName>; 2],
        bounds: &Bounds,
    ) -> Result<Self, Unusable> {
        let seconds = |seconds: Option<u32>, usual: Duration| {
            seconds.map_or(usual, |seconds| Duration::from_secs(seconds.max(1).into()))
        };
        let is_credential = |name: &HeaderName| credentials.into_iter().flatten().any(|credential| credential == name);
        let host = match &policies.host {
            Host::Backend => ToldHost::Backend,
            Host::Caller => ToldHost::Caller,
            Host::Named(name) => ToldHost::Named(value("host", name)?),
        };
        Ok(Self {
            connect: seconds(policies.connect_seconds, bounds.connect).min(bounds.connect),
            first_byte: seconds(policies.first_byte_seconds, bounds.first_byte).min(LONGEST_WAIT),
            idle: seconds(policies.idle_seconds, bounds.idle).min(LONGEST_WAIT),
            max_body: policies.max_body_bytes.map_or(bounds.max_body, |bytes| bytes.min(bounds.max_body)),
            request: Edits::new(&policies.request_headers, |name, _| {
                headers::is_gateways_towards_backends(name) || is_credential(name)
            })?,
            response: Edits::new(&policies.response_headers, |name, value| {
                headers::is_gateways_towards_callers(name)
                    || (*name == SET_COOKIE && value.is_some_and(headers::sets_session))
            })?,
            rewrite: policies.rewrite.as_ref().map(Prefixes::new).transpose()?,
            host,
            forwarded: if policies.forwarded { Forwarded::Told } else { Forwarded::Untold },
            pass: if policies.enforce_definition { Pass::Defined } else { Pass::All },
            key_parameter: match policies.key_parameter.as_deref() {
                Some("") => return Err(Unusable::Parameter),
                parameter => parameter.map(Box::from),
            },
            cors: policies.cors.as_ref().map(Cors::new).transpose()?,
            assertion: if policies.assertion { Assertions::Signed } else { Assertions::None },
        })
    }
}

impl Edits {
    /// From what was published. Names that are the gateway's own are left out: publishing refuses them, and what is
    /// stored all the same must not count.
    fn new(
        edits: &HeaderEdits,
        is_gateways: impl Fn(&HeaderName, Option<&HeaderValue>) -> bool,
    ) -> Result<Self, Unusable> {
        let own = |name: &HeaderName, value: Option<&HeaderValue>| {
            let is_gateways = is_gateways(name, value);
            if is_gateways {
                tracing::warn!(header = %name, "a policy would change a header of the gateway's own; it does not count");
            }
            is_gateways
        };
        let pairs = |all: &std::collections::BTreeMap<String, String>| {
            let pair = |(key, text): (&String, &String)| Ok((name(key)?, value(key, text)?));
            let pairs = all.iter().map(pair).collect::<Result<Vec<_>, Unusable>>()?;
            Ok(pairs.into_iter().filter(|(name, value)| !own(name, Some(value))).collect())
        };
        let names = edits.remove.iter().map(|text| name(text)).collect::<Result<Vec<_>, Unusable>>()?;
        Ok(Self {
            remove: names.into_iter().filter(|name| !own(name, None)).collect(),
            set: pairs(&edits.set)?,
            add: pairs(&edits.add)?,
        })
    }

    /// Makes them: removed, set, added.
    pub(super) fn make(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
    }
}

impl Prefixes {
    fn new(rewrite: &Rewrite) -> Result<Self, Unusable> {
        let prefix = |path: &str| -> Result<Box<str>, Unusable> {
            match path.strip_prefix('/') {
                Some(_) => Ok(Box::from(path.trim_end_matches('/'))),
                None => Err(Unusable::Path(path.to_owned())),
            }
        };
        let to = prefix(&rewrite.to)?;
        // Whatever stands in a target is sent as it is: no byte may end the path or the line.
        if !to.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#')) {
            return Err(Unusable::Path(rewrite.to.clone()));
        }
        Ok(Self { from: prefix(&rewrite.from)?, to })
    }

    /// The path that a backend gets instead of `path`, which is empty or starts with a slash; nothing where it does not
    /// begin with those segments, byte for byte.
    pub(super) fn apply(&self, path: &str) -> Option<String> {
        let below = path.strip_prefix(&*self.from)?;
        (below.is_empty() || below.starts_with('/')).then(|| [&self.to, below].concat())
    }
}

/// A header's name.
pub(super) fn name(text: &str) -> Result<HeaderName, Unusable> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_invalid| Unusable::Name(text.to_owned()))
}

/// A header's value; `name` is for the error.
pub(super) fn value(name: &str, text: &str) -> Result<HeaderValue, Unusable> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_invalid| Unusable::Value(name.to_owned()))
}
