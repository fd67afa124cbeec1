//! What was called and what was refused.

pub mod api;
mod api_file;
pub mod refusal_row;
pub mod refusals;
pub(crate) mod words;
