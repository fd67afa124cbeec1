//! People and what they may do.

use crate::base::error::{Error, Result};
use crate::base::id::{SessionId, UserId};
use crate::base::text::Email;

/// Who looks at a page or asks for an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Nobody in particular: not signed in.
    Visitor,
    /// A signed-in person.
    Member(Member),
}

/// A signed-in person with the roles granted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: UserId,
    /// How to write to them.
    pub email: Email,
    /// What to call them.
    pub name: String,
    /// Names of the roles, sorted.
    pub roles: Vec<String>,
    /// The browser session it came with; none on the command line.
    pub session: Option<SessionId>,
}

/// Runs the instance: sees and does everything that is not somebody else's secret.
pub const ADMIN: &str = "admin";
/// Puts APIs into the catalogue.
pub const PUBLISHER: &str = "publisher";
/// Creates applications and subscribes.
pub const DEVELOPER: &str = "developer";
/// May hold production credentials.
pub const PRODUCTION: &str = "production";

impl Viewer {
    /// Whether somebody is signed in.
    pub fn is_signed_in(&self) -> bool {
        matches!(self, Self::Member(_))
    }

    /// The roles; none for a visitor.
    pub fn roles(&self) -> &[String] {
        match self {
            Self::Visitor => &[],
            Self::Member(member) => &member.roles,
        }
    }

    /// The member, if signed in.
    pub fn member(&self) -> Option<&Member> {
        match self {
            Self::Visitor => None,
            Self::Member(member) => Some(member),
        }
    }
}

impl Member {
    /// Whether the role is granted.
    pub fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }

    /// Whether this person may hold production credentials.
    pub fn may_hold_production(&self) -> bool {
        self.has(PRODUCTION) || self.has(ADMIN)
    }

    /// Refuses who may not create applications.
    pub fn developer(&self) -> Result<()> {
        if self.has(DEVELOPER) || self.has(ADMIN) {
            return Ok(());
        }
        Err(Error::Forbidden("Creating applications takes the role developer. Ask an administrator for it.".to_owned()))
    }
}

impl From<&Member> for crate::domain::audit::model::Actor {
    fn from(member: &Member) -> Self {
        Self::Member(member.id, member.email.to_string())
    }
}
