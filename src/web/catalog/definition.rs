//! The `OpenAPI` file of an endpoint, byte for byte as it was published.

use crate::base::error::Error;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::{DefinitionFormat, Endpoint, MajorVersion};
use crate::web::error::{Failure, Result};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::CurrentViewer;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse as _;

/// Which endpoint's; the first that has one when there is no name.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    endpoint: String,
}

/// The download.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, Major(major))): At<(String, Major)>,
    Query(asked): Query<Asked>,
) -> Result {
    let version = browse::major(&mut *state.ctx.conn().await?, &viewer, &name, major).await?;
    let endpoint = described(&version, &asked.endpoint)?;
    let definition = browse::definition(&state.ctx, endpoint.id).await?.ok_or(Error::NotFound)?;
    let (kind, extension) = match definition.format {
        DefinitionFormat::Json => ("application/json", "json"),
        DefinitionFormat::Yaml => ("application/yaml", "yaml"),
    };
    let minor = version.current().map(|v| v.version.to_string()).unwrap_or_default();
    // All three are slugs or numbers: nothing to escape.
    let file = format!("attachment; filename=\"{name}-{minor}-{}.{extension}\"", endpoint.name);
    Ok(([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, file)], definition.source).into_response())
}

/// The endpoint of that name, if it has a definition; the first that has one when the name is empty.
pub(super) fn described<'a>(version: &'a MajorVersion, name: &str) -> Result<&'a Endpoint> {
    let endpoints = version.current().map_or(&[][..], |v| &v.endpoints);
    let found = endpoints.iter().find(|e| e.has_definition && (name.is_empty() || e.name == name));
    found.ok_or(Failure::Domain(Error::NotFound))
}
