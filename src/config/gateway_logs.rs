//! What the gateway writes down of calls: the access log, the trace context, the refused calls.

use crate::config::keys;
use serde::{Deserialize, Deserializer, Serialize};
use std::path::Path;

/// The access log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessLog {
    /// Whether there is one.
    pub enabled: bool,
    /// `json` or `text`.
    pub format: AccessLogFormat,
    /// `stdout`, or a file.
    pub to: String,
    /// What a line holds, in this order.
    pub fields: Vec<AccessLogField>,
    /// Which part of the calls that went well is written, from 0 to 1.
    pub sample: f64,
    /// Which part of those that were refused or failed is written, from 0 to 1.
    pub sample_failed: f64,
}

impl AccessLog {
    /// The file, unless the lines go to standard output.
    pub fn file(&self) -> Option<&Path> {
        (self.to != "stdout").then(|| Path::new(&self.to))
    }
}

impl Default for AccessLog {
    fn default() -> Self {
        let fields = AccessLogField::ALL.iter().copied().filter(|field| *field != AccessLogField::Query).collect();
        Self {
            enabled: false,
            format: AccessLogFormat::Json,
            to: "stdout".to_owned(),
            fields,
            sample: 1.0,
            sample_failed: 1.0,
        }
    }
}

/// Shape of a line of the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLogFormat {
    /// One JSON object a line.
    Json,
    /// `name=value` pairs.
    Text,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident => $label:literal,)*) => {
        /// What a line of the access log can hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AccessLogField { $($(#[$doc])* $name),* }

        impl AccessLogField {
            /// Every one, in the usual order.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name, in the configuration and in the line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $label),* }
            }
        }
    };
}

fields! {
    /// When the request's head was complete.
    Time => "time",
    /// The request's id, as the caller and the backend hear it.
    RequestId => "request_id",
    /// The id of the trace that it belongs to.
    TraceId => "trace_id",
    /// Production or sandbox.
    Environment => "environment",
    /// The caller's address.
    Client => "client",
    /// The method.
    Method => "method",
    /// The path, without the query.
    Path => "path",
    /// The names in the query; their values are left out.
    Query => "query",
    /// The protocol of the request.
    Protocol => "protocol",
    /// The API's name.
    Api => "api",
    /// The version that answered.
    Version => "version",
    /// The operation of its definition.
    Operation => "operation",
    /// Whose credential it was.
    Application => "application",
    /// Under which subscription.
    Subscription => "subscription",
    /// The id of the API key or of the client; never the key.
    Credential => "credential",
    /// The status of the answer; 499 where the caller left before there was one.
    Status => "status",
    /// Why it was refused.
    Refusal => "refusal",
    /// Bytes of the request's body.
    BytesIn => "bytes_in",
    /// Bytes of the answer's body.
    BytesOut => "bytes_out",
    /// Milliseconds until the end of the answer.
    Duration => "duration_ms",
    /// Milliseconds until the head of the answer.
    FirstByte => "first_byte_ms",
    /// How many of those the backend took.
    Backend => "backend_ms",
    /// What the caller calls its program.
    UserAgent => "user_agent",
}

impl Serialize for AccessLogField {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for AccessLogField {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::ALL.iter().copied().find(|field| field.name() == name).ok_or_else(|| {
            let hint = keys::hint(&name, Self::ALL.iter().map(|field| field.name().to_owned()));
            serde::de::Error::custom(format!("there is no field {name}{hint}"))
        })
    }
}

/// The trace context (W3C).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trace {
    /// Whose traces go on: `anyone`'s, or those of `gateway.trusted_proxies` only.
    pub continue_from: ContinueFrom,
    /// Which part of the traces that begin here is marked as sampled, from 0 to 1.
    pub sample: f64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { continue_from: ContinueFrom::Anyone, sample: 1.0 }
    }
}

/// Whose traces go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContinueFrom {
    /// Every caller's.
    Anyone,
    /// Those of the trusted proxies.
    Proxies,
}

/// The refused calls that the members of an application can look up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Refusals {
    /// For one application and one reason, so many in a minute are kept one by one; 0: none.
    pub each_minute: u32,
    /// Days that they are kept.
    pub keep_days: u16,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { each_minute: 20, keep_days: 7 }
    }
}
