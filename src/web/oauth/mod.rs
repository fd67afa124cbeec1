//! The OAuth endpoints: always JSON, no session, no cookie.

mod metadata;
mod token;

use crate::domain::oauth::metadata::{JWKS, TOKEN};
use crate::web::state::PortalState;
use axum::Router;
use axum::routing::{get, post};

/// Where RFC 8414 §3 wants the metadata of an issuer without a path.
const METADATA: &str = "/.well-known/oauth-authorization-server";

/// Their routes.
pub fn routes() -> Router<PortalState> {
    Router::new()
        .route(TOKEN, post(token::token).fallback(token::method_not_allowed))
        .route(JWKS, get(metadata::jwks))
        .route(METADATA, get(metadata::server))
}
