//! A refused call of an application: what crosses from the gateway to the domain, as data.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId};
use crate::base::tally::Credential;
use crate::base::version::Version;
use time::OffsetDateTime;

/// A refused call that can be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCall {
    /// When.
    pub at: OffsetDateTime,
    /// Its id, as the caller was told.
    pub request_id: String,
    /// Whose credential it was.
    pub application: ApplicationId,
    /// Which one.
    pub credential: Credential,
    /// The environment of the listener.
    pub environment: Environment,
    /// The API and version that were called, where there is such a one.
    pub target: Option<(ApiId, Version)>,
    /// The method, cut and without secrets.
    pub method: String,
    /// The path without its query, cut and without secrets.
    pub path: String,
    /// The label of the gateway's refusal.
    pub reason: &'static str,
}

/// Refused calls of an application that were only counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omitted {
    /// Start of the hour, UTC.
    pub hour: OffsetDateTime,
    /// Whose.
    pub application: ApplicationId,
    /// How many.
    pub calls: u64,
}

/// What is handed on at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusedBatch {
    /// One by one, in the order of their ids.
    pub calls: Vec<RefusedCall>,
    /// Only counted, in the order of application and hour.
    pub omitted: Vec<Omitted>,
}
