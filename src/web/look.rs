//! The operator's brand as pages use it: read once at the start, its files served under paths that change with them.

use crate::base::colour::Accent;
use crate::config::{Brand, footer_link};
use crate::web::markdown::{self, Html};
use crate::web::state::PortalState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// What pages show of the organisation.
#[derive(Clone, Debug)]
pub struct Look {
    /// The line in the footer.
    pub footer: String,
    /// Links in the footer: text and address.
    pub footer_links: Vec<(String, String)>,
    /// The heading of the home page.
    pub home_title: String,
    /// What stands below it; none: the page's own words.
    pub home_text: Option<Html>,
    logo: Option<File>,
    style: Option<File>,
}

#[derive(Clone, Debug)]
struct File {
    url: String,
    kind: &'static str,
    content: Bytes,
}

impl File {
    fn new(name: &str, kind: &'static str, content: Vec<u8>) -> Self {
        let mut version = String::new();
        for byte in Sha256::digest(&content).iter().take(5) {
            _ = write!(version, "{byte:02x}");
        }
        Self { url: format!("/brand/{version}/{name}"), kind, content: content.into() }
    }
}

impl Look {
    /// Reads the logo. The error says what to do.
    pub fn load(brand: &Brand) -> Result<Self, String> {
        let links = brand.footer_links.iter().filter_map(|link| footer_link(link));
        Ok(Self {
            footer: brand.footer.clone().unwrap_or_else(|| brand.name.clone()),
            footer_links: links.map(|(label, url)| (label.to_owned(), url.to_owned())).collect(),
            home_title: brand.home_title.clone().unwrap_or_else(|| format!("Build with {}", brand.name)),
            home_text: brand.home_text.as_ref().map(|text| markdown::render(text, 1)),
            logo: brand.read_logo()?.map(|logo| File::new(logo.name, logo.kind, logo.content)),
            style: brand.accent.as_deref().and_then(Accent::parse).map(style),
        })
    }

    /// Where the operator's logo is, if there is one.
    pub fn logo(&self) -> Option<&str> {
        self.logo.as_ref().map(|file| file.url.as_str())
    }

    /// The small stylesheet of the operator's colour, if there is one; it stands after the portal's.
    pub fn style(&self) -> Option<&str> {
        self.style.as_ref().map(|file| file.url.as_str())
    }
}

/// The route that serves logo and colour.
pub fn routes() -> Router<PortalState> {
    Router::new().route("/brand/{version}/{name}", get(show))
}

async fn show(State(state): State<PortalState>, Path((version, name)): Path<(String, String)>) -> Response {
    let path = format!("/brand/{version}/{name}");
    let files = [&state.look.logo, &state.look.style];
    let Some(file) = files.into_iter().flatten().find(|file| file.url == path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let keep = "public, max-age=31536000, immutable";
    let mut response = ([(CONTENT_TYPE, file.kind), (CACHE_CONTROL, keep)], file.content.clone()).into_response();
    // A picture that is opened by itself is a document: it must run nothing.
    let policy = HeaderValue::from_static("default-src 'none'; sandbox");
    if file.kind.starts_with("image/") {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn style(accent: Accent) -> File {
    let Accent { hue, chroma } = accent;
    let css = format!("@layer tokens {{ :root {{ --brand-hue: {hue:.1}; --brand-chroma: {chroma:.3}; }} }}\n");
    File::new("colour.css", "text/css; charset=utf-8", css.into_bytes())
}
