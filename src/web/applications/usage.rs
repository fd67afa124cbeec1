//! Usage of an application: numbers, bars, and what failed; the same as a file.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId};
use crate::domain::usage::refusal_words::Words;
use crate::domain::usage::report::{self, Asked, Choice, ChoiceKind, Named, Of, Part, Report};
use crate::domain::usage::sums::Sums;
use crate::domain::usage::window::Window;
use crate::web::applications::frame::{Frame, Tab};
use crate::web::applications::usage_file;
use crate::web::chart::{Bars, Column, Lines, number};
use crate::web::csv;
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::usage::refusal_row::why;
use crate::web::usage::words::{self, Stretched, Tile};
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "applications/usage.html")]
struct Usage {
    shell: Shell,
    frame: Frame,
    asked: Question,
    apis: Vec<Choice>,
    credentials: Vec<Choice>,
    /// Whether anything was called.
    is_empty: bool,
    tiles: Vec<Tile>,
    sums: Sums,
    /// `7 days`.
    period: &'static str,
    step: &'static str,
    bars: Bars,
    bars_label: String,
    latency: Lines,
    latency_label: String,
    p50: String,
    p95: String,
    by_api: Vec<Row>,
    by_credential: Vec<Row>,
    by_operation: Vec<Row>,
    refused: Vec<RefusedRow>,
}

/// The question in the address.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Question {
    #[serde(default)]
    period: String,
    #[serde(default)]
    api: String,
    #[serde(default)]
    environment: String,
    #[serde(default)]
    key: String,
}

struct Row {
    name: String,
    /// The API of an operation, the environment of a credential.
    about: String,
    is_code: bool,
    calls: String,
    errors: String,
}

struct RefusedRow {
    what: &'static str,
    help: &'static str,
    calls: String,
}

impl Question {
    fn window(&self) -> Window {
        Window::parse(&self.period).unwrap_or_default()
    }

    /// What cannot be read asks for nothing.
    fn asked(&self) -> Asked {
        Asked {
            window: self.window(),
            api: self.api.parse::<ApiId>().ok(),
            environment: self.environment.parse().ok(),
            credential: Some(self.key.clone()).filter(|key| (1..=64).contains(&key.len()) && is_plain(key)),
        }
    }

    fn query(&self, window: Window) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("period", window.as_str());
        for (name, value) in [("api", &self.api), ("environment", &self.environment), ("key", &self.key)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

/// Ids have nothing but these in them, and Postgres takes no zero byte.
fn is_plain(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Usage {
    /// The periods as links: address, words, whether it is this one.
    fn periods(&self) -> impl Iterator<Item = (String, &'static str, bool)> {
        let now = self.asked.window();
        Window::ALL.into_iter().map(move |window| {
            let url = urls::usage(self.frame.id, &self.asked.query(window));
            (url, words::window(window), window == now)
        })
    }

    /// The small tables: id, heading, head of the first column, rows.
    fn tables(&self) -> [(&'static str, &'static str, &'static str, &[Row]); 2] {
        [("by-api", "By API", "API", &self.by_api), ("by-key", "By key", "Key", &self.by_credential)]
    }

    fn file_url(&self) -> String {
        urls::usage_file(self.frame.id, &self.asked.query(self.asked.window()))
    }

    fn is_narrowed(&self) -> bool {
        [&self.asked.api, &self.asked.environment, &self.asked.key].iter().any(|value| !value.is_empty())
    }

    fn succeeded(&self) -> String {
        number(self.sums.succeeded())
    }

    fn client_errors(&self) -> String {
        number(self.sums.client_errors)
    }

    fn server_errors(&self) -> String {
        number(self.sums.server_errors)
    }
}

impl Row {
    fn new(part: Part) -> Self {
        let gone = || "an API that is gone".to_owned();
        let (name, about, is_code) = match part.of {
            Of::Api { title, major } => {
                (title.map_or_else(gone, |title| format!("{title} v{major}")), String::new(), false)
            }
            Of::Credential(Named::Key(name, environment)) => (name, environment.title().to_owned(), false),
            Of::Credential(Named::Tokens(environment)) => {
                ("Access tokens".to_owned(), environment.title().to_owned(), false)
            }
            Of::Credential(Named::Gone(environment)) => {
                ("Deleted since".to_owned(), environment.title().to_owned(), false)
            }
            Of::Operation { title, major, name } => {
                let about = title.map_or_else(gone, |title| format!("{title} v{major}"));
                let is_known = !name.is_empty();
                (if is_known { name } else { "Outside of the definition".to_owned() }, about, is_known)
            }
        };
        Self {
            name,
            about,
            is_code,
            calls: number(part.sums.requests),
            errors: words::share(part.sums.errors(), part.sums.requests),
        }
    }
}

/// The page.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    Query(asked): Query<Question>,
) -> Result {
    let report = report::of_application(&state.ctx, &member, id, &asked.asked()).await?;
    show(&page(shell, asked, report))
}

/// The file.
pub async fn file(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    Query(asked): Query<Question>,
) -> Result {
    let (reached, lines) = report::lines(&state.ctx, &member, id, &asked.asked()).await?;
    Ok(csv::answer(&format!("usage-{}", reached.application.name), usage_file::text(&lines)))
}

fn page(shell: Shell, asked: Question, report: Report) -> Usage {
    let said = Stretched::new(asked.window(), report.stretch);
    let labels: Vec<String> = report.points.iter().map(|point| said.label(point.at)).collect();
    let columns: Vec<Column> = report
        .points
        .iter()
        .zip(&labels)
        .map(|(point, label)| Column {
            label: label.clone(),
            ok: point.sums.succeeded(),
            client_errors: point.sums.client_errors,
            server_errors: point.sums.server_errors,
        })
        .collect();
    let line = |percent| report.points.iter().map(|point| words::ms(point.latency.percentile(percent))).collect();
    let slots: Vec<&str> = labels.iter().map(String::as_str).collect();
    let (p50, p95) = (report.latency.percentile(50), report.latency.percentile(95));
    let (mut by_api, mut by_credential, mut by_operation) = (Vec::new(), Vec::new(), Vec::new());
    for part in report.parts {
        match part.of {
            Of::Api { .. } => by_api.push(Row::new(part)),
            Of::Credential(_) => by_credential.push(Row::new(part)),
            Of::Operation { .. } => by_operation.push(Row::new(part)),
        }
    }
    let refused = report.refused.iter().map(|refused| {
        let Words { what, help } = why(&refused.reason);
        RefusedRow { what, help, calls: number(refused.calls) }
    });
    let (apis, credentials) = report.choices.into_iter().partition(|choice| choice.kind == ChoiceKind::Api);
    Usage {
        shell,
        frame: Frame::new(&report.reached, Tab::Usage),
        apis,
        credentials,
        is_empty: report.sums.requests == 0,
        tiles: said.tiles(report.sums, report.before, p95),
        period: words::window(asked.window()),
        step: said.step(),
        bars: Bars::new(&columns),
        bars_label: said.summary(&report.points, report.sums),
        latency: Lines::new(&slots, &[line(95), line(50)]),
        latency_label: words::latency(p50, p95),
        p50: words::milliseconds(p50),
        p95: words::milliseconds(p95),
        sums: report.sums,
        by_api,
        by_credential,
        by_operation,
        refused: refused.collect(),
        asked,
    }
}
