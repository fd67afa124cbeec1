//! What calls leave behind: the record that crosses from the gateway to the domain, as data.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApiKeyId, ApplicationId};
use crate::base::latency::Latency;
use crate::base::version::Version;
use std::sync::Arc;
use time::OffsetDateTime;

/// Calls of one minute that agree in everything but their size and duration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TallyKey {
    /// Start of the minute, UTC.
    pub minute: OffsetDateTime,
    /// The API that was called.
    pub api: ApiId,
    /// The version that answered.
    pub version: Version,
    /// Whose credential it was; none for APIs that take no credential.
    pub application: Option<ApplicationId>,
    /// The API key's or the client's id; empty where there was none.
    pub credential: Credential,
    /// Production or sandbox.
    pub environment: Environment,
    /// First digit of the status.
    pub status_class: u8,
    /// Method and path template below the version, such as `GET /pets/{id}`; empty where no operation of the `OpenAPI`
    /// file was called. At most [`LONGEST_OPERATION`] characters.
    pub operation: Arc<str>,
}

/// Longer names of operations are cut.
pub const LONGEST_OPERATION: usize = 500;

/// Which credential opened the call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Credential {
    /// None was asked for.
    None,
    /// An API key, by the id of its record.
    ApiKey(ApiKeyId),
    /// The secret that an API key had before it was regenerated, by the same id.
    OldApiKey(ApiKeyId),
    /// An access token, by the client that got it.
    Client(Arc<str>),
}

/// Sums over the calls of one [`TallyKey`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many calls.
    pub requests: u64,
    /// Bytes of request bodies.
    pub request_bytes: u64,
    /// Bytes of response bodies.
    pub response_bytes: u64,
    /// Microseconds from request head to end of response, summed.
    pub duration_us: u64,
    /// The same, call by call.
    pub latency: Latency,
}

/// What is written at once. One that comes again, because nobody knows whether it was written, comes with its number.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Grows from batch to batch of a process.
    pub number: u64,
    /// Each key once, in order.
    pub rows: Arc<[(TallyKey, Tally)]>,
}

impl Tally {
    /// Adds `other` to this one.
    pub fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.request_bytes = self.request_bytes.saturating_add(other.request_bytes);
        self.response_bytes = self.response_bytes.saturating_add(other.response_bytes);
        self.duration_us = self.duration_us.saturating_add(other.duration_us);
        self.latency.add(&other.latency);
    }
}
