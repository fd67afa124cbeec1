//! What one call leaves behind: the record that crosses from the gateway to the domain, as data.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::version::Version;
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
}

/// Which credential opened the call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Credential {
    /// None was asked for.
    None,
    /// An API key, by the id of its record.
    ApiKey(crate::base::id::ApiKeyId),
    /// An access token, by the client that got it.
    Client(std::sync::Arc<str>),
}

/// Sums over the calls of one [`TallyKey`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many calls.
    pub requests: u64,
    /// Bytes of request bodies.
    pub request_bytes: u64,
    /// Bytes of response bodies.
    pub response_bytes: u64,
    /// Microseconds from request head to end of response, summed.
    pub duration_us: u64,
}

impl Tally {
    /// Adds `other` to this one.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.request_bytes += other.request_bytes;
        self.response_bytes += other.response_bytes;
        self.duration_us += other.duration_us;
    }
}
