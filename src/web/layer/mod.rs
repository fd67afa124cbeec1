//! Cross-cutting layers, one file each. `router.rs` says in which order they stand and why.

pub mod cross_site;
pub mod error_pages;
pub mod request_log;
pub mod security_headers;
pub mod session;
