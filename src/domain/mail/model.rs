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
    /// Somebody asks for a subscription, or another plan for one, to an API that this address looks after.
    SubscriptionRequested {
        /// The API's name in URLs.
        api: String,
        /// Its name for people.
        title: String,
        /// The major version.
        major: u16,
        /// The application's name.
        application: String,
        /// The plan, for people.
        plan: String,
        /// Who asks.
        by: String,
    },
    /// What was decided about a subscription of an application of this person's.
    SubscriptionDecided {
        /// Which application; none: it stands behind credentials on the API, and has no pages.
        application: Option<ApplicationId>,
        /// Its name.
        name: String,
        /// The API's name in URLs.
        api: String,
        /// Its name for people.
        title: String,
        /// The major version.
        major: u16,
        /// The plan, for people.
        plan: String,
        /// What.
        decision: Decision,
        /// Why; may be empty.
        reason: String,
    },
    /// Somebody asks an administrator for a role.
    RoleRequested {
        /// Which.
        role: String,
        /// Who asks.
        by: String,
        /// What they say; may be empty.
        note: String,
    },
    /// What was decided about a role that this person has asked for.
    RoleDecided {
        /// Which.
        role: String,
        /// What: approved or rejected.
        decision: Decision,
        /// Why; may be empty.
        reason: String,
    },
    /// This address owns an application now.
    Given {
        /// Which application.
        application: ApplicationId,
        /// Its name.
        name: String,
        /// Who gave it; empty for the command line.
        by: String,
    },
    /// This address no longer owns an application.
    GivenAway {
        /// Its name.
        name: String,
        /// The new owner's address.
        to: String,
        /// Who gave it; empty for the command line.
        by: String,
    },
}

/// What somebody has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is granted.
    Approved,
    /// It is not.
    Rejected,
    /// All calls are stopped.
    Blocked,
    /// Calls in production are stopped.
    BlockedInProduction,
    /// Calls pass again.
    Unblocked,
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
