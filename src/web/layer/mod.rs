//! Cross-cutting layers, one file each. `router.rs` says in which order they stand and why.

pub mod compression;
pub mod cross_site;
pub mod error_pages;
pub mod members_only;
pub mod request_log;
pub mod security_headers;
pub mod session;
