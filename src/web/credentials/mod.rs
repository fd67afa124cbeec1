//! The pages of credentials: Application Keys of an application, API Keys of an API, and secrets that are shown once.

pub mod api_keys;
pub mod application_keys;
pub mod client;
pub mod client_changes;
mod client_view;
mod commands;
pub mod curl;
pub mod direct;
pub mod direct_changes;
pub mod key_changes;
pub mod key_list;
pub mod key_row;
mod limits_form;
pub mod new_key;
pub mod settings;
mod settings_facts;
mod settings_form;
pub mod test_token;
pub mod tokens;
