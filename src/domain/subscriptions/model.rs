//! Subscriptions as pages show them.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId, SubscriptionId};
use crate::base::policy::{Quota, Rate};
use time::OffsetDateTime;

/// An application's subscription to one major version of an API, under a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Who subscribes.
    pub application: ApplicationId,
    /// The application's name.
    pub application_name: String,
    /// What is subscribed.
    pub api: ApiId,
    /// The API's name in URLs.
    pub api_name: String,
    /// The API's name for people.
    pub api_title: String,
    /// The major version; every minor of it is covered.
    pub major: u16,
    /// The plan's name.
    pub plan_name: String,
    /// The plan's name for people.
    pub plan_title: String,
    /// Whether calls pass.
    pub state: State,
    /// Why it was rejected or blocked, as whoever decided says; may be empty.
    pub reason: String,
    /// Another plan that was asked for. Until it is approved, the plan above stays in force.
    pub change: Option<Change>,
    /// Since when a decision is awaited, if one is.
    pub requested_at: Option<OffsetDateTime>,
    /// Since when.
    pub created_at: OffsetDateTime,
}

/// Whether calls under a subscription pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// Not yet: somebody has to approve it.
    Pending,
    /// They do.
    Active,
    /// The publisher has stopped those of production.
    ProductionBlocked,
    /// The publisher has stopped them.
    Blocked,
    /// They do not: it was not approved.
    Rejected,
}

impl State {
    /// As the column has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::ProductionBlocked => "production_blocked",
            Self::Blocked => "blocked",
            Self::Rejected => "rejected",
        }
    }

    /// Whether calls pass in an environment.
    pub fn is_open(self, environment: Environment) -> bool {
        match self {
            Self::Active => true,
            Self::ProductionBlocked => environment == Environment::Sandbox,
            Self::Pending | Self::Blocked | Self::Rejected => false,
        }
    }

    /// Whether the publisher has stopped calls, in production at least.
    pub fn is_blocked(self) -> bool {
        matches!(self, Self::Blocked | Self::ProductionBlocked)
    }
}

/// A plan that was asked for instead of the one in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The plan's name.
    pub plan_name: String,
    /// The plan's name for people.
    pub plan_title: String,
    /// What became of it.
    pub state: ChangeState,
    /// Why it was rejected; may be empty.
    pub reason: String,
}

/// What became of a change of plan that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ChangeState {
    /// It waits for a decision.
    Requested,
    /// The plan in force stays.
    Rejected,
}

/// A plan: how much may be called under a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name in forms and manifests.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// One sentence; may be empty.
    pub description: String,
    /// How fast; none: as fast as one likes.
    pub rate: Option<Rate>,
    /// How much in a calendar day or month; none: as much as one likes.
    pub quota: Option<Quota>,
    /// Whether somebody has to approve each subscription under it.
    pub approval: Approval,
}

/// Whether a subscription counts at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    /// It does.
    #[default]
    NotNeeded,
    /// An owner of the API, a publisher or an administrator decides first.
    Needed,
}

impl Approval {
    /// From the column.
    pub(super) fn when(is_needed: bool) -> Self {
        if is_needed { Self::Needed } else { Self::NotNeeded }
    }
}

/// Whether new subscriptions may choose a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanState {
    /// They may.
    Offered,
    /// Only subscriptions that have it keep it.
    Retired,
}
