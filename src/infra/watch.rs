//! Follows the gateway revision.
