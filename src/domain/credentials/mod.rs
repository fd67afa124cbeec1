//! API keys and OAuth clients.
