//! What was done to an application, page by page, for its owner.

use crate::base::environment::Environment;
use crate::base::id::{ApplicationId, AuditEventId};
use crate::domain::applications::activity;
use crate::domain::audit::model::{Actor, Event};
use crate::web::applications::activity_words;
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
#[template(path = "applications/activity.html")]
struct Activity {
    shell: Shell,
    frame: Frame,
    events: Vec<Row>,
    is_first: bool,
    /// Where the trail goes on; empty at its end.
    next: String,
}

struct Row {
    at: OffsetDateTime,
    actor: String,
    what: String,
    /// More, in words; may be empty.
    detail: String,
}

/// Where the page begins.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    before: String,
}

impl From<Event> for Row {
    fn from(event: Event) -> Self {
        Self {
            at: event.at,
            what: activity_words::what(&event.action),
            detail: activity_words::detail(&event),
            actor: match event.actor {
                Actor::CommandLine => "The operator".to_owned(),
                Actor::Member(_, email) | Actor::Oneself(email) => email,
            },
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
    let before = asked.before.parse::<AuditEventId>().ok();
    let trail = activity::trail(&state.ctx, &member, id, before).await?;
    show(&Activity {
        shell,
        frame: Frame::new(&trail.reached, Tab::Activity),
        events: trail.events.into_iter().map(Row::from).collect(),
        is_first: before.is_none(),
        next: trail.next.map(|event| urls::activity(id, Some(event))).unwrap_or_default(),
    })
}
