//! Plans, and subscriptions of an application to a major version.

mod approval_store;
pub mod approvals;
mod candidate_store;
pub mod candidates;
pub mod coverage;
mod coverage_store;
pub mod decide;
mod decision_store;
mod letters;
pub mod model;
mod plan_store;
pub mod plans;
mod store;
pub mod subscribe;
mod subscriber_store;
pub mod subscribers;
