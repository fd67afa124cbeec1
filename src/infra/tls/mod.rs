//! TLS: certificates of listeners and connections to backends, from PEM files that are looked at again while we run.

pub mod client;
pub mod expiry;
mod files;
pub mod instance;
pub mod own;
pub mod server;
mod validity;
mod watched;
