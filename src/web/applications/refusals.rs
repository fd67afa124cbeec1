//! Refused calls of an application: the latest, or the one with a request id.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::usage::refusal_words::{Words, words};
use crate::domain::usage::refusals::{self, RefusedCall};
use crate::web::applications::frame::{Frame, Tab};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::{Query, State};
use time::OffsetDateTime;

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

struct Row {
    request_id: String,
    at: OffsetDateTime,
    what: &'static str,
    help: &'static str,
    method: String,
    path: String,
    /// The API, the environment and the credential.
    about: String,
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

impl From<RefusedCall> for Row {
    fn from(call: RefusedCall) -> Self {
        const NEWER: Words = Words {
            what: "The gateway refused the call.",
            help: "This portal is older than the gateway and does not know the reason; ask the operator.",
        };
        let Words { what, help } = words(&call.reason).unwrap_or(NEWER);
        let api = call.api.map(|api| format!("{api} {}", call.version.unwrap_or_default()));
        let environment = if call.environment == Environment::Sandbox.as_str() { "sandbox" } else { "production" };
        let credential = match (call.key, call.client) {
            (Some(name), _) => format!("API key {name}"),
            (None, Some(_)) => "access token".to_owned(),
            (None, None) => "a credential that was deleted since".to_owned(),
        };
        Self {
            request_id: call.request_id,
            at: call.at,
            what,
            help,
            method: call.method,
            path: call.path,
            about: [api.as_deref(), Some(environment), Some(&*credential)]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" · "),
        }
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
        keep_days: if state.keep_refusals_days == 1 {
            "a day".to_owned()
        } else {
            format!("{} days", state.keep_refusals_days)
        },
    })
}
