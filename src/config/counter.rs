//! Where several processes of the gateway count calls together, and what becomes of calls that cannot be counted.

use crate::config::hidden;
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;

/// Where several processes count the calls of rates together.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Counter {
    /// `redis://…` of Redis or Valkey. Unset: each process counts for itself.
    pub url: Option<String>,
    /// What becomes of calls while it is away.
    pub on_failure: OnFailure,
    /// It is away when it has not answered for so long.
    pub timeout_milliseconds: u32,
}

/// What becomes of calls that cannot be counted exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Each process lets through what it would if it were alone.
    Estimate,
    /// They are refused.
    Refuse,
}

impl Counter {
    /// Whether the URL, if there is one, names a server of Redis or Valkey.
    pub(super) fn is_sound(&self) -> bool {
        let is_known = |url: &Url| match url.scheme() {
            "redis" | "rediss" | "valkey" | "valkeys" => url.has_host(),
            "unix" | "redis+unix" | "valkey+unix" => url.path().len() > 1,
            _ => false,
        };
        self.url.as_ref().is_none_or(|url| Url::parse(url).is_ok_and(|url| is_known(&url)))
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self { url: None, on_failure: OnFailure::Estimate, timeout_milliseconds: 50 }
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter")
            .field("url", &hidden(self.url.as_ref()))
            .field("on_failure", &self.on_failure)
            .field("timeout_milliseconds", &self.timeout_milliseconds)
            .finish()
    }
}
