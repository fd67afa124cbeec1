//! Application Overview.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::applications::manage;
use crate::web::applications::frame::{self, Frame, Tab};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::State;
use time::OffsetDateTime;

#[derive(Template)]
#[template(path = "applications/overview.html")]
struct Overview {
    shell: Shell,
    frame: Frame,
    token_type: String,
    status: String,
    status_tone: &'static str,
    shared_with: String,
    created_at: OffsetDateTime,
}

/// Its facts.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
) -> Result {
    let reached = manage::get(&state.ctx, &member, id).await?;
    let (status, status_tone) = frame::status(&reached.application.status);
    show(&Overview {
        shell,
        frame: Frame::new(&reached, Tab::Overview),
        token_type: reached.application.token_type,
        status,
        status_tone,
        shared_with: reached.application.shared_with.join(", "),
        created_at: reached.application.created_at,
    })
}
