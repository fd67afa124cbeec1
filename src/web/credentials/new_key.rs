//! Generate API Key: the form and its answer.

use crate::base::environment::Environment;
use crate::base::error;
use crate::domain::accounts::model::Member;
use crate::domain::credentials::model::{ChosenApplication, NewApiKey};
use crate::domain::credentials::{access, api_keys};
use crate::domain::subscriptions::model::Approval;
use crate::domain::subscriptions::plans;
use crate::web::catalog::application_choice::{ApplicationChoice, Picked, Typed};
use crate::web::catalog::frame::Frame;
use crate::web::credentials::api_keys::{Place, frame};
use crate::web::credentials::curl;
use crate::web::credentials::key_changes::issued;
use crate::web::credentials::key_row::List;
use crate::web::credentials::limits_form::{self, LimitsForm};
use crate::web::error::Result;
use crate::web::form::{Outcome, Pairs, Wrong, outcome};
use crate::web::page::{Shell, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{urls, words};
use askama::Template;
use axum::extract::{Query, State};

#[derive(Template)]
#[template(path = "credentials/new_key.html")]
struct New {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    choice: ApplicationChoice,
    plans: Vec<Choice>,
    /// The plans that need approval, for the script: `gold|platinum`.
    asking_plans: String,
    /// Only where there are several.
    endpoints: Vec<Choice>,
    /// Applications that skip the plan, for the script: `id|id`.
    subscribed: String,
    limits: LimitsForm,
    form: NewKeyForm,
    wrong: Wrong,
}

/// One of several, for `ui::choice`.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) chosen: bool,
}

/// What was typed, but for the limits.
#[derive(Clone, Debug, Default)]
struct NewKeyForm {
    name: String,
    application: Typed,
    plan: String,
    endpoint: String,
    once: String,
    list: List,
}

impl NewKeyForm {
    fn read(fields: &Pairs) -> Self {
        let text = |name| fields.one(name).to_owned();
        Self {
            name: text("name"),
            application: Typed {
                application: text("application"),
                application_name: text("application_name"),
                application_other: text("application_other"),
            },
            plan: text("plan"),
            endpoint: text("endpoint"),
            once: text("once"),
            list: List::parse(fields.one("list")),
        }
    }
}

/// What a link to the form has chosen already.
#[derive(Debug, serde::Deserialize)]
pub struct Chosen {
    #[serde(default)]
    application: String,
    #[serde(default)]
    list: List,
}

impl New {
    /// Where it started.
    fn cancel(&self) -> String {
        let application = self.choice.typed.application.parse().ok().filter(|_| self.form.list == List::Application);
        match application {
            Some(application) => urls::application_api_keys(application, self.environment),
            None => urls::api_keys(&self.frame.version.api.name, self.frame.version.major, self.environment),
        }
    }
}

/// The form.
pub async fn new(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(place): At<Place>,
    Query(chosen): Query<Chosen>,
) -> Result {
    access::check(&member, place.2)?;
    let once = state.ctx.random.uuid(shell.now).to_string();
    let application = Typed { application: chosen.application, ..Typed::default() };
    let form = NewKeyForm { once, application, list: chosen.list, ..NewKeyForm::default() };
    show(&page(&state, shell, &member, place, (form, &Pairs::new([]))).await?)
}

/// Generates it; the answer shows it once.
pub async fn generate(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(place): At<Place>,
    fields: Pairs,
) -> Result {
    let form = NewKeyForm::read(&fields);
    let answer = match application(&state, &member, &form).await {
        Ok(application) => {
            let new = NewApiKey {
                api: place.0.clone(),
                major: place.1.0,
                environment: place.2,
                name: form.name.clone(),
                application,
                plan: Some(form.plan.clone()),
                endpoint: Some(form.endpoint.clone()),
                limits: limits_form::wanted(&fields, &endpoint(&state, &member, &place, &form).await?),
                once: form.once.parse().ok(),
            };
            api_keys::generate(&state.ctx, &member, new).await
        }
        Err(error) => Err(error),
    };
    match outcome(answer)? {
        Outcome::Done(made) => issued(&state, shell, &member, made, form.list).await,
        Outcome::Wrong(wrong) => refuse(&New { wrong, ..page(&state, shell, &member, place, (form, &fields)).await? }),
    }
}

/// Which endpoint the ticked operations are of: where there is one only, the form does not ask for it.
async fn endpoint(state: &PortalState, member: &Member, place: &Place, form: &NewKeyForm) -> Result<String> {
    if !form.endpoint.is_empty() {
        return Ok(form.endpoint.clone());
    }
    let frame = frame(state, member, place).await?;
    Ok(curl::endpoint(&frame.version, place.2, "").map(|endpoint| endpoint.name.clone()).unwrap_or_default())
}

async fn application(state: &PortalState, member: &Member, form: &NewKeyForm) -> error::Result<ChosenApplication> {
    Ok(match form.application.picked(&state.ctx, member).await? {
        Picked::Existing(id) => ChosenApplication::Existing(id),
        Picked::New(name) => ChosenApplication::New(name),
    })
}

async fn page(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    place: Place,
    (mut form, fields): (NewKeyForm, &Pairs),
) -> Result<New> {
    let frame = frame(state, member, &place).await?;
    let (version, environment) = (&frame.version, place.2);
    let on = (version.api.id, version.major);
    let typed = std::mem::take(&mut form.application);
    let choice = ApplicationChoice::load(&state.ctx, member, on, typed, |_| true).await?;
    let offered = plans::of_api(&state.ctx, version.api.id).await?;
    let asking = offered.iter().filter(|plan| plan.approval == Approval::Needed);
    let asking_plans = asking.map(|plan| plan.name.as_str()).collect::<Vec<_>>().join("|");
    let mut plans: Vec<Choice> = offered
        .into_iter()
        .map(|plan| Choice { text: words::offer(&plan), value: plan.name, title: plan.title, chosen: false })
        .collect();
    choose_or_first(&mut plans, &form.plan);
    let open = version.current().map_or(&[][..], |v| &v.endpoints);
    let open = open.iter().filter(|e| e.environments.contains(&environment));
    let mut endpoints: Vec<Choice> = open
        .map(|e| {
            let title = if e.title.is_empty() { e.name.clone() } else { e.title.clone() };
            let text = version.url(state.urls.gateway(environment), e);
            Choice { value: e.name.clone(), title, text, chosen: false }
        })
        .collect();
    if endpoints.len() < 2 {
        endpoints.clear();
    }
    choose(&mut endpoints, &form.endpoint);
    let subscribed = choice.listed.iter().filter(|one| one.state.is_some());
    let subscribed = subscribed.map(|one| one.id.to_string()).collect::<Vec<_>>().join("|");
    let limits = LimitsForm::read(&state.ctx, version, environment, fields).await?;
    let wrong = Wrong::default();
    Ok(New { shell, frame, environment, choice, plans, asking_plans, endpoints, subscribed, limits, form, wrong })
}

fn choose(choices: &mut [Choice], value: &str) {
    for choice in choices {
        choice.chosen = choice.value == value;
    }
}

pub(super) fn choose_or_first(choices: &mut [Choice], value: &str) {
    choose(choices, value);
    if let (false, Some(first)) = (choices.iter().any(|c| c.chosen), choices.first_mut()) {
        first.chosen = true;
    }
}
