//! What is done to an application's client: a new secret, the end of the old one or of every token, deletion.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::credentials::client_model::Client;
use crate::domain::credentials::{access, clients};
use crate::domain::oauth::revocations;
use crate::web::applications::frame::Frame;
use crate::web::credentials::client::issued;
use crate::web::credentials::settings::changeable;
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::page::{Shell, redirect_with, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::State;
use time::OffsetDateTime;

type Place = (ApplicationId, Environment);

#[derive(Template)]
#[template(path = "credentials/secret_regeneration.html")]
struct Regeneration {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    hint: String,
    grace_runs: bool,
}

#[derive(Template)]
#[template(path = "credentials/tokens_revocation.html")]
struct TokensRevocation {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    consumer_key: String,
}

#[derive(Template)]
#[template(path = "credentials/client_deletion.html")]
struct Deletion {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    consumer_key: String,
    last_used_at: Option<OffsetDateTime>,
}

/// What a new secret would do.
pub async fn ask_regeneration(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(at): At<Place>,
) -> Result {
    access::check(&member, at.1)?;
    let (frame, client) = changeable(&state, &member, at).await?;
    let grace_runs = client.grace_until(shell.now).is_some();
    show(&Regeneration { shell, frame, environment: at.1, hint: client.secret_hint, grace_runs })
}

/// Makes it; the answer shows it once.
pub async fn regenerate(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At((id, environment)): At<Place>,
) -> Result {
    let made = clients::new_secret(&state.ctx, &member, id, environment).await?;
    issued(&state, shell, &member, made).await
}

/// Ends the old secret's hour.
pub async fn end_old(State(state): State<PortalState>, SignedIn(member): SignedIn, At(at): At<Place>) -> Result {
    clients::end_old_secret(&state.ctx, &member, at.0, at.1).await?;
    redirect_with(&state, &urls::credentials(at.0, at.1), Flash::OldSecretEnded)
}

/// What revoking every token would do.
pub async fn ask_tokens_revocation(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(at): At<Place>,
) -> Result {
    let (frame, client) = changeable(&state, &member, at).await?;
    show(&TokensRevocation { shell, frame, environment: at.1, consumer_key: client.id })
}

/// Does it.
pub async fn revoke_tokens(State(state): State<PortalState>, SignedIn(member): SignedIn, At(at): At<Place>) -> Result {
    revocations::of_client(&state.ctx, &member, at.0, at.1).await?;
    redirect_with(&state, &urls::credentials(at.0, at.1), Flash::TokensRevoked)
}

/// What deleting would do.
pub async fn ask_deletion(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(at): At<Place>,
) -> Result {
    let (frame, client) = changeable(&state, &member, at).await?;
    let Client { id: consumer_key, last_used_at, .. } = client;
    show(&Deletion { shell, frame, environment: at.1, consumer_key, last_used_at })
}

/// Does it.
pub async fn delete(State(state): State<PortalState>, SignedIn(member): SignedIn, At(at): At<Place>) -> Result {
    clients::delete(&state.ctx, &member, at.0, at.1).await?;
    redirect_with(&state, &urls::credentials(at.0, at.1), Flash::ClientDeleted)
}
