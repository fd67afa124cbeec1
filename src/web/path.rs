//! The changing parts of a URL, parsed. What does not parse names nothing: not found.

use crate::base::error::Error;
use crate::web::error::Failure;
use crate::web::state::PortalState;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The parts of the path, as an id or a tuple.
#[derive(Clone, Debug)]
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<PortalState> for At<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &PortalState) -> Result<Self, Failure> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(found)) => Ok(Self(found)),
            Err(_) => Err(Error::NotFound.into()),
        }
    }
}

/// A major version as in `v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Major(pub u16);

impl TryFrom<String> for Major {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = text.strip_prefix('v').filter(|n| !n.starts_with(['0', '+']) || *n == "0");
        number.and_then(|n| n.parse().ok()).map(Self).ok_or("not a major version")
    }
}
