//! What changed between versions: from one minor to the next, and from one major to the next.

use crate::base::error::Error;
use crate::base::version::Version;
use crate::domain::catalog::compare::{self, Difference, Effect};
use crate::domain::catalog::model::{ApiVersion, Endpoint};
use crate::domain::catalog::reference::{self, Changed};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::catalog::reference::place::markdown;
use crate::web::error::{Failure, Result};
use crate::web::markdown::{self, Html};
use crate::web::page::{self, Shell};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::CurrentViewer;
use crate::web::{urls, words};
use askama::Template;
use axum::extract::{Query, State};

/// How many differences of one operation are told.
const MOST: usize = 12;
/// How many endpoints are compared.
const MOST_ENDPOINTS: usize = 20;

#[derive(Template)]
#[template(path = "catalog/reference/changes.html")]
struct ChangesPage {
    shell: Shell,
    frame: Frame,
    pairs: Vec<PairLink>,
    told: Option<Told>,
}

#[derive(Template)]
#[template(path = "catalog/reference/changes.md")]
struct ChangesText {
    frame: Frame,
    told: Option<Told>,
}

/// Two versions to compare.
struct PairLink {
    before: String,
    after: String,
    url: String,
    is_here: bool,
}

/// The comparison of two versions.
struct Told {
    before: String,
    after: String,
    changelog: Html,
    changelog_text: String,
    added: Vec<Row>,
    removed: Vec<Row>,
    changed: Vec<Row>,
    schemas: Vec<Row>,
    /// Whether there was nothing to compare: no OpenAPI file on one side.
    is_undescribed: bool,
}

/// An operation or a schema.
struct Row {
    method: String,
    /// The path, or the name of the schema.
    name: String,
    summary: String,
    /// Its page in the newer version, where that is the one that is shown.
    url: String,
    differences: Vec<Line>,
    breaks: bool,
    /// How many more differences there are.
    more: usize,
}

/// A difference: what it means in a word, with its tone, and what it is.
struct Line {
    word: &'static str,
    tone: &'static str,
    words: String,
}

impl Told {
    fn breaking(&self) -> usize {
        self.removed.len() + self.changed.iter().chain(&self.schemas).filter(|row| row.breaks).count()
    }

    fn is_same(&self) -> bool {
        [&self.added, &self.removed, &self.changed, &self.schemas].into_iter().all(Vec::is_empty)
    }
}

/// Which versions; the last two when none are named.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// The page.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
    shell: Shell,
) -> Result {
    let frame = Frame::load(&state, &viewer, &name, major, Pane::Changes).await?;
    let pair = pair(&frame, &asked)?;
    let told = told(&state, &frame, pair).await?;
    let link = |(before, after): (&ApiVersion, &ApiVersion)| PairLink {
        url: urls::with_query(
            &urls::api_changes(&name, major.0),
            &[("from", &before.version.to_string()), ("to", &after.version.to_string())],
        ),
        before: before.version.to_string(),
        after: after.version.to_string(),
        is_here: pair.is_some_and(|pair| (pair.0.version, pair.1.version) == (before.version, after.version)),
    };
    page::show(&ChangesPage { pairs: pairs(&frame).into_iter().map(link).collect(), shell, told, frame })
}

/// The same in Markdown.
pub async fn text(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
) -> Result {
    let frame = Frame::load(&state, &viewer, &name, major, Pane::Changes).await?;
    let told = told(&state, &frame, pair(&frame, &asked)?).await?;
    markdown(&ChangesText { frame, told })
}

/// Each version of the major with the one before it; before the first stands the last of the major below.
fn pairs(frame: &Frame) -> Vec<(&ApiVersion, &ApiVersion)> {
    let below = frame.majors.iter().find(|major| major.major < frame.version.major);
    let all: Vec<&ApiVersion> =
        frame.version.versions.iter().chain(below.and_then(|major| major.versions.first())).collect();
    all.windows(2).filter_map(|pair| Some((*pair.get(1)?, *pair.first()?))).collect()
}

/// The versions that are asked for, whichever the viewer sees.
fn pair<'a>(frame: &'a Frame, asked: &Asked) -> Result<Option<(&'a ApiVersion, &'a ApiVersion)>> {
    if asked.from.is_empty() && asked.to.is_empty() {
        return Ok(pairs(frame).first().copied());
    }
    let find = |text: &str| {
        let version: Version = text.parse().ok()?;
        frame.majors.iter().flat_map(|major| &major.versions).find(|known| known.version == version)
    };
    match (find(&asked.from), find(&asked.to)) {
        (Some(before), Some(after)) => Ok(Some((before, after))),
        _ => Err(Failure::Domain(Error::NotFound)),
    }
}

async fn told(state: &PortalState, frame: &Frame, pair: Option<(&ApiVersion, &ApiVersion)>) -> Result<Option<Told>> {
    let Some((before, after)) = pair else { return Ok(None) };
    let mut told = Told {
        before: before.version.to_string(),
        after: after.version.to_string(),
        changelog: markdown::render(&after.changelog, 2),
        changelog_text: after.changelog.clone(),
        added: Vec::new(),
        removed: Vec::new(),
        changed: Vec::new(),
        schemas: Vec::new(),
        is_undescribed: true,
    };
    let is_shown = frame.version.current().is_some_and(|current| current.version == after.version);
    for new in after.endpoints.iter().filter(|endpoint| endpoint.has_definition).take(MOST_ENDPOINTS) {
        let Some(old) = before.endpoints.iter().find(|old| old.name == new.name && old.has_definition) else {
            continue;
        };
        told.is_undescribed = false;
        let (operations, schemas) = reference::changes(&state.ctx, (old.id, new.id)).await?;
        for changed in operations {
            sort(&mut told, frame, (new, is_shown), changed);
        }
        for named in schemas {
            let differences = compare::schema(&named.before, &named.after);
            if !differences.is_empty() {
                let (api, major) = (&frame.version.api.name, frame.version.major);
                let url = if is_shown { urls::api_schema(api, major, &new.name, &named.name) } else { String::new() };
                told.schemas.push(row((String::new(), named.name, String::new()), url, differences));
            }
        }
    }
    Ok(Some(told))
}

fn sort(told: &mut Told, frame: &Frame, (endpoint, is_shown): (&Endpoint, bool), changed: Changed) {
    let (api, major) = (&frame.version.api.name, frame.version.major);
    let url =
        changed.slug.as_ref().filter(|_| is_shown).map(|slug| urls::api_operation(api, major, &endpoint.name, slug));
    let differences = match (&changed.before, &changed.after) {
        (Some(before), Some(after)) => compare::operation(before, after),
        _ => Vec::new(),
    };
    let list = match (&changed.before, &changed.after) {
        (None, _) => &mut told.added,
        (_, None) => &mut told.removed,
        // Other words alone are no change that a caller has to know.
        _ if differences.is_empty() => return,
        _ => &mut told.changed,
    };
    list.push(row((changed.method, changed.path, changed.summary), url.unwrap_or_default(), differences));
}

fn row((method, name, summary): (String, String, String), url: String, differences: Vec<Difference>) -> Row {
    let more = differences.len().saturating_sub(MOST);
    let breaks = differences.iter().any(|difference| difference.effect == Effect::Breaking);
    let line = |difference: Difference| {
        let (word, tone) = match difference.effect {
            Effect::Breaking => ("Breaking", "is-bad"),
            Effect::Safe => ("Safe", ""),
        };
        Line { word, tone, words: difference.words }
    };
    let differences = differences.into_iter().take(MOST).map(line).collect();
    Row { method, name, summary, url, differences, breaks, more }
}
