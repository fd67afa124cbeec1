//! API keys, without their secrets.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApiKeyId, ApplicationId};
use crate::base::secret::Plain;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long the old secret of a key or client works after a new one was made.
pub const GRACE: Duration = Duration::hours(1);

/// An API key's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its name, unique for application, API, major and environment.
    pub name: String,
    /// Whose it is.
    pub application: ApplicationId,
    /// The application's name.
    pub application_name: String,
    /// What it opens.
    pub api: ApiId,
    /// The API's name in URLs.
    pub api_name: String,
    /// The API's name for people.
    pub api_title: String,
    /// Which major version.
    pub major: u16,
    /// Which endpoint of it.
    pub endpoint: String,
    /// Where.
    pub environment: Environment,
    /// The last four characters of the key.
    pub hint: String,
    /// Until when the key before the last regeneration works; in the past when it no longer does.
    pub previous_expires_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last called with, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// Whether the viewer owns its application.
    pub is_own: bool,
}

impl ApiKey {
    /// Until when the old key still works, if it does at `now`.
    pub fn grace_until(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.previous_expires_at.filter(|at| *at > now)
    }
}

/// A key that was just made or regenerated: the one time its secret is seen.
#[derive(Debug)]
pub struct IssuedKey {
    /// The record.
    pub key: ApiKey,
    /// The key itself.
    pub secret: Plain,
}

/// What to make a key from.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// The API's name in URLs.
    pub api: String,
    /// Its major version.
    pub major: u16,
    /// Where the key shall work.
    pub environment: Environment,
    /// What to call the key.
    pub name: String,
    /// For which application.
    pub application: ChosenApplication,
    /// The plan, when the application is not subscribed yet.
    pub plan: Option<String>,
    /// The endpoint, when there are several.
    pub endpoint: Option<String>,
    /// The form's id: sent twice, it makes one key.
    pub once: Option<Uuid>,
}

/// The application of a new key.
#[derive(Clone, Debug)]
pub enum ChosenApplication {
    /// One the member owns.
    Existing(ApplicationId),
    /// One that is created along with the key.
    New(String),
}
