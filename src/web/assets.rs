//! Stylesheets, scripts, icons and font: inside the binary, under a path that changes with their content, compressed once.

use crate::web::state::PortalState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rust_embed::Embed;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;

#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/static"]
struct Files;

/// A file in the three forms that browsers take.
struct Packed {
    kind: &'static str,
    plain: Bytes,
    /// Only where they save something.
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
}

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

static PACKED: LazyLock<HashMap<String, Packed>> = LazyLock::new(|| {
    let pack = |name: &str| Some((name.to_owned(), Packed::new(name, Files::get(name)?.data.into_owned().into())));
    Files::iter().filter_map(|name| pack(&name)).collect()
});

impl Packed {
    fn new(name: &str, plain: Bytes) -> Self {
        let kind = content_type(name);
        // Fonts are compressed in themselves.
        let is_text = !kind.starts_with("font/") && kind != "application/octet-stream";
        let smaller = |packed: Vec<u8>| (is_text && packed.len() < plain.len()).then(|| Bytes::from(packed));
        let (brotli, gzip) = if is_text { (brotli(&plain), gzip(&plain)) } else { (Vec::new(), Vec::new()) };
        Self { kind, brotli: smaller(brotli), gzip: smaller(gzip), plain }
    }
}

/// The path of a file of `static/`, for templates.
pub fn url(name: &str) -> String {
    format!("/static/{}/{name}", *VERSION)
}

/// The route that serves them.
pub fn routes() -> Router<PortalState> {
    // Aside, so that no visitor waits for it. Should the thread not start, the first request does the work.
    drop(std::thread::Builder::new().name("assets".to_owned()).spawn(|| LazyLock::force(&PACKED).len()));
    Router::new().route("/static/{version}/{*name}", get(show))
}

async fn show(headers: HeaderMap, Path((version, name)): Path<(String, String)>) -> Response {
    let Some(file) = PACKED.get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    // A page from before an upgrade asks for the old version: it gets today's file, but may not keep it.
    let keep = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-store" };
    let forms = [("br", &file.brotli), ("gzip", &file.gzip)];
    let chosen = forms.into_iter().find_map(|(coding, form)| {
        let form = form.as_ref().filter(|_| takes(&headers, coding))?;
        Some((coding, form.clone()))
    });
    let (coding, content) = chosen.map_or((None, file.plain.clone()), |(coding, form)| (Some(coding), form));
    let mut response = ([(CONTENT_TYPE, file.kind), (CACHE_CONTROL, keep)], content).into_response();
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// Whether the client takes this coding: named, and not with `q=0` (RFC 9110 §12.5.3).
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(coding) && weight.is_none_or(|weight| weight > 0.0)
    })
}

fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    // The strongest quality; a window of 4 MiB holds every file whole.
    let mut writer = brotli::CompressorWriter::new(&mut packed, 16 * 1024, 11, 22);
    let done = writer.write_all(plain).and_then(|()| writer.flush());
    drop(writer);
    // What did not come out whole must not be sent.
    done.map_or_else(|_| plain.to_vec(), |()| packed)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(plain).and_then(|()| writer.finish()).unwrap_or_else(|_| plain.to_vec())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        Some((_, "woff2")) => "font/woff2",
        Some((_, "txt")) => "text/plain; charset=utf-8",
        // The only one of its kind: the rules of what browsers may fetch ahead.
        Some(("speculation", "json")) => "application/speculationrules+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_taken_when_it_is_named_and_not_weighed_with_nothing() {
        let both = |line: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(line));
            [takes(&headers, "br"), takes(&headers, "gzip")]
        };
        assert_eq!(both("gzip, deflate, br, zstd"), [true, true]);
        assert_eq!(both("br;q=0, GZIP;q=0.5"), [false, true]);
        assert_eq!(both("identity"), [false, false]);
        assert!(!takes(&HeaderMap::new(), "br"));
    }
}
