//! What was called, by whom, how often.

pub mod record;
mod store;
