//! What a publisher asks of the gateway for one API, beyond routes and credentials: manifests say it, the database keeps
//! it as one JSON document, the gateway carries it out. A field that is left out leaves the gateway's own default.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest time to connect to a backend that may be asked for, in seconds; the configuration's bound is the same.
pub const MOST_CONNECT_SECONDS: u32 = 300;
/// The longest wait for a backend's first byte, in seconds; the configuration's bound is the same.
pub const MOST_FIRST_BYTE_SECONDS: u32 = 3600;
/// The longest time without a byte of a body, in seconds; the gateway waits for no API longer.
pub const MOST_IDLE_SECONDS: u32 = 3600;
/// The largest limit of a request body, in bytes; the configuration's bound is the same.
pub const MOST_BODY_BYTES: u64 = 1 << 50;

/// The policies of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policies {
    /// Seconds to connect to a backend; at most the gateway's own limit counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_seconds: Option<u32>,
    /// Seconds until a backend's first byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_seconds: Option<u32>,
    /// Seconds without a byte in either direction of a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<u32>,
    /// The largest request body, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_body_bytes: Option<u64>,
    /// Changes to the headers that a backend gets.
    #[serde(skip_serializing_if = "HeaderEdits::is_empty")]
    pub request_headers: HeaderEdits,
    /// Changes to the headers that a caller gets.
    #[serde(skip_serializing_if = "HeaderEdits::is_empty")]
    pub response_headers: HeaderEdits,
    /// Another beginning of the path that backends get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Rewrite>,
    /// The `Host` that backends get.
    #[serde(skip_serializing_if = "Host::is_backend")]
    pub host: Host,
    /// Whether backends also get `Forwarded` (RFC 7239).
    #[serde(skip_serializing_if = "is_false")]
    pub forwarded: bool,
    /// Whether only paths and methods of the `OpenAPI` files pass: 404 and 405 for others.
    #[serde(skip_serializing_if = "is_false")]
    pub enforce_definition: bool,
    /// The query parameter that may carry an API key; none: keys in queries do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_parameter: Option<String>,
    /// Which pages of other origins may call the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Whether backends get a signed, short-lived statement of who calls (`X-Portico-Assertion`).
    #[serde(skip_serializing_if = "is_false")]
    pub assertion: bool,
    /// How backends are spoken to.
    #[serde(skip_serializing_if = "BackendLink::is_usual")]
    pub backend: BackendLink,
    /// What all callers of the API together may do.
    #[serde(skip_serializing_if = "Limit::is_empty")]
    pub limit: Limit,
    /// What all callers of one operation together may do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operation_limits: Vec<OperationLimit>,
}

/// Changes to headers, carried out in this order: removed, set, added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeaderEdits {
    /// Names, in lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Names, in lower case, with the one value that each gets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Names, in lower case, with a value that each gets beside those it has.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub add: BTreeMap<String, String>,
}

/// Another beginning of the path below an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// A path that begins with a slash and has none at its end, or is `/`. Whole segments count.
    pub from: String,
    /// What stands in its place, of the same shape.
    pub to: String,
}

/// The `Host` that backends get.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Host {
    /// That of the backend's URL.
    #[default]
    Backend,
    /// The one that the caller sent.
    Caller,
    /// This one.
    Named(String),
}

/// Which pages of other origins may call an API (Fetch standard, CORS protocol).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// Origins such as `https://app.example.com`, or `*` alone for all.
    pub origins: Vec<String>,
    /// Methods, in upper case; empty: those that the page asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Request headers, in lower case; empty: those that the page asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Response headers that pages may read, in lower case; empty: the gateway's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expose: Vec<String>,
    /// Whether pages may send cookies; not with `*`.
    #[serde(skip_serializing_if = "is_false")]
    pub credentials: bool,
    /// Seconds for which a browser may keep a preflight's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<u32>,
}

/// How backends are spoken to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackendLink {
    /// The protocol.
    #[serde(skip_serializing_if = "Protocol::is_http1")]
    pub protocol: Protocol,
    /// A name from `[gateway.backend_tls.NAME]` of the configuration: private roots, a client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
}

/// The protocol that is spoken with a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2: agreed on over TLS, or with prior knowledge in the clear.
    Http2,
}

/// A rate, and apart from it a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    /// How fast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How many in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

/// The limit of one operation, named as in the `OpenAPI` file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationLimit {
    /// In upper case.
    pub method: String,
    /// The path template.
    pub path: String,
    /// What it may do.
    pub limit: Limit,
}

/// So many requests per unit of time, and how many of them may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests.
    pub count: u32,
    /// Per this.
    pub per: RateUnit,
    /// At once.
    pub burst: u32,
}

/// So many requests in a calendar day or month, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests.
    pub count: u64,
    /// In this.
    pub per: Period,
}

/// Unit of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum RateUnit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

/// What a quota is counted in: calendar days and months, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
}

impl RateUnit {
    /// As in manifests and in "1000 a minute".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long it is, in seconds.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }
}

impl Period {
    /// As in manifests and in "10000 a day".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl HeaderEdits {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }
}

impl Host {
    const fn is_backend(&self) -> bool {
        matches!(self, Self::Backend)
    }
}

impl BackendLink {
    /// Whether it is what every API has that says nothing.
    pub const fn is_usual(&self) -> bool {
        self.protocol.is_http1() && self.tls.is_none()
    }
}

impl Protocol {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    const fn is_http1(&self) -> bool {
        matches!(self, Self::Http1)
    }
}

impl Limit {
    /// Whether it limits nothing.
    pub const fn is_empty(&self) -> bool {
        self.rate.is_none() && self.quota.is_none()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}
