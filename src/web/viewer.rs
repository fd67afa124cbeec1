//! Who looks: extractors over what the session layer has found.

use crate::domain::accounts::model::{Member, Viewer};
use crate::web::error::Failure;
use crate::web::state::PortalState;
use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use std::convert::Infallible;

/// Whoever it is, signed in or not.
#[derive(Clone, Debug)]
pub struct CurrentViewer(pub Viewer);

/// A signed-in person. Without a session, a GET is sent to sign in and then back; anything else is sent to sign in and
/// told that nothing was changed.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Member);

impl FromRequestParts<PortalState> for CurrentViewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &PortalState) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Viewer>().cloned().unwrap_or(Viewer::Visitor)))
    }
}

impl FromRequestParts<PortalState> for SignedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &PortalState) -> Result<Self, Failure> {
        match parts.extensions.get::<Viewer>() {
            Some(Viewer::Member(member)) => Ok(Self(member.clone())),
            _ if matches!(parts.method, Method::GET | Method::HEAD) => {
                let here = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
                Err(Failure::SignInFirst(here.to_owned()))
            }
            _ => Err(Failure::SessionEnded),
        }
    }
}
