//! An application's subscription, and whether calls under it pass.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, PlanId};
use crate::gateway::limits::Counter;
use crate::gateway::refusal::Refusal;
use http::HeaderValue;
use std::sync::Arc;

/// An application's subscription to one major version; all its credentials share it.
pub(super) struct Subscription {
    /// The application's id, for the backend.
    pub(super) application: HeaderValue,
    /// To which API.
    pub(super) api: ApiId,
    /// Which major version of it.
    pub(super) major: u16,
    /// Under which plan.
    pub(super) plan: PlanId,
    /// Whether its calls pass.
    pub(super) state: State,
    /// Its id, for the backend.
    pub(super) id: HeaderValue,
    /// How fast it has called; all its credentials share it.
    pub(super) counter: Arc<Counter>,
}

/// Whether calls under a subscription pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// They do.
    Active,
    /// Not yet: somebody has to approve it.
    Pending,
    /// The publisher has stopped those of production.
    ProductionBlocked,
    /// The publisher has stopped them.
    Blocked,
    /// They do not: it was not approved.
    Rejected,
}

impl State {
    /// As the column has it. Whatever is not known to be open is closed.
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "active" => Self::Active,
            "pending" => Self::Pending,
            "production_blocked" => Self::ProductionBlocked,
            "rejected" => Self::Rejected,
            _ => Self::Blocked,
        }
    }

    /// Why a call of an environment does not pass, if it does not. Asked only of what is not active.
    pub(super) fn refusal(self, environment: Environment) -> Option<Refusal> {
        match self {
            Self::Active => None,
            Self::ProductionBlocked if environment == Environment::Sandbox => None,
            Self::ProductionBlocked => Some(Refusal::SubscriptionBlockedInProduction),
            Self::Blocked => Some(Refusal::SubscriptionBlocked),
            Self::Pending => Some(Refusal::SubscriptionPending),
            Self::Rejected => Some(Refusal::SubscriptionRejected),
        }
    }
}
