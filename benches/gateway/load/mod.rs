//! Where requests come from.

pub(crate) mod fixed_rate;
pub(crate) mod http;
pub(crate) mod verify;
pub(crate) mod wrk;
