//! Plans, and subscriptions to a major version.
