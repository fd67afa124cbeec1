//! The token issuer, an authorization server after RFC 6749.
//!
//! | specification | file |
//! |---|---|
//! | RFC 6749 §2.3, client authentication | `client_auth.rs` |
//! | RFC 6749 §4.1, authorization codes | `codes.rs` |
//! | RFC 6749 §3.2, the token endpoint's parameters | `request.rs` |
//! | RFC 6749 §4.4, client credentials | `grants/client_credentials.rs` |
//! | RFC 6749 §5.2, errors | `error.rs` |
//! | RFC 6749 §1.5, refresh tokens | `refresh.rs` |
//! | RFC 6750, access tokens that come to us | `bearer.rs` |
//! | RFC 7009, revocation | `revoke.rs`, `revocations.rs` |
//! | RFC 7517, published keys; their rotation | `keys.rs`, `issuer.rs` |
//! | RFC 7523, clients that sign | `client_assertion.rs` |
//! | RFC 7636, proof keys for codes | `pkce.rs` |
//! | RFC 7662, introspection | `introspect.rs` |
//! | RFC 8414, metadata | `metadata.rs` |
//! | RFC 8628, devices | `device.rs`, `user_code.rs`, `grants/device_code.rs` |
//! | RFC 9068, access tokens | `mint.rs` |
//! | OIDC Core §5.3, UserInfo | `userinfo.rs` |
//! | OIDC RP-Initiated Logout | `logout.rs` |
//! | none: what a token opens, for people; test credentials | `inspect.rs`, `testing.rs` |

mod assertion_store;
pub mod authorize;
mod authorize_store;
pub mod bearer;
mod client_assertion;
mod client_auth;
mod code_store;
mod codes;
pub mod device;
mod device_store;
pub mod error;
mod grant;
mod grant_store;
pub mod grants;
pub mod inspect;
mod inspect_store;
pub mod introspect;
pub mod issuer;
pub mod keys;
pub mod logout;
pub mod master_key;
pub mod metadata;
pub mod mint;
mod pkce;
mod refresh;
mod refresh_store;
mod registry;
pub mod request;
mod resources;
mod revocation_store;
pub mod revocations;
pub mod revoke;
pub mod rotation;
pub mod scopes;
mod store;
pub mod sweep;
mod sweep_store;
pub mod testing;
pub mod user_code;
pub mod userinfo;
