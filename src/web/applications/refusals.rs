//! Refused calls of an application: the latest, or the one with a request id.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::usage::refusals;
use crate::web::applications::frame::{Frame, Tab};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::usage::refusal_row::{Row, keep};
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::{Query, State};

#[derive(Template)]
#[template(path = "applications/refusals.html")]
struct Refusals {
    shell: Shell,
    frame: Frame,
    /// As it was typed; empty: all.
    request_id: String,
    calls: Vec<Row>,
    omitted: String,
    keep_days: String,
}

/// What is looked for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    request_id: String,
}

impl Refusals {
    fn heads() -> &'static [&'static str] {
        &["Reason", "Call", "Time"]
    }

    fn heading(&self) -> &'static str {
        if self.request_id.is_empty() { "Latest refused calls" } else { "Found by request ID" }
    }
}

/// The list.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    Query(asked): Query<Asked>,
) -> Result {
    let request_id = asked.request_id.trim().to_owned();
    let wanted = Some(&*request_id).filter(|id| !id.is_empty());
    let found = refusals::list(&state.ctx, &member, id, wanted).await?;
    let calls = |n: i64| if n == 1 { "1 further call".to_owned() } else { format!("{n} further calls") };
    show(&Refusals {
        shell,
        frame: Frame::new(&found.reached, Tab::Refusals),
        request_id,
        calls: found.calls.into_iter().map(Row::from).collect(),
        omitted: if found.omitted > 0 { calls(found.omitted) } else { String::new() },
        keep_days: keep(state.keep_refusals_days),
    })
}
