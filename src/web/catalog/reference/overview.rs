//! The beginning of the reference: what the file says of itself, and its operations by tag, found by words.

use crate::domain::catalog::browse;
use crate::domain::catalog::reference::{self, Described, Listed, PAGE, Search, Tag};
use crate::domain::catalog::reference_model::TagWords;
use crate::web::catalog::frame::Frame;
use crate::web::catalog::reference::nav::tag_url;
use crate::web::catalog::reference::place::{Form, Place, limit, markdown};
use crate::web::error::Result;
use crate::web::markdown::{self, Html};
use crate::web::page::{self, Shell};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::extract::{Query, State};

/// Asks for the operations without a tag.
pub(crate) const UNTAGGED: &str = "~";
/// How many schemas are linked.
const MOST_SCHEMAS: usize = 300;
/// The last page that can be asked for.
const LAST_PAGE: u32 = 10_000;

#[derive(Template)]
#[template(path = "catalog/reference/overview.html")]
struct OverviewPage {
    shell: Shell,
    frame: Frame,
    place: Place,
    described: Described,
    description: Html,
    /// Base URLs of the endpoint: environment and URL.
    bases: Vec<(&'static str, String)>,
    asked: Asked,
    tags: Vec<TagRow>,
    groups: Vec<Group>,
    found: i64,
    all: i64,
    schemas: Vec<String>,
}

#[derive(Template)]
#[template(path = "catalog/reference/overview.md")]
struct OverviewText {
    place: Place,
    described: Described,
    bases: Vec<(&'static str, String)>,
    portal: String,
    tags: Vec<(String, Vec<Listed>)>,
    schemas: Vec<String>,
}

/// A tag with what it is about.
struct TagRow {
    title: String,
    url: String,
    count: i64,
    description: Html,
}

/// Operations with the same first tag.
struct Group {
    title: String,
    description: Html,
    rows: Vec<Row>,
}

struct Row {
    listed: Listed,
    url: String,
    /// What all callers together may do; empty when that is not limited.
    limit: String,
}

/// What the form asks for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    tag: String,
    /// From 1.
    #[serde(default)]
    page: u32,
}

impl Asked {
    fn tag(&self) -> Option<&str> {
        match &*self.tag {
            "" => None,
            UNTAGGED => Some(""),
            tag => Some(tag),
        }
    }

    /// Which page, from 0.
    fn index(&self) -> u32 {
        self.page.clamp(1, LAST_PAGE) - 1
    }
}

impl OverviewPage {
    /// Whether only the tags are shown: there are too many operations for one page, and nobody has said which.
    fn is_index(&self) -> bool {
        self.groups.is_empty() && !self.tags.is_empty()
    }

    fn nothing(&self) -> String {
        if self.asked.q.is_empty() {
            "No operations".to_owned()
        } else {
            format!("Nothing matches “{}”", self.asked.q)
        }
    }

    /// The tag that is shown alone; empty when all are.
    fn only_tag(&self) -> String {
        self.asked.tag().map(|tag| tag_title(tag, 2)).unwrap_or_default()
    }

    fn pages(&self) -> i64 {
        (self.found + PAGE - 1) / PAGE
    }

    fn number(&self) -> i64 {
        i64::from(self.asked.index()) + 1
    }

    /// Another page of the same list; empty when there is none.
    fn turn(&self, by: i64) -> String {
        let number = self.number() + by;
        if number < 1 || number > self.pages() {
            return String::new();
        }
        let number = number.to_string();
        let query =
            [("q", &*self.asked.q), ("tag", &*self.asked.tag), ("page", if number == "1" { "" } else { &number })];
        urls::with_query(&self.place.url(), &query)
    }

