//! The OAuth endpoints: always JSON, no session, no cookie.

mod answer;
pub mod authorize;
mod cors;
pub mod device;
mod device_authorization;
mod introspect;
pub mod logout;
mod metadata;
mod read;
mod revoke;
mod token;
mod userinfo;

use crate::domain::oauth::metadata::{
    AUTHORIZE, DEVICE_AUTHORIZATION, INTROSPECT, JWKS, LOGOUT, REVOKE, TOKEN, USERINFO,
};
use crate::web::state::PortalState;
use axum::Router;
use axum::routing::{get, post};

/// Where RFC 8414 §3 wants the metadata of an issuer without a path.
const METADATA: &str = "/.well-known/oauth-authorization-server";
/// Where OIDC Discovery §4 wants it.
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Their routes.
pub fn routes() -> Router<PortalState> {
    Router::new()
        .route(AUTHORIZE, post(authorize::repost))
        .route(LOGOUT, post(logout::repost))
        .route(TOKEN, post(token::token).options(cors::post).fallback(answer::method_not_allowed))
        .route(REVOKE, post(revoke::revoke).options(cors::post).fallback(answer::method_not_allowed))
        .route(INTROSPECT, post(introspect::introspect).fallback(answer::method_not_allowed))
        .route(
            USERINFO,
            get(userinfo::userinfo)
                .post(userinfo::userinfo)
                .options(cors::get_and_post)
                .fallback(async || answer::only("GET, POST")),
        )
        .route(
            DEVICE_AUTHORIZATION,
            post(device_authorization::create).options(cors::post).fallback(answer::method_not_allowed),
        )
        .route(JWKS, get(metadata::jwks))
        .route(METADATA, get(metadata::server))
        .route(DISCOVERY, get(metadata::server))
}
