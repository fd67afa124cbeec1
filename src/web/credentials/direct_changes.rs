//! What is done to credentials directly on an API: a new secret, the end of the old one, deletion, an application of them.

use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::domain::accounts::model::Member;
use crate::domain::credentials::client_model::Client;
use crate::domain::credentials::{access, direct};
use crate::web::catalog::frame::Frame;
use crate::web::credentials::api_keys::{Place, frame};
use crate::web::credentials::direct::{at, issued};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::State;
use time::OffsetDateTime;

#[derive(Template)]
#[template(path = "credentials/direct_regeneration.html")]
struct Regeneration {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    hint: String,
    grace_runs: bool,
}

#[derive(Template)]
#[template(path = "credentials/direct_deletion.html")]
struct Deletion {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    consumer_key: String,
    last_used_at: Option<OffsetDateTime>,
}

#[derive(Template)]
#[template(path = "credentials/direct_conversion.html")]
struct Conversion {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    /// Whether there are credentials in both environments.
    has_both: bool,
    name: String,
    wrong: Wrong,
}

/// What the application shall be called.
#[derive(Debug, Default, serde::Deserialize)]
pub struct ConversionForm {
    #[serde(default)]
    name: String,
}

/// What a new secret would do.
pub async fn ask_regeneration(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(place): At<Place>,
) -> Result {
    let (frame, client) = found(&state, &member, &place).await?;
    access::check(&member, place.2)?;
    let grace_runs = client.grace_until(shell.now).is_some();
    show(&Regeneration { shell, frame, environment: place.2, hint: client.secret_hint, grace_runs })
}

/// Makes it; the answer shows it once.
pub async fn regenerate(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(place): At<Place>,
) -> Result {
    let made = direct::new_secret(&state.ctx, &member, at(&place)).await?;
    issued(&state, shell, &member, &place, made).await
}

/// Ends the old secret's hour.
pub async fn end_old(State(state): State<PortalState>, SignedIn(member): SignedIn, At(place): At<Place>) -> Result {
    direct::end_old_secret(&state.ctx, &member, at(&place)).await?;
    redirect_with(&state, &pane(&place), Flash::OldSecretEnded)
}

/// What deleting would do.
pub async fn ask_deletion(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(place): At<Place>,
) -> Result {
    let (frame, client) = found(&state, &member, &place).await?;
    let Client { id: consumer_key, last_used_at, .. } = client;
    show(&Deletion { shell, frame, environment: place.2, consumer_key, last_used_at })
}

/// Does it.
pub async fn delete(State(state): State<PortalState>, SignedIn(member): SignedIn, At(place): At<Place>) -> Result {
    direct::delete(&state.ctx, &member, at(&place)).await?;
    redirect_with(&state, &pane(&place), Flash::ClientDeleted)
}

/// What an application of them would be.
pub async fn ask_conversion(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(place): At<Place>,
) -> Result {
    let (name, wrong) = (String::new(), Wrong::default());
    show(&conversion(&state, shell, &member, &place, (name, wrong)).await?)
}

/// Makes it, and goes to its credentials.
pub async fn convert(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(place): At<Place>,
    Fields(form): Fields<ConversionForm>,
) -> Result {
    let (api, major, environment) = at(&place);
    match outcome(direct::convert(&state.ctx, &member, (api, major), &form.name).await)? {
        Outcome::Done(made) => redirect_with(&state, &urls::credentials(made.id, environment), Flash::Converted),
        Outcome::Wrong(wrong) => refuse(&conversion(&state, shell, &member, &place, (form.name, wrong)).await?),
    }
}

async fn conversion(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    place: &Place,
    (name, wrong): (String, Wrong),
) -> Result<Conversion> {
    let (frame, client) = found(state, member, place).await?;
    let mut has_both = true;
    for environment in Environment::ALL.into_iter().filter(|other| *other != client.environment) {
        has_both &= direct::get(&state.ctx, member, &frame.version, environment).await?.client.is_some();
    }
    Ok(Conversion { shell, frame, environment: place.2, has_both, name, wrong })
}

/// The client there, or not found.
async fn found(state: &PortalState, member: &Member, place: &Place) -> Result<(Frame, Client)> {
    let frame = frame(state, member, place).await?;
    let client = direct::get(&state.ctx, member, &frame.version, place.2).await?.client.ok_or(Error::NotFound)?;
    Ok((frame, client))
}

fn pane(place: &Place) -> String {
    urls::api_keys(&place.0, place.1.0, place.2)
}