    fn markdown_url(&self) -> String {
        urls::markdown(&self.place.url())
    }
}

/// The reference of the first endpoint.
pub async fn show(
    State(state): State<PortalState>,
    viewer: CurrentViewer,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
    shell: Shell,
) -> Result {
    page(&state, viewer, (&name, major, ""), asked, shell).await
}

/// The same in Markdown.
pub async fn text(
    State(state): State<PortalState>,
    viewer: CurrentViewer,
    At((name, major)): At<(String, Major)>,
) -> Result {
    page_text(&state, viewer, (&name, major, "")).await
}

/// The reference of one of several endpoints.
pub async fn of_endpoint(
    State(state): State<PortalState>,
    viewer: CurrentViewer,
    At((name, major, endpoint)): At<(String, Major, String)>,
    Query(asked): Query<Asked>,
    shell: Shell,
) -> Result {
    match Form::of(&endpoint) {
        (endpoint, Form::Page) => page(&state, viewer, (&name, major, endpoint), asked, shell).await,
        (endpoint, Form::Markdown) => page_text(&state, viewer, (&name, major, endpoint)).await,
    }
}

/// Where the list of operations was before there was a reference.
pub async fn moved(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major)): At<(String, Major)>,
    Query(old): Query<Old>,
) -> Result {
    page::redirect(&Place::load(&state, &viewer, (&name, major), &old.endpoint).await?.url())
}

/// What the old list of operations was asked for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Old {
    #[serde(default)]
    endpoint: String,
}

async fn page(
    state: &PortalState,
    CurrentViewer(viewer): CurrentViewer,
    (name, major, endpoint): (&str, Major, &str),
    asked: Asked,
    shell: Shell,
) -> Result {
    let place = Place::load(state, &viewer, (name, major), endpoint).await?;
    let (ctx, id) = (&state.ctx, place.endpoint.id);
    let described = reference::described(ctx, id).await?;
    let tags = reference::tags(ctx, id).await?;
    let all: i64 = tags.iter().map(|tag| tag.operations).sum();
    let is_index = all > PAGE && asked.q.is_empty() && asked.tag().is_none();
    let search = Search { text: &asked.q, tag: asked.tag(), page: asked.index() };
    let (listed, found) = if is_index { (Vec::new(), all) } else { reference::operations(ctx, id, &search).await? };
    let policies = browse::policies(ctx, place.frame.version.api.id).await?;
    let words = |tag: &str| words(&described.about.tags, tag);
    let mut groups: Vec<Group> = Vec::new();
    for listed in listed {
        let heading = tag_title(&listed.tag, tags.len());
        let row = Row {
            url: place.operation_url(&listed.slug),
            limit: limit(&policies, &listed.method, &listed.path),
            listed,
        };
        match groups.iter_mut().find(|group| group.title == heading) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { description: words(&row.listed.tag), title: heading, rows: vec![row] }),
        }
    }
    groups.sort_by_key(|group| group.rows.first().is_some_and(|row| row.listed.tag.is_empty()));
    let mut schemas = reference::schemas(ctx, id).await?;
    schemas.truncate(MOST_SCHEMAS);
    let tag_row = |tag: &Tag| TagRow {
        title: tag_title(&tag.name, tags.len()),
        url: tag_url(&place, &tag.name),
        count: tag.operations,
        description: if is_index { words(&tag.name) } else { Html::default() },
    };
    let tags = if is_index { tags.iter().map(tag_row).collect() } else { Vec::new() };
    page::show(&OverviewPage {
        description: markdown::render(&described.about.description, 2),
        bases: place.bases(state),
        shell,
        frame: place.frame.clone(),
        place,
        described,
        asked,
        tags,
        groups,
        found,
        all,
        schemas,
    })
}

async fn page_text(
    state: &PortalState,
    CurrentViewer(viewer): CurrentViewer,
    (name, major, endpoint): (&str, Major, &str),
) -> Result {
    let place = Place::load(state, &viewer, (name, major), endpoint).await?;
    let (ctx, id) = (&state.ctx, place.endpoint.id);
    let described = reference::described(ctx, id).await?;
    let mut tags = Vec::new();
    for tag in reference::tags(ctx, id).await? {
        tags.push((tag_title(&tag.name, 2), reference::neighbours(ctx, id, &tag.name).await?));
    }
    let schemas = reference::schemas(ctx, id).await?;
    let bases = place.bases(state);
    markdown(&OverviewText { place, described, bases, portal: state.urls.portal.clone(), tags, schemas })
}

/// What a tag is called on pages; `tags` says how many there are.
pub(crate) fn tag_title(tag: &str, tags: usize) -> String {
    match tag {
        "" if tags < 2 => "All operations".to_owned(),
        "" => "Other operations".to_owned(),
        tag => tag.to_owned(),
    }
}

fn words(tags: &[TagWords], tag: &str) -> Html {
    tags.iter().find(|words| words.name == tag).map(|words| markdown::render(&words.description, 3)).unwrap_or_default()
}
