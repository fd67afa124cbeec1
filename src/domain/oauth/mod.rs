//! The token issuer, an authorization server after RFC 6749.
//!
//! | specification | file |
//! |---|---|
//! | RFC 6749 §2.3, client authentication | `client_auth.rs` |
//! | RFC 6749 §3.2, the token endpoint's parameters | `request.rs` |
//! | RFC 6749 §4.4, client credentials | `grants/client_credentials.rs` |
//! | RFC 6749 §5.2, errors | `error.rs` |
//! | RFC 7517, published keys; their rotation | `keys.rs`, `issuer.rs` |
//! | RFC 8414, metadata | `metadata.rs` |
//! | RFC 9068, access tokens | `mint.rs` |

mod client_auth;
pub mod error;
pub mod grants;
pub mod issuer;
mod keys;
pub mod master_key;
pub mod metadata;
pub mod mint;
pub mod request;
mod store;
