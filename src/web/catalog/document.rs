//! A document of an API, written by its publisher.

use crate::base::error::Error;
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::{Failure, Result};
use crate::web::markdown::{self, Html};
use crate::web::page::{self, Shell};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "catalog/document.html")]
struct DocumentPage {
    shell: Shell,
    frame: Frame,
    title: String,
    body: Html,
}

/// The document.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major, document)): At<(String, Major, String)>,
    shell: Shell,
) -> Result {
    let frame = Frame::load(&state, &viewer, &name, major, Pane::Document(document.clone())).await?;
    let found = frame.documents.iter().find(|d| d.name == document).ok_or(Failure::Domain(Error::NotFound))?;
    let (title, body) = (found.title.clone(), markdown::render(&found.body, 2));
    page::show(&DocumentPage { shell, frame, title, body })
}
