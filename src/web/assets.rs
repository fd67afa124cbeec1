//! Stylesheet, script, icons and font: inside the binary, under a path that changes with their content.

use crate::web::state::PortalState;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rust_embed::Embed;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::sync::LazyLock;

#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/static"]
struct Files;

/// Names the content of all files together: a new release has new URLs, so browsers may keep the old ones for ever.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    let mut hash = Sha256::new();
    for file in names.iter().filter_map(|name| Files::get(name)) {
        hash.update(file.metadata.sha256_hash());
    }
    hash.finalize().iter().take(5).fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
});

/// The path of a file of `static/`, for templates.
pub fn url(name: &str) -> String {
    format!("/static/{}/{name}", *VERSION)
}

/// The route that serves them.
pub fn routes() -> Router<PortalState> {
    Router::new().route("/static/{version}/{*name}", get(show))
}

async fn show(Path((version, name)): Path<(String, String)>) -> Response {
    let Some(file) = Files::get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    // A page from before an upgrade asks for the old version: it gets today's file, but may not keep it.
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    ([(CONTENT_TYPE, content_type(&name)), (CACHE_CONTROL, keep)], file.data).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
