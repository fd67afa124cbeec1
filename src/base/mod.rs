//! Pure values that every layer shares: no I/O, no SQL, no clock of its own.

pub mod clock;
pub mod environment;
pub mod error;
pub mod id;
pub mod jwt;
pub mod random;
pub mod scope;
pub mod secret;
pub mod tally;
pub mod text;
pub mod version;
