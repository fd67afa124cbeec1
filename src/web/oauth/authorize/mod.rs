//! The authorization endpoint as browsers meet it: the request, its own sign-in page, the question, and the way back.

mod consent;
pub(super) mod endpoint;
pub(super) mod reply;
mod sign_in;

pub use consent::{decide, show};
pub use endpoint::{begin, repost};
pub(in crate::web) use reply::step as go_on;
pub use sign_in::{create as create_session, show as sign_in};
