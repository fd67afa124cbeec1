//! Rejecting what was asked for, with a reason.

use crate::base::id::SubscriptionId;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::subscriptions::decide;
use crate::domain::subscriptions::model::{State as Calls, Subscription};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::subscriptions::approvals::List;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::{Query, State};

#[derive(Template)]
#[template(path = "subscriptions/rejection.html")]
struct Rejection {
    shell: Shell,
    frame: Frame,
    id: SubscriptionId,
    api: String,
    application: String,
    /// The plan that is asked for: its name, and for people.
    plan_name: String,
    plan: String,
    /// Whether another plan is in force.
    is_change: bool,
    list: List,
    reason: String,
    wrong: Wrong,
}

/// From which list.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    list: List,
}

/// Why, and what the page showed.
#[derive(Debug, Default, serde::Deserialize)]
pub struct RejectionForm {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    plan: String,
    #[serde(default)]
    list: List,
}

/// The form.
pub async fn ask(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
    Query(asked): Query<Asked>,
) -> Result {
    let subscription = decide::get(&state.ctx, &member, id).await?;
    let to = asked.list.url(&subscription.api_name, subscription.major);
    match page(&state, shell, &member, (subscription, asked.list)).await? {
        Some(page) => show(&page),
        None => redirect_with(&state, &to, Flash::RequestMoved),
    }
}

/// Rejects it.
pub async fn reject(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
    Fields(form): Fields<RejectionForm>,
) -> Result {
    let subscription = decide::get(&state.ctx, &member, id).await?;
    let to = form.list.url(&subscription.api_name, subscription.major);
    match outcome(decide::reject(&state.ctx, &member, id, (&form.plan, &form.reason)).await)? {
        Outcome::Done(_) => redirect_with(&state, &to, Flash::RequestRejected),
        Outcome::Wrong(wrong) if wrong.of("reason").is_empty() => redirect_with(&state, &to, Flash::RequestMoved),
        Outcome::Wrong(wrong) => match page(&state, shell, &member, (subscription, form.list)).await? {
            Some(page) => refuse(&Rejection { reason: form.reason, wrong, ..page }),
            None => redirect_with(&state, &to, Flash::RequestMoved),
        },
    }
}

/// Nothing where nothing waits any more.
async fn page(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    (subscription, list): (Subscription, List),
) -> Result<Option<Rejection>> {
    let Some((name, title)) = decide::requested(&subscription) else { return Ok(None) };
    let (plan_name, plan) = (name.to_owned(), title.to_owned());
    let (viewer, major) = (Viewer::Member(member.clone()), Major(subscription.major));
    Ok(Some(Rejection {
        frame: Frame::load(state, &viewer, &subscription.api_name, major, Pane::Subscribers).await?,
        shell,
        id: subscription.id,
        is_change: subscription.state != Calls::Pending,
        api: subscription.api_name,
        application: subscription.application_name,
        plan_name,
        plan,
        list,
        reason: String::new(),
        wrong: Wrong::default(),
    }))
}
