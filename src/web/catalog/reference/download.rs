//! The OpenAPI file for download, in JSON and YAML: what was published, with the gateway's servers in place of its own.

use crate::domain::catalog::model::DefinitionFormat;
use crate::domain::catalog::reference;
use crate::web::catalog::frame;
use crate::web::catalog::reference::place::Place;
use crate::web::error::Result;
use crate::web::page;
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::CurrentViewer;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

/// Which endpoint's; the first that has one when there is no name.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    endpoint: String,
}

/// In JSON.
pub async fn json(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
) -> Result {
    let place = Place::load(&state, &viewer, (&name, major), &asked.endpoint).await?;
    let text = reference::served(&state.ctx, place.endpoint.id, DefinitionFormat::Json).await?;
    let servers: Vec<_> =
        servers(&state, &place).map(|(url, title)| serde_json::json!({"url": url, "description": title})).collect();
    let servers = serde_json::Value::from(servers).to_string();
    let rest = text.strip_prefix('{').unwrap_or_default();
    Ok(file(&place, ("application/json", "json"), format!("{{\"servers\":{servers},{rest}")))
}

/// In YAML.
pub async fn yaml(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
) -> Result {
    let place = Place::load(&state, &viewer, (&name, major), &asked.endpoint).await?;
    let text = reference::served(&state.ctx, place.endpoint.id, DefinitionFormat::Yaml).await?;
    let line = |(url, title)| format!("  - url: {}\n    description: {title}\n", serde_json::Value::from(url));
    let servers: String = servers(&state, &place).map(line).collect();
    // Most files begin with a line that says what they are; it stays the first.
    let first = text.split_inclusive('\n').next().filter(|first| first.starts_with("openapi: \"")).unwrap_or_default();
    let rest = text.strip_prefix(first).unwrap_or_default();
    Ok(file(&place, ("application/yaml", "yaml"), format!("{first}servers:\n{servers}{rest}")))
}

/// The old address of the file: in the form in which it was published.
pub async fn published(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
) -> Result {
    let place = Place::load(&state, &viewer, (&name, major), &asked.endpoint).await?;
    let described = reference::described(&state.ctx, place.endpoint.id).await?;
    page::redirect(&place.file_url(described.format.as_str()))
}

fn servers<'a>(state: &'a PortalState, place: &'a Place) -> impl Iterator<Item = (String, &'static str)> + use<'a> {
    place.bases(state).into_iter().map(|(title, url)| (url, title))
}

fn file(place: &Place, (kind, extension): (&'static str, &str), text: String) -> Response {
    // All three are slugs or numbers: nothing to escape.
    let minor = frame::current(&place.frame.version);
    let name = format!("{}-{minor}-{}.{extension}", place.frame.version.api.name, place.endpoint.name);
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], text).into_response()
}
