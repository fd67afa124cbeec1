//! People, roles, sessions and the one-time links that lead to an account.

pub mod access;
mod common;
pub mod delivery;
pub mod first_steps;
mod first_steps_store;
mod link_store;
pub mod links;
pub mod model;
pub mod own;
pub mod password;
pub mod providers;
mod role_request_store;
pub mod role_requests;
mod session_store;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
mod store;
pub mod throttle;
pub mod users;
