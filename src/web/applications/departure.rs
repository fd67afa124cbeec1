//! Leaving an application that somebody else shares.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::applications::{manage, sharing};
use crate::web::applications::frame::{Frame, Tab};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::page::{Shell, redirect_with, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "applications/departure.html")]
struct Departure {
    shell: Shell,
    frame: Frame,
}

/// What would happen.
pub async fn ask(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
) -> Result {
    let reached = sharing::for_leaving(manage::get(&state.ctx, &member, id).await?)?;
    show(&Departure { shell, frame: Frame::new(&reached, Tab::Overview) })
}

/// Does it.
pub async fn leave(State(state): State<PortalState>, SignedIn(member): SignedIn, At(id): At<ApplicationId>) -> Result {
    sharing::leave(&state.ctx, &member, id).await?;
    redirect_with(&state, &urls::applications(), Flash::ApplicationLeft)
}
