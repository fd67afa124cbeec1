//! Usage of an API, for whoever looks after it.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::Viewer;
use crate::domain::usage::api_usage::{self, ApiUsage, ApplicationUse, OperationUse, View};
use crate::domain::usage::sums::{Point, Sums};
use crate::domain::usage::window::Window;
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::chart::{Bars, Column, Lines, number};
use crate::web::csv;
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::usage::api_file;
use crate::web::usage::refusal_row::why;
use crate::web::usage::words::{self, Stretched};
use crate::web::viewer::SignedIn;
use crate::web::words::counted;
use askama::Template;
use axum::extract::{Query, State};

/// A month shows who came and went.
const DEFAULT: Window = Window::Month;

#[derive(Template)]
#[template(path = "usage/api.html")]
struct UsagePage {
    shell: Shell,
    frame: Frame,
    periods: Vec<Link>,
    environments: Vec<Link>,
    /// Whose calls alone are shown, if it is one application's; and the link back to all.
    only: Option<(String, String)>,
    file: String,
    tiles: Vec<Tile>,
    sums: Sums,
    /// `7 days`.
    period: &'static str,
    /// What a bar is: `Hour` or `Day`.
    step: &'static str,
    bars: Bars,
    bars_label: String,
    latency: Lines,
    latency_label: String,
    p50: String,
    p95: String,
    applications: Vec<ApplicationRow>,
    operations: Vec<OperationRow>,
    reasons: Vec<ReasonRow>,
}

/// One of several choices.
struct Link {
    url: String,
    label: &'static str,
    is_here: bool,
}

/// A number with its past.
struct Tile {
    title: &'static str,
    number: String,
    unit: &'static str,
    spark: Option<Lines>,
    note: String,
}

struct ApplicationRow {
    name: String,
    owner: String,
    /// To its calls alone; empty where there is no application.
    url: String,
    calls: String,
    errors: String,
}

struct OperationRow {
    name: String,
    calls: String,
    errors: String,
    p95: String,
}

struct ReasonRow {
    what: &'static str,
    calls: String,
}

/// What is asked for. What names nothing counts as nothing.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    period: String,
    #[serde(default)]
    environment: String,
    #[serde(default)]
    application: String,
}

impl Asked {
    fn view(&self) -> View {
        View {
            window: Window::parse(&self.period).unwrap_or(DEFAULT),
            environment: Environment::ALL.into_iter().find(|environment| environment.as_str() == self.environment),
            application: self.application.parse::<ApplicationId>().ok(),
        }
    }
}

impl UsagePage {
    fn is_unused(&self) -> bool {
        self.applications.is_empty()
    }
}

/// The page.
pub async fn show_page(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
) -> Result {
    let view = asked.view();
    let usage = api_usage::of_version(&state.ctx, &member, (&name, major.0), view).await?;
    let frame = Frame::load(&state, &Viewer::Member(member), &name, major, Pane::Usage).await?;
    let url = |view: View| urls::api_usage_of(&name, major.0, &query(view));
    let said = Stretched::new(view.window, usage.stretch);
    let drawn = Drawn::new(&said, &usage.points);
    let (p50, p95) = (usage.latency.percentile(50), usage.latency.percentile(95));
    let only = view.application.map(|_| {
        let name = usage.applications.first().map_or_else(|| "one application".to_owned(), name_of);
        (name, url(View { application: None, ..view }))
    });
    show(&UsagePage {
        periods: Window::ALL
            .map(|window| Link {
                url: url(View { window, ..view }),
                label: words::window(window),
                is_here: window == view.window,
            })
            .into(),
        environments: [None, Some(Environment::Production), Some(Environment::Sandbox)]
            .map(|environment| Link {
                url: url(View { environment, ..view }),
                label: environment.map_or("Both", Environment::title),
                is_here: environment == view.environment,
            })
            .into(),
        only,
        file: urls::api_usage_file(&name, major.0, &query(view)),
        tiles: tiles(&usage, &said),
        sums: usage.sums,
        period: words::window(view.window),
        step: said.step(),
        bars: drawn.bars,
        bars_label: said.summary(&usage.points, usage.sums),
        latency: drawn.latency,
        latency_label: words::latency(p50, p95),
        p50: words::milliseconds(p50),
        p95: words::milliseconds(p95),
        applications: usage
            .applications
            .iter()
            .map(|one| application(one, |id| url(View { application: Some(id), ..view })))
            .collect(),
        operations: usage.operations.iter().map(operation).collect(),
        reasons: usage
            .refused
            .iter()
            .map(|one| ReasonRow { what: why(&one.reason).what, calls: number(one.calls) })
            .collect(),
        shell,
        frame,
    })
}

