//! Subscribe, from the page of an API: an application, there already or made on the way, and a plan.

use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::subscriptions::model::{Approval, Plan, State as Calls};
use crate::domain::subscriptions::plans;
use crate::domain::subscriptions::subscribe::{self, Subscriber};
use crate::web::catalog::application_choice::{ApplicationChoice, Picked, Typed};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{urls, words};
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "catalog/subscribe.html")]
struct SubscribePage {
    shell: Shell,
    frame: Frame,
    /// Among those of the viewer's that are not subscribed yet.
    choice: ApplicationChoice,
    plans: Vec<Choice>,
    wrong: Wrong,
}

struct Choice {
    value: String,
    title: String,
    text: String,
    needs_approval: bool,
    chosen: bool,
}

/// What was chosen.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct SubscribeForm {
    #[serde(flatten)]
    application: Typed,
    #[serde(default)]
    plan: String,
}

impl SubscribePage {
    /// The plans that need approval, by name, for the script: `gold|platinum`.
    fn asking_plans(&self) -> String {
        let asking = self.plans.iter().filter(|plan| plan.needs_approval);
        asking.map(|plan| plan.value.as_str()).collect::<Vec<_>>().join("|")
    }

    /// Whether the plan that is chosen needs approval.
    fn asks(&self) -> bool {
        self.plans.iter().any(|plan| plan.chosen && plan.needs_approval)
    }

    /// Why nobody can subscribe; empty when one can.
    fn closed(&self) -> &'static str {
        let api = &self.frame.version.api;
        if !self.frame.version.takes_subscriptions() {
            "This version is closed to new subscriptions. Applications that have one keep it."
        } else if !api.takes_api_key && !api.takes_bearer {
            "Subscriptions are not required for this API: anybody may call it."
        } else if self.plans.is_empty() {
            "This API offers no subscription policy, so nobody can subscribe at the moment. Ask its owner."
        } else {
            ""
        }
    }
}

/// The form.
pub async fn new(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At((name, major)): At<(String, Major)>,
) -> Result {
    show(&page(&state, shell, &member, (&name, major), SubscribeForm::default()).await?)
}

/// Subscribes, and returns to the API's page.
pub async fn create(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At((name, major)): At<(String, Major)>,
    Fields(form): Fields<SubscribeForm>,
) -> Result {
    let picked = form.application.picked(&state.ctx, &member).await.map(|picked| match picked {
        Picked::Existing(id) => Subscriber::Existing(id),
        Picked::New(name) => Subscriber::New(name),
    });
    let answer = match picked {
        Ok(subscriber) => subscribe::begin(&state.ctx, &member, subscriber, (&name, major.0), &form.plan).await,
        Err(error) => Err(error),
    };
    match outcome(answer)? {
        Outcome::Done(subscription) => {
            let is_pending = subscription.state == Calls::Pending;
            let flash = if is_pending { Flash::SubscriptionRequested } else { Flash::Subscribed };
            redirect_with(&state, &urls::api(&name, major.0), flash)
        }
        Outcome::Wrong(wrong) => {
            refuse(&SubscribePage { wrong, ..page(&state, shell, &member, (&name, major), form).await? })
        }
    }
}

async fn page(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    (name, major): (&str, Major),
    form: SubscribeForm,
) -> Result<SubscribePage> {
    let frame = Frame::load(state, &Viewer::Member(member.clone()), name, major, Pane::Subscribe).await?;
    let on = (frame.version.api.id, major.0);
    let choice = ApplicationChoice::load(&state.ctx, member, on, form.application, |one| one.state.is_none()).await?;
    let offered = plans::of_api(&state.ctx, frame.version.api.id).await?;
    let wanted = offered.iter().any(|plan| plan.name == form.plan);
    let plan = |(place, plan): (usize, Plan)| Choice {
        chosen: if wanted { plan.name == form.plan } else { place == 0 },
        text: words::offer(&plan),
        needs_approval: plan.approval == Approval::Needed,
        value: plan.name,
        title: plan.title,
    };
    let plans = offered.into_iter().enumerate().map(plan).collect();
    Ok(SubscribePage { shell, frame, choice, plans, wrong: Wrong::default() })
}
