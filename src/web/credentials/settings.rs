//! Advanced configurations of an application's client: the form and what becomes of it.

use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::credentials::client_model::Client;
use crate::domain::credentials::{access, clients, settings};
use crate::web::applications::frame::{Frame, Tab};
use crate::web::credentials::settings_form::{self, SettingsForm};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Outcome, Pairs, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::State;

type Place = (ApplicationId, Environment);

#[derive(Template)]
#[template(path = "credentials/settings.html")]
struct Settings {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    form: SettingsForm,
    wrong: Wrong,
}

/// The form, filled with what is stored.
pub async fn edit(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(at): At<Place>,
) -> Result {
    let (frame, client) = changeable(&state, &member, at).await?;
    access::check(&member, at.1)?;
    let apis = clients::subscribed(&state.ctx, &member, at.0).await?;
    let form = SettingsForm::of(&client.settings, apis, state.issuer.legacy());
    show(&Settings { shell, frame, environment: at.1, form, wrong: Wrong::default() })
}

/// Stores it.
pub async fn save(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(at): At<Place>,
    fields: Pairs,
) -> Result {
    let legacy = state.issuer.legacy();
    let wanted = settings_form::settings(&fields);
    match outcome(settings::save(&state.ctx, &member, at, wanted, legacy).await)? {
        Outcome::Done(_) => redirect_with(&state, &urls::credentials(at.0, at.1), Flash::ClientSaved),
        Outcome::Wrong(wrong) => {
            let (frame, _) = changeable(&state, &member, at).await?;
            let apis = clients::subscribed(&state.ctx, &member, at.0).await?;
            let form = SettingsForm::typed(fields, apis, legacy);
            refuse(&Settings { shell, frame, environment: at.1, form, wrong })
        }
    }
}

/// The frame around a client that the member may change.
pub(super) async fn changeable(state: &PortalState, member: &Member, at: Place) -> Result<(Frame, Client)> {
    let reached = manage::get(&state.ctx, member, at.0).await?;
    reached.clone().for_change()?;
    let client = clients::get(&state.ctx, member, at.0, at.1).await?.ok_or(Error::NotFound)?;
    Ok((Frame::new(&reached, Tab::Credentials(at.1)), client))
}
