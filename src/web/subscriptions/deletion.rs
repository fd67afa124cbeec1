//! Removing a subscription.

use crate::base::environment::Environment;
use crate::base::id::SubscriptionId;
use crate::domain::applications::manage;
use crate::domain::subscriptions::model::State as Calls;
use crate::domain::subscriptions::subscribe;
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
#[template(path = "subscriptions/deletion.html")]
struct Deletion {
    shell: Shell,
    frame: Frame,
    id: SubscriptionId,
    api: String,
    /// Whether it is only asked for.
    is_request: bool,
}

/// What would happen.
pub async fn ask(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
) -> Result {
    let subscription = subscribe::get(&state.ctx, &member, id).await?;
    let reached = manage::get(&state.ctx, &member, subscription.application).await?;
    reached.clone().for_change()?;
    let api = format!("{} v{}", subscription.api_title, subscription.major);
    let is_request = subscription.state == Calls::Pending;
    show(&Deletion { shell, is_request, frame: Frame::new(&reached, Tab::Subscriptions), id, api })
}

/// Does it.
pub async fn delete(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
) -> Result {
    let subscription = subscribe::remove(&state.ctx, &member, id).await?;
    let flash = if subscription.state == Calls::Pending { Flash::RequestWithdrawn } else { Flash::SubscriptionRemoved };
    redirect_with(&state, &urls::subscriptions(subscription.application), flash)
}
