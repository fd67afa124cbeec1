//! The catalogue page: search, tags, a card for each major version.

use crate::domain::catalog::browse::{self, Search};
use crate::domain::catalog::model::MajorVersion;
use crate::web::catalog::frame;
use crate::web::error::Result;
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::viewer::CurrentViewer;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::{Query, State};

#[derive(Template)]
#[template(path = "catalog/index.html")]
struct IndexPage {
    shell: Shell,
    text: String,
    tag: String,
    /// Every tag that the viewer may see: name, count, link.
    tags: Vec<(String, i64, String)>,
    cards: Vec<Card>,
}

/// One major version of an API.
struct Card {
    url: String,
    title: String,
    owner: String,
    summary: String,
    tile: &'static str,
    letter: String,
    visibility: &'static str,
    /// How calls authenticate: `API key`, `OAuth 2.0`.
    schemes: Vec<&'static str>,
    major: u16,
    current: String,
    /// `Deprecated` or `Blocked`; else empty.
    state: &'static str,
}

impl From<MajorVersion> for Card {
    fn from(version: MajorVersion) -> Self {
        let api = &version.api;
        let schemes = [(api.takes_api_key, "API key"), (api.takes_bearer, "OAuth 2.0")];
        Self {
            url: urls::api(&api.name, version.major),
            title: api.title.clone(),
            owner: api.owner.clone(),
            summary: api.summary.clone(),
            tile: frame::tile(&api.name),
            letter: frame::letter(&api.title),
            visibility: frame::visibility(api.visibility),
            schemes: schemes.into_iter().filter(|(takes, _)| *takes).map(|(_, name)| name).collect(),
            major: version.major,
            current: frame::current(&version),
            state: frame::major_state(&version),
        }
    }
}

impl IndexPage {
    fn is_narrowed(&self) -> bool {
        !self.text.is_empty() || !self.tag.is_empty()
    }

    fn nothing_found(&self) -> String {
        if self.text.is_empty() { "Nothing matches".to_owned() } else { format!("Nothing matches “{}”", self.text) }
    }

    fn filters_on(&self) -> String {
        match self.tag.as_str() {
            "" => "Try fewer words, or a part of a name.".to_owned(),
            tag => format!("One filter is on: {tag}."),
        }
    }
}

/// What the form asks for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    tag: String,
}

/// The list.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    Query(asked): Query<Asked>,
    shell: Shell,
) -> Result {
    let text = asked.q.trim().to_owned();
    let search = Search { text: text.clone(), tag: Some(asked.tag.clone()).filter(|tag| !tag.is_empty()) };
    let versions = browse::search(&state.ctx, &viewer, &search).await?;
    let tags = browse::tags(&state.ctx, &viewer).await?;
    let link = |tag: &str| urls::apis_matching(&text, tag);
    page::show(&IndexPage {
        tags: tags.into_iter().map(|(tag, count)| (tag.clone(), count, link(&tag))).collect(),
        cards: versions.into_iter().map(Card::from).collect(),
        shell,
        text,
        tag: asked.tag,
    })
}
