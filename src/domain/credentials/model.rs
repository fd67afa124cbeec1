//! API keys, without their secrets.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApiKeyId, ApplicationId};
use crate::base::secret::Plain;
use crate::domain::subscriptions::model::State as SubscriptionState;
use ipnet::IpNet;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long the old secret of a key or client works after a new one was made.
pub const GRACE: Duration = Duration::hours(1);

/// How long the old secret of an API key works after a new one was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grace {
    /// Not at all: it leaked.
    None,
    /// An hour.
    #[default]
    Hour,
    /// A day.
    Day,
}

impl Grace {
    /// In the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::None];

    /// As in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How long that is; nothing where the old secret ends at once.
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::Hour => Some(GRACE),
            Self::Day => Some(Duration::DAY),
        }
    }
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An application calls with it.
    Key,
    /// The portal minted it for trying out; it expires within minutes and stands in no list.
    Test,
}

impl Purpose {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Test => "test",
        }
    }
}

/// What narrows a key. The default narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// It works strictly before this.
    pub expires_at: Option<OffsetDateTime>,
    /// Networks that it may be used from; none: from anywhere.
    pub addresses: Vec<IpNet>,
    /// Operations that it opens, such as `GET /orders/{id}`, in the definition's spelling; none: all.
    pub operations: Vec<String>,
}

/// What somebody wants a key narrowed to, as they typed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedLimits {
    /// `never` or empty, a number of days, or `date`.
    pub expiry: String,
    /// The last day, `YYYY-MM-DD`, where `expiry` is `date`.
    pub expires_on: String,
    /// Addresses and networks, with commas, spaces or line breaks between them.
    pub addresses: String,
    /// Operations, as in [`Limits`].
    pub operations: Vec<String>,
}

/// What a member may do to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAccess {
    /// Owns its application: everything.
    Owner,
    /// Owns its API, or is an administrator: sees it and deletes it.
    ApiOwner,
    /// Sees it, because its application is shared with them.
    Reader,
}

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
    /// The name of the application's owner.
    pub application_owner: String,
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
    /// What its last regeneration replaced, unless that was ended at once or later.
    pub previous: Option<Previous>,
    /// What narrows it.
    pub limits: Limits,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last called with, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// How many calls came with it, refused ones too.
    pub calls: u64,
    /// What the viewer may do to it.
    pub access: KeyAccess,
    /// The state of the application's subscription, if it has one: it decides about calls with the key.
    pub subscription: Option<SubscriptionState>,
}

/// The secret that a key had before its last regeneration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Its last four characters; empty where they were not kept.
    pub hint: String,
    /// Until when it works.
    pub expires_at: OffsetDateTime,
    /// How many calls came with it since the regeneration, refused ones too.
    pub calls: u64,
    /// The last of them, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
}

impl ApiKey {
    /// Until when the old key still works, if it does at `now`.
    pub fn grace_until(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.previous.as_ref().map(|previous| previous.expires_at).filter(|at| *at > now)
    }

    /// Whether it has expired at `now`.
    pub fn has_expired(&self, now: OffsetDateTime) -> bool {
        self.limits.expires_at.is_some_and(|at| now >= at)
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
    /// What narrows it.
    pub limits: WantedLimits,
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
