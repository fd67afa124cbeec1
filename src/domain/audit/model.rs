//! An event of the audit trail.

use crate::base::id::{ApplicationId, AuditEventId, UserId};
use time::OffsetDateTime;

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody at the machine's command line, or the instance itself.
    CommandLine,
    /// Somebody who was no member before the act: the e-mail address that they have proved.
    Oneself(String),
    /// A signed-in person: id and e-mail address at the time.
    Member(UserId, String),
}

/// One act.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: AuditEventId,
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub actor: Actor,
    /// `noun.verb`, such as `api_key.generated`.
    pub action: String,
    /// The application concerned, if one was.
    pub application: Option<ApplicationId>,
    /// Id or name of what was acted on.
    pub subject: String,
    /// More, without secrets.
    pub detail: serde_json::Value,
}
