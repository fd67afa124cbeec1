//! The page of one operation: what to send, what comes back, and what the gateway adds.

use crate::domain::catalog::browse;
use crate::domain::catalog::model::Scope;
use crate::domain::catalog::reference::{self, Found};
use crate::domain::catalog::reference_model::{Answer, Body, Content, Event, Place as In};
use crate::domain::subscriptions::plans;
use crate::web::catalog::reference::nav::{Nav, tag_url, title};
use crate::web::catalog::reference::overview::tag_title;
use crate::web::catalog::reference::place::{Form, Place, limit, markdown};
use crate::web::catalog::reference::schema_lines;
use crate::web::catalog::reference::schema_view::{self, Fields};
use crate::web::catalog::reference::told::Answers;
use crate::web::console::form::{Access, Console, Subject};
use crate::web::error::Result;
use crate::web::markdown::{self, Html};
use crate::web::page::{self, Shell};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "catalog/reference/operation.html")]
struct OperationPage {
    shell: Shell,
    place: Place,
    nav: Nav,
    found: Found,
    slug: String,
    description: Html,
    /// Parameters by place: heading and list.
    parameters: Vec<(&'static str, Fields)>,
    body: Option<BodyView>,
    answers: Vec<AnswerView>,
    /// What the gateway adds to what the backend answers.
    gateway: Answers,
    /// Scopes that a token needs: alternatives, each a set.
    scopes: Vec<Vec<Scope>>,
    /// What all callers together may do; empty when that is not limited.
    limit: String,
    bases: Vec<(&'static str, String)>,
    /// Calling it from here.
    console: Console,
}

struct BodyView {
    required: bool,
    description: Html,
    contents: Vec<ContentView>,
}

struct AnswerView {
    status: String,
    tone: &'static str,
    description: Html,
    headers: Fields,
    contents: Vec<ContentView>,
    is_open: bool,
}

struct ContentView {
    media_type: String,
    /// The type, and the page of its schema where it is a named one.
    label: String,
    named: Option<(String, String)>,
    inside: Fields,
    example: String,
}

impl OperationPage {
    fn title(&self) -> String {
        title(&self.found.operation.summary, &self.found.operation.path)
    }

    fn tag(&self) -> String {
        tag_title(self.found.operation.tags.first().map_or("", |tag| tag), 2)
    }

    fn tag_url(&self) -> String {
        tag_url(&self.place, self.found.operation.tags.first().map_or("", |tag| tag))
    }

    fn markdown_url(&self) -> String {
        urls::markdown(&self.place.operation_url(&self.slug))
    }

    fn callbacks(&self) -> &[Event] {
        &self.found.page.callbacks
    }
}

#[derive(Template)]
#[template(path = "catalog/reference/operation.md")]
struct OperationText {
    place: Place,
    found: Found,
    gateway: Answers,
    limit: String,
    bases: Vec<(&'static str, String)>,
    portal: String,
    parameters: String,
}

impl OperationText {
    fn title(&self) -> String {
        title(&self.found.operation.summary, &self.found.operation.path)
    }

    fn inside(content: &Content) -> String {
        schema_lines::inside(&content.schema)
    }

    fn headers(answer: &Answer) -> String {
        schema_lines::headers(&answer.headers)
    }

    /// A fence that no line of the example can close.
    fn fence(content: &Content) -> &'static str {
        if content.example.contains("```") { "~~~~~~" } else { "```" }
    }
}

/// The page; in Markdown when its name ends in `.md`.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major, endpoint, operation)): At<(String, Major, String, String)>,
    shell: Shell,
) -> Result {
    let place = Place::load(&state, &viewer, (&name, major), &endpoint).await?;
    let (slug, form) = Form::of(&operation);
    let ctx = &state.ctx;
    let found = reference::operation(ctx, place.endpoint.id, slug).await?;
    let api = place.frame.version.api.id;
    let policies = browse::policies(ctx, api).await?;
    let plans = plans::of_api(ctx, api).await?;
    let operation = &found.operation;
    let limit = limit(&policies, &operation.method, &operation.path);
    let gateway = Answers::new(&place.frame.version, &policies, &plans, (&operation.scopes, &limit));
    let bases = place.bases(&state);
    if form == Form::Markdown {
        let parameters = schema_lines::parameters(&found.page.parameters);
        return markdown(&OperationText {
            place,
            found,
            gateway,
            limit,
            bases,
            portal: state.urls.portal.clone(),
            parameters,
        });
    }
    let tag = operation.tags.first().map_or("", |tag| tag);
    let nav = Nav::load(&state, &place, (tag, slug)).await?;
    let subject =
        Subject { version: &place.frame.version, endpoint: &place.endpoint, slug, operation, page: &found.page };
    let console = Console::new(&state, &viewer, subject, &shell.here).await?;
    let scopes = scopes(&browse::scopes(ctx, api).await?, &operation.scopes);
    page::show(&OperationPage {
        description: markdown::render(&found.page.description, 1),
        parameters: parameters(&place, &found),
        body: found.page.body.as_ref().map(|body| self::body(&place, body)),
        answers: found.page.answers.iter().enumerate().map(|(index, it)| answer(&place, it, index == 0)).collect(),
        slug: slug.to_owned(),
        shell,
        nav,
        gateway,
        scopes,
        limit,
        bases,
        console,
        found,
        place,
    })
}

fn parameters(place: &Place, found: &Found) -> Vec<(&'static str, Fields)> {
    let of = |at: In| {
        let heading = match at {
            In::Path => "Path parameters",
            In::Query => "Query parameters",
            In::Header => "Header parameters",
            In::Cookie => "Cookie parameters",
        };
        (heading, schema_view::parameters(place, found.page.parameters.iter().filter(move |it| it.place == at)))
    };
    In::ALL.into_iter().map(of).filter(|(_, fields)| !fields.is_empty()).collect()
}

fn body(place: &Place, body: &Body) -> BodyView {
    BodyView {
        required: body.required,
        description: markdown::render(&body.description, 2),
        contents: body.contents.iter().map(|it| content(place, it)).collect(),
    }
}

fn answer(place: &Place, answer: &Answer, is_open: bool) -> AnswerView {
    AnswerView {
        tone: match answer.status.as_bytes().first() {
            Some(b'2') => "is-ok",
            Some(b'4') => "is-warn",
            Some(b'5') => "is-bad",
            _ => "",
        },
        status: answer.status.clone(),
        description: markdown::render(&answer.description, 2),
        headers: schema_view::headers(place, &answer.headers),
        contents: answer.contents.iter().map(|it| content(place, it)).collect(),
        is_open,
    }
}

fn content(place: &Place, content: &Content) -> ContentView {
    let inner = content.schema.inner();
    ContentView {
        media_type: content.media_type.clone(),
        label: content.schema.label(),
        named: (!inner.name.is_empty()).then(|| (inner.name.clone(), place.schema_url(&inner.name))),
        inside: schema_view::inside(place, &content.schema),
        example: content.example.clone(),
    }
}

/// The scopes of an operation with their titles.
fn scopes(known: &[Scope], needed: &[String]) -> Vec<Vec<Scope>> {
    let find = |name: &str| known.iter().find(|scope| scope.name == name).cloned();
    needed.iter().map(|set| set.split(' ').filter_map(find).collect()).collect()
}
