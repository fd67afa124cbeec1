//! Subscriptions as pages show them.

use crate::base::id::{ApiId, ApplicationId, SubscriptionId};
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
