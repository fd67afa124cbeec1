//! What was called, by whom, how often; and what is left of quotas.

pub mod api_usage;
mod api_usage_store;
mod columns;
pub mod first_steps;
mod first_steps_store;
mod found_store;
mod hour_store;
pub mod key_calls;
mod key_calls_store;
mod quota_store;
pub mod quotas;
pub mod record;
mod refusal_store;
pub mod refusal_words;
pub mod refusals;
pub mod report;
mod report_store;
pub mod retention;
mod store;
pub mod sums;
pub mod totals;
pub mod window;
