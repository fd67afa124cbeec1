//! Editing an application's name and description.

use crate::base::id::ApplicationId;
use crate::domain::applications::manage;
use crate::web::applications::list::ApplicationForm;
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "applications/details.html")]
struct Details {
    shell: Shell,
    id: ApplicationId,
    /// As it is now, whatever was typed.
    name: String,
    form: ApplicationForm,
    wrong: Wrong,
}

/// The form.
pub async fn edit(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
) -> Result {
    let application = manage::get(&state.ctx, &member, id).await?.for_change()?;
    let form = ApplicationForm { name: application.name.clone(), description: application.description };
    show(&Details { shell, id, name: application.name, form, wrong: Wrong::default() })
}

/// Saves it.
pub async fn save(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    Fields(form): Fields<ApplicationForm>,
) -> Result {
    let name = manage::get(&state.ctx, &member, id).await?.for_change()?.name;
    match outcome(manage::edit(&state.ctx, &member, id, &form.name, &form.description).await)? {
        Outcome::Done(_) => redirect_with(&state, &urls::application(id), Flash::ApplicationSaved),
        Outcome::Wrong(wrong) => refuse(&Details { shell, id, name, form, wrong }),
    }
}
