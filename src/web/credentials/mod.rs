//! The pages of credentials: Application Keys of an application, API Keys of an API, and secrets that are shown once.

pub mod api_keys;
pub mod client;
pub mod client_changes;
pub mod curl;
pub mod key_changes;
pub mod key_row;
pub mod new_key;
