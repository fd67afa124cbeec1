//! What letters there are.

use crate::base::id::ApplicationId;
use crate::base::text::Email;
use time::OffsetDateTime;

/// What a letter tells. Never a secret: it waits in the database.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// Somebody asked for an account for this address.
    SignUp {
        /// The name that they gave.
        name: String,
    },
    /// Somebody asked for a new password for this address.
    PasswordReset,
    /// An administrator has made an account for this address.
    Invitation {
        /// Who did; empty for the command line.
        by: String,
    },
    /// The password of this account was changed.
    PasswordChanged,
    /// An application was shared with this address, whether it has an account or not.
    Shared {
        /// Which application.
        application: ApplicationId,
        /// Its name.
        name: String,
        /// Who shared it.
        by: String,
    },
}

/// A letter on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// Its id.
    pub id: uuid::Uuid,
    /// To whom.
    pub to: Email,
    /// What it tells.
    pub letter: Letter,
    /// When it was queued.
    pub queued_at: OffsetDateTime,
    /// How often it was tried, this time included.
    pub attempts: u32,
}

/// What became of a letter that should be queued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queued {
    /// It waits.
    Yes,
    /// This address has had enough for now, or too many letters wait.
    Enough,
}
