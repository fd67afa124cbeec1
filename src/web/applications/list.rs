//! My Applications, and creating one.

use crate::base::id::ApplicationId;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::applications::model::Reached;
use crate::web::applications::frame;
use crate::web::error::Result;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect, refuse, show};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "applications/index.html")]
struct Index {
    shell: Shell,
    may_create: bool,
    applications: Vec<Row>,
}

struct Row {
    id: ApplicationId,
    name: String,
    description: String,
    owner: String,
    is_own: bool,
    status: String,
    status_tone: &'static str,
    subscriptions: i64,
}

impl Row {
    fn new(reached: Reached) -> Self {
        let is_own = manage::may_change(&reached);
        let application = reached.application;
        let (status, status_tone) = frame::status(&application.status);
        Self {
            id: application.id,
            name: application.name,
            description: application.description,
            owner: application.owner_email,
            is_own,
            status,
            status_tone,
            subscriptions: application.subscriptions,
        }
    }

    fn tile(&self) -> &'static str {
        frame::tile(self.id)
    }
}

/// Name and description as they were typed.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct ApplicationForm {
    /// The name.
    #[serde(default)]
    pub name: String,
    /// The description.
    #[serde(default)]
    pub description: String,
}

#[derive(Template)]
#[template(path = "applications/new.html")]
struct New {
    shell: Shell,
    form: ApplicationForm,
    wrong: Wrong,
}

/// My Applications.
pub async fn index(State(state): State<PortalState>, shell: Shell, SignedIn(member): SignedIn) -> Result {
    let applications = manage::list(&state.ctx, &member).await?.into_iter().map(Row::new).collect();
    show(&Index { shell, may_create: may_create(&member), applications })
}

/// The form behind + Create.
pub async fn new(shell: Shell, SignedIn(member): SignedIn) -> Result {
    member.developer()?;
    show(&New { shell, form: ApplicationForm::default(), wrong: Wrong::default() })
}

/// Creates it and goes to its overview.
pub async fn create(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    Fields(form): Fields<ApplicationForm>,
) -> Result {
    match outcome(manage::create(&state.ctx, &member, &form.name, &form.description).await)? {
        Outcome::Done(application) => redirect(&urls::application(application.id)),
        Outcome::Wrong(wrong) => refuse(&New { shell, form, wrong }),
    }
}

fn may_create(member: &Member) -> bool {
    member.developer().is_ok()
}
