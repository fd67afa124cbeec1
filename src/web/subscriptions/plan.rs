//! Moving a subscription to another plan.

use crate::base::environment::Environment;
use crate::base::id::SubscriptionId;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::subscriptions::model::{Approval, State as Calls, Subscription};
use crate::domain::subscriptions::subscribe::Changed;
use crate::domain::subscriptions::{plans, subscribe};
use crate::web::applications::frame::{Frame, Tab};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::subscriptions::chip;
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
    state: Calls,
    /// What waits or was rejected: what, and why.
    notices: Vec<(String, String)>,
    plans: Vec<Choice>,
    wrong: Wrong,
}

struct Choice {
    name: String,
    title: String,
    rate: String,
    needs_approval: bool,
    chosen: bool,
}

impl PlanPage {
    /// Whether there is nothing in force that could be changed.
    fn asks(&self) -> bool {
        matches!(self.state, Calls::Pending | Calls::Rejected)
    }

    fn heading(&self) -> String {
        if self.asks() {
            format!("Request a subscription to {}", self.api)
        } else {
            format!("Change the plan for {}", self.api)
        }
    }

    fn hint(&self) -> &'static str {
        if self.asks() {
            "A plan that needs approval counts once one of the API's owners has approved it; any other counts at once."
        } else if self.plans.iter().any(|plan| plan.needs_approval) {
            "The new plan counts from your next call on, or once it is approved where it needs approval; until then the plan \
             stays as it is. Keys and tokens stay as they are."
        } else {
            "The new plan counts from your next call on. Keys and tokens stay as they are."
        }
    }
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
        Outcome::Done(changed) => {
            let (subscription, flash) = match changed {
                Changed::Now(subscription) => (subscription, Flash::SubscriptionChanged),
                Changed::Requested(subscription) if subscription.state == Calls::Pending => {
                    (subscription, Flash::SubscriptionRequested)
                }
                Changed::Requested(subscription) => (subscription, Flash::PlanRequested),
            };
            redirect_with(&state, &urls::subscriptions(subscription.application), flash)
        }
        Outcome::Wrong(wrong) => refuse(&PlanPage { wrong, ..page(&state, shell, &member, id).await? }),
    }
}

/// Takes back the wish for another plan.
pub async fn withdraw(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
) -> Result {
    let subscription = subscribe::withdraw_change(&state.ctx, &member, id).await?;
    redirect_with(&state, &urls::subscriptions(subscription.application), Flash::RequestWithdrawn)
}

async fn page(state: &PortalState, shell: Shell, member: &Member, id: SubscriptionId) -> Result<PlanPage> {
    let subscription = subscribe::get(&state.ctx, member, id).await?;
    let reached = manage::get(&state.ctx, member, subscription.application).await?;
    reached.clone().for_change()?;
    let plans = plans::of_api(&state.ctx, subscription.api).await?;
    let plans = plans.into_iter().map(|plan| Choice {
        rate: words::offer(&plan),
        needs_approval: plan.approval == Approval::Needed,
        chosen: plan.name == subscription.plan_name,
        name: plan.name,
        title: plan.title,
    });
    Ok(PlanPage {
        shell,
        frame: Frame::new(&reached, Tab::Subscriptions),
        id,
        state: subscription.state,
        notices: notices(&subscription),
        api: format!("{} v{}", subscription.api_title, subscription.major),
        plans: plans.collect(),
        wrong: Wrong::default(),
    })
}

fn notices(subscription: &Subscription) -> Vec<(String, String)> {
    let mut notices = Vec::new();
    if subscription.state == Calls::Rejected {
        notices.push(("Your request was rejected".to_owned(), subscription.reason.clone()));
    }
    notices.extend(subscription.change.as_ref().map(|change| (chip::change(change), String::new())));
    notices
}
