//! Why was my call refused? The request id of a refusal gives its owner the exact reason and what to do.

use crate::domain::usage::refusals::{self, FoundCall};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::state::PortalState;
use crate::web::usage::refusal_row::{Row, keep, remedy};
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::{Query, State};

#[derive(Template)]
#[template(path = "usage/refusals.html")]
struct RefusalsPage {
    shell: Shell,
    /// As it was typed; empty: the latest.
    request_id: String,
    calls: Vec<Found>,
    keep_days: String,
}

/// A call with its application.
struct Found {
    row: Row,
    application: String,
    /// Its list of refused calls; empty where it has no pages.
    application_url: String,
    /// Where one does what helps: label and link.
    remedy: Option<(&'static str, String)>,
}

impl RefusalsPage {
    fn heads() -> &'static [&'static str] {
        &["Reason", "Call", "Application", "Time"]
    }

    fn heading(&self) -> &'static str {
        if self.request_id.is_empty() { "Latest refused calls of your applications" } else { "Why it was refused" }
    }
}

impl From<FoundCall> for Found {
    fn from(found: FoundCall) -> Self {
        Self {
            remedy: remedy(&found),
            application_url: if found.is_direct { String::new() } else { urls::refusals(found.application) },
            application: found.application_name,
            row: found.call.into(),
        }
    }
}

/// What is looked for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    request_id: String,
}

/// The page.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    Query(asked): Query<Asked>,
) -> Result {
    let request_id = asked.request_id.trim().to_owned();
    let found = if request_id.is_empty() {
        refusals::latest(&state.ctx, &member).await?
    } else {
        refusals::find(&state.ctx, &member, &request_id).await?
    };
    let calls = found.into_iter().map(Found::from).collect();
    show(&RefusalsPage { shell, request_id, calls, keep_days: keep(state.keep_refusals_days) })
}
