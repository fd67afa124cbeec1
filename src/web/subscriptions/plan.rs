//! Moving a subscription to another plan.

use crate::base::environment::Environment;
use crate::base::id::SubscriptionId;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::subscriptions::{plans, subscribe};
use crate::web::applications::frame::{Frame, Tab};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{urls, words};
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "subscriptions/plan.html")]
struct PlanPage {
    shell: Shell,
    frame: Frame,
    id: SubscriptionId,
    api: String,
    plans: Vec<Choice>,
    wrong: Wrong,
}

struct Choice {
    name: String,
    title: String,
    rate: String,
    chosen: bool,
}

/// The chosen plan.
#[derive(Debug, serde::Deserialize)]
pub struct PlanForm {
    /// Its name.
    #[serde(default)]
    pub plan: String,
}

/// The form.
pub async fn edit(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
) -> Result {
    show(&page(&state, shell, &member, id).await?)
}

/// Changes it.
pub async fn save(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
    Fields(form): Fields<PlanForm>,
) -> Result {
    match outcome(subscribe::change_plan(&state.ctx, &member, id, &form.plan).await)? {
        Outcome::Done(s) => redirect_with(&state, &urls::subscriptions(s.application), Flash::SubscriptionChanged),
        Outcome::Wrong(wrong) => refuse(&PlanPage { wrong, ..page(&state, shell, &member, id).await? }),
    }
}

async fn page(state: &PortalState, shell: Shell, member: &Member, id: SubscriptionId) -> Result<PlanPage> {
    let subscription = subscribe::get(&state.ctx, member, id).await?;
    let reached = manage::get(&state.ctx, member, subscription.application).await?;
    reached.clone().for_change()?;
    let plans = plans::of_api(&state.ctx, subscription.api).await?;
    let plans = plans.into_iter().map(|plan| Choice {
        rate: words::allowance(&plan),
        chosen: plan.name == subscription.plan_name,
        name: plan.name,
        title: plan.title,
    });
    Ok(PlanPage {
        shell,
        frame: Frame::new(&reached, Tab::Subscriptions),
        id,
        api: format!("{} v{}", subscription.api_title, subscription.major),
        plans: plans.collect(),
        wrong: Wrong::default(),
    })
}
