//! Signing in and out, one-time links, one's own account.

pub mod account;
pub mod consents;
pub mod links;
pub mod sign_in;
