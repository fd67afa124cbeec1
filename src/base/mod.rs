//! Pure values that every layer shares: no I/O, no SQL, no clock of its own.

pub mod clock;
pub mod colour;
pub mod environment;
pub mod error;
pub mod id;
pub mod jwk;
pub mod jwt;
pub mod latency;
pub mod policy;
pub mod quota;
pub mod random;
pub mod redact;
pub mod refused_call;
pub mod scope;
pub mod secret;
#[cfg(test)]
mod secret_fuzz;
pub mod size;
pub mod tally;
pub mod text;
pub mod version;
