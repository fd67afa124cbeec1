//! People, roles, sessions and the one-time links that lead to an account.

pub mod access;
pub mod links;
pub mod model;
pub mod password;
pub mod sessions;
pub mod sign_in;
mod store;
pub mod throttle;
pub mod users;
