//! Plans, and subscriptions of an application to a major version.

pub mod coverage;
mod coverage_store;
pub mod model;
mod plan_store;
pub mod plans;
mod store;
pub mod subscribe;
mod subscriber_store;
pub mod subscribers;
