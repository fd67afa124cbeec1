//! A document of an API: Markdown of its publisher's, a link, or a file to download.

use crate::base::error::Error;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::{Document, DocumentContent, DocumentEntry};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::{Failure, Result};
use crate::web::markdown::{self, Html};
use crate::web::page::{self, Shell};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse as _;

#[derive(Template)]
#[template(path = "catalog/document.html")]
struct DocumentPage {
    shell: Shell,
    frame: Frame,
    title: String,
    body: Body,
}

enum Body {
    Markdown(Html),
    Link(String),
    File { name: String, size: String, url: String },
}

/// The document.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major, document)): At<(String, Major, String)>,
    shell: Shell,
) -> Result {
    let frame = Frame::load(&state, &viewer, &name, major, Pane::Document(document.clone())).await?;
    let entry = frame.documents.iter().find(|d| d.name == document).cloned();
    let entry = entry.ok_or(Failure::Domain(Error::NotFound))?;
    let found = browse::document(&state.ctx, frame.version.api.id, &document).await?;
    let body = match found.content {
        DocumentContent::Markdown(text) => Body::Markdown(markdown::render(&text, 2)),
        DocumentContent::Link(link) => Body::Link(link),
        DocumentContent::File(file) => Body::File {
            url: urls::api_document_file(&name, major.0, &document),
            size: size(&entry),
            name: file.file_name,
        },
    };
    page::show(&DocumentPage { shell, frame, title: found.title, body })
}

/// The bytes of a file. Whatever it is, it is saved and not shown: nothing of a publisher's runs within the portal.
pub async fn download(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, Major(major), document)): At<(String, Major, String)>,
) -> Result {
    let version = browse::major(&mut *state.ctx.conn().await?, &viewer, &name, major).await?;
    let Document { content: DocumentContent::File(file), .. } =
        browse::document(&state.ctx, version.api.id, &document).await?
    else {
        return Err(Failure::Domain(Error::NotFound));
    };
    // Letters, digits, `.`, `-` and `_`, as it was published: nothing to escape.
    let disposition = format!("attachment; filename=\"{}\"", file.file_name);
    let bytes = file.bytes.unwrap_or_default();
    Ok(([(CONTENT_TYPE, file.media_type), (CONTENT_DISPOSITION, disposition)], bytes).into_response())
}

fn size(entry: &DocumentEntry) -> String {
    match entry.size {
        bytes if bytes < 1000 => format!("{bytes} bytes"),
        bytes if bytes < 1_000_000 => format!("{} kB", (bytes + 500) / 1000),
        bytes => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
