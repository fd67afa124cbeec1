//! Plans, and subscriptions of an application to a major version.

pub mod model;
mod store;
pub mod subscribe;