/// The numbers behind the page, for a spreadsheet.
pub async fn file(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
) -> Result {
    let view = asked.view();
    let rows = api_usage::rows(&state.ctx, &member, (&name, major.0), view).await?;
    Ok(csv::answer(&format!("usage-{name}-v{}-{}", major.0, view.window.as_str()), api_file::text(&rows)))
}

/// The query that asks for a view; what is the default is left out.
fn query(view: View) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if view.window != DEFAULT {
        query.append_pair("period", view.window.as_str());
    }
    if let Some(environment) = view.environment {
        query.append_pair("environment", environment.as_str());
    }
    if let Some(application) = view.application {
        query.append_pair("application", &application.to_string());
    }
    query.finish()
}

/// The charts.
struct Drawn {
    bars: Bars,
    latency: Lines,
}

impl Drawn {
    fn new(said: &Stretched, points: &[Point]) -> Self {
        let labels: Vec<String> = points.iter().map(|point| said.label(point.at)).collect();
        let columns = points.iter().zip(&labels).map(|(point, label)| Column {
            label: label.clone(),
            ok: point.sums.succeeded(),
            client_errors: point.sums.client_errors,
            server_errors: point.sums.server_errors,
        });
        let line = |percent| points.iter().map(|point| words::ms(point.latency.percentile(percent))).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        Self { bars: Bars::new(&columns.collect::<Vec<_>>()), latency: Lines::new(&labels, &[line(95), line(50)]) }
    }
}

fn tiles(usage: &ApiUsage, said: &Stretched) -> Vec<Tile> {
    let spark = |of: fn(&Point) -> u64| Some(Lines::spark(usage.points.iter().map(of).collect()));
    let callers = usage.applications.iter().filter(|one| one.application.is_some()).count();
    let callers = u64::try_from(callers).unwrap_or(u64::MAX);
    let (more, than) = said.compared(usage.sums.requests, usage.before);
    let p95 = words::ms(usage.latency.percentile(95));
    vec![
        Tile {
            title: "Calls",
            number: number(usage.sums.requests),
            unit: "",
            spark: spark(|point| point.sums.requests),
            note: format!("{more} {than}").trim_start().to_owned(),
        },
        Tile {
            title: "Succeeded",
            number: words::share(usage.sums.succeeded(), usage.sums.requests).trim_end_matches('%').to_owned(),
            unit: "%",
            spark: spark(|point| point.sums.succeeded()),
            note: format!("{} failed", counted(i64::try_from(usage.sums.errors()).unwrap_or(i64::MAX), "call")),
        },
        Tile {
            title: "p95 latency",
            number: p95.map_or_else(|| "–".to_owned(), number),
            unit: " ms",
            spark: spark(|point| point.latency.percentile(95).unwrap_or(0)),
            note: words::ms(usage.latency.percentile(50))
                .map_or_else(|| "no calls".to_owned(), |p50| format!("half took {} ms or less", number(p50))),
        },
        Tile {
            title: "Applications",
            number: if callers >= 20 { format!("{callers}+") } else { number(callers) },
            unit: "",
            spark: None,
            note: "called in this time".to_owned(),
        },
    ]
}

fn name_of(one: &ApplicationUse) -> String {
    match (&one.application, &one.name) {
        (None, _) => "Without a credential".to_owned(),
        (Some(_), Some(name)) => name.clone(),
        (Some(_), None) => "An application that was deleted".to_owned(),
    }
}

fn application(one: &ApplicationUse, url: impl Fn(ApplicationId) -> String) -> ApplicationRow {
    ApplicationRow {
        name: name_of(one),
        owner: one.owner.clone().unwrap_or_default(),
        url: one.application.map(url).unwrap_or_default(),
        calls: number(one.sums.requests),
        errors: words::share(one.sums.errors(), one.sums.requests),
    }
}

fn operation(one: &OperationUse) -> OperationRow {
    OperationRow {
        name: if one.operation.is_empty() { "Not in the OpenAPI file".to_owned() } else { one.operation.clone() },
        calls: number(one.sums.requests),
        errors: words::share(one.sums.errors(), one.sums.requests),
        p95: words::milliseconds(one.latency.percentile(95)),
    }
}
