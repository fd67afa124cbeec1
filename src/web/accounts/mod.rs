//! Signing up, in and out, one-time links, one's own account, and who else has one.

pub mod account;
pub mod consents;
pub mod links;
pub mod own;
pub mod password_reset;
pub mod people;
pub mod production;
pub mod provider_fault;
pub mod providers;
mod sent;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
pub mod ways_in;
