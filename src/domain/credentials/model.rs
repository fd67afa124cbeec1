//! API keys and OAuth clients, without their secrets.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApiKeyId, ApplicationId};
use crate::base::secret::{Digest, Plain};
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

/// An OAuth client: the Application Keys of an application in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The consumer key.
    pub id: String,
    /// Whose it is.
    pub application: ApplicationId,
    /// Where its tokens work.
    pub environment: Environment,
    /// Grants it may use, as in `grant_type`.
    pub grant_types: Vec<String>,
    /// Lifetime of its access tokens, in seconds.
    pub access_token_seconds: u32,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last got a call through the gateway, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// The last four characters of the current secret.
    pub secret_hint: String,
    /// The old secret's last four characters and its end, while it is remembered.
    pub old_secret: Option<(String, OffsetDateTime)>,
}

impl Client {
    /// Until when the old secret still works, if it does at `now`.
    pub fn grace_until(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.old_secret.as_ref().map(|(_, at)| *at).filter(|at| *at > now)
    }
}

/// A client whose secret was just made: the one time it is seen.
#[derive(Debug)]
pub struct IssuedClient {
    /// The record.
    pub client: Client,
    /// The consumer secret.
    pub secret: Plain,
}

/// A client as the token endpoint knows it: what it may do, and the digests of its live secrets.
#[derive(Clone, Debug)]
pub struct RegisteredClient {
    /// The consumer key.
    pub id: String,
    /// Where its tokens work.
    pub environment: Environment,
    /// Whether it has to prove itself with a secret.
    pub kind: ClientKind,
    /// Grants it may use, as in `grant_type`.
    pub grant_types: Vec<String>,
    /// Lifetime of its access tokens, in seconds.
    pub access_token_seconds: u32,
    /// The current secret and, within its grace hour, the one before.
    pub secrets: Vec<Digest>,
}

/// Whether a client can keep a secret (RFC 6749 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientKind {
    /// It can, and must send it.
    Confidential,
    /// It cannot: an application in a browser or on a phone.
    Public,
}
