//! The figures of the gateway, one a file.

pub(crate) mod api_key;
pub(crate) mod bearer;
pub(crate) mod bodies;
pub(crate) mod changes;
pub(crate) mod keys;
pub(crate) mod latency;

/// The path that is called, at Portico.
pub(crate) const PATH: &str = "/bench/v1/items/7";
