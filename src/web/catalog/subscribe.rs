//! Subscribe, from the page of an API: an application, there already or made on the way, and a plan.

use crate::base::error::{self, Error};
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::manage;
use crate::domain::subscriptions::subscribe::{self, Subscriber};
use crate::domain::subscriptions::{model::Plan, plans};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::State;

/// The value of the application field that asks for a new one.
const NEW: &str = "new";

#[derive(Template)]
#[template(path = "catalog/subscribe.html")]
struct SubscribePage {
    shell: Shell,
    frame: Frame,
    /// Those of the viewer that are not subscribed yet.
    applications: Vec<Choice>,
    /// How many of the viewer's are.
    subscribed: usize,
    plans: Vec<Choice>,
    form: SubscribeForm,
    wrong: Wrong,
}

struct Choice {
    value: String,
    title: String,
    text: String,
    chosen: bool,
}

/// What was chosen.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct SubscribeForm {
    #[serde(default)]
    application: String,
    #[serde(default)]
    application_name: String,
    #[serde(default)]
    plan: String,
}

impl SubscribePage {
    fn new_hint(&self) -> &'static str {
        if self.applications.is_empty() {
            "It stands for the thing you are building."
        } else {
            "Only for a new application."
        }
    }

    fn chose_new(&self) -> bool {
        self.applications.is_empty() || self.form.application == NEW
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
    let answer = match subscriber(&form) {
        Ok(subscriber) => subscribe::begin(&state.ctx, &member, subscriber, (&name, major.0), &form.plan).await,
        Err(error) => Err(error),
    };
    match outcome(answer)? {
        Outcome::Done(_) => redirect_with(&state, &urls::api(&name, major.0), Flash::Subscribed),
        Outcome::Wrong(wrong) => {
            refuse(&SubscribePage { wrong, ..page(&state, shell, &member, (&name, major), form).await? })
        }
    }
}

fn subscriber(form: &SubscribeForm) -> error::Result<Subscriber> {
    if form.application == NEW {
        return Ok(Subscriber::New(form.application_name.clone()));
    }
    let id = form.application.parse();
    id.map(Subscriber::Existing).or(Err(Error::field("application", "Choose an application, or a new one.")))
}

async fn page(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    (name, major): (&str, Major),
    mut form: SubscribeForm,
) -> Result<SubscribePage> {
    let frame = Frame::load(state, &Viewer::Member(member.clone()), name, major, Pane::Subscribe).await?;
    let there = subscribe::of_member_for_api(&state.ctx, member, frame.version.api.id).await?;
    let has = |id| there.iter().any(|s| s.application == id && s.major == major.0);
    let own = manage::list(&state.ctx, member).await?.into_iter().filter(manage::may_change).map(|r| r.application);
    let (done, open): (Vec<_>, Vec<_>) = own.partition(|application| has(application.id));
    if form.application.is_empty() {
        form.application = open.first().map_or(NEW.to_owned(), |application| application.id.to_string());
    }
    let application = |a: crate::domain::applications::model::Application| {
        let value = a.id.to_string();
        Choice { chosen: value == form.application, value, title: a.name, text: String::new() }
    };
    let applications = open.into_iter().map(application).collect();
    let offered = plans::of_api(&state.ctx, frame.version.api.id).await?;
    let wanted = offered.iter().any(|plan| plan.name == form.plan);
    let plan = |(place, plan): (usize, Plan)| Choice {
        chosen: if wanted { plan.name == form.plan } else { place == 0 },
        text: words::allowance(&plan),
        value: plan.name,
        title: plan.title,
    };
    let plans = offered.into_iter().enumerate().map(plan).collect();
    Ok(SubscribePage { shell, frame, applications, subscribed: done.len(), plans, form, wrong: Wrong::default() })
}
