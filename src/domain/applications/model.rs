//! Applications and who reaches them.

use crate::base::error::{Error, Result};
use crate::base::id::{ApplicationId, UserId};
use time::OffsetDateTime;

/// A consumer's application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Who created it.
    pub owner: UserId,
    /// The owner's e-mail address.
    pub owner_email: String,
    /// Its name, unique for its owner.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// The kind of access token it gets: `JWT`.
    pub token_type: String,
    /// `active`.
    pub status: String,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// E-mail addresses it is shared with, sorted.
    pub shared_with: Vec<String>,
    /// How many subscriptions it has.
    pub subscriptions: i64,
}

/// An application with what the viewer may do to it. Only [`super::manage`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The application.
    pub application: Application,
    /// How it was reached.
    pub access: Access,
}

/// How a viewer reaches an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads and changes everything.
    Owner,
    /// Sees everything but secrets, changes nothing.
    Reader,
}

impl Reached {
    /// The application, for a change; refused to readers.
    pub fn for_change(self) -> Result<Application> {
        match self.access {
            Access::Owner => Ok(self.application),
            Access::Reader => Err(Error::Forbidden(format!(
                "{} is shared with you to read. Its owner, {}, can change it.",
                self.application.name, self.application.owner_email
            ))),
        }
    }
}

/// What dies with an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequences {
    /// Subscriptions.
    pub subscriptions: i64,
    /// API keys.
    pub api_keys: i64,
    /// OAuth clients.
    pub clients: i64,
}
