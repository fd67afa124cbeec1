//! Subscriptions as pages show them.

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
    /// Since when.
    pub created_at: OffsetDateTime,
}

/// Whether calls under a subscription pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum State {
    /// They do.
    Active,
    /// The publisher has stopped them.
    Blocked,
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
}

/// Whether new subscriptions may choose a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanState {
    /// They may.
    Offered,
    /// Only subscriptions that have it keep it.
    Retired,
}
