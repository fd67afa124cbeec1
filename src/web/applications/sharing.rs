//! Share Application: who reads it, adding people, taking it back.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::Member;
use crate::domain::applications::sharing::{self, Reader};
use crate::web::applications::frame::{Frame, Tab};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Pairs, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "applications/sharing.html")]
struct Sharing {
    shell: Shell,
    frame: Frame,
    readers: Vec<Reader>,
    /// The addresses as they were typed, when they were refused.
    typed: String,
    wrong: Wrong,
}

/// Whom to take it back from.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Removal {
    #[serde(default)]
    email: String,
}

/// The page.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
) -> Result {
    show(&page(&state, shell, &member, id).await?)
}

/// Confirm: shares it.
pub async fn add(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    fields: Pairs,
) -> Result {
    let typed = fields.all("emails").collect::<Vec<_>>().join(", ");
    match outcome(sharing::add(&state.ctx, &member, id, &typed).await)? {
        Outcome::Done(_) => redirect_with(&state, &urls::application(id), Flash::ApplicationShared),
        Outcome::Wrong(wrong) => refuse(&Sharing { typed, wrong, ..page(&state, shell, &member, id).await? }),
    }
}

/// Takes it back from one person.
pub async fn remove(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    Fields(removal): Fields<Removal>,
) -> Result {
    sharing::remove(&state.ctx, &member, id, &removal.email).await?;
    redirect_with(&state, &urls::sharing(id), Flash::ShareRemoved)
}

async fn page(state: &PortalState, shell: Shell, member: &Member, id: ApplicationId) -> Result<Sharing> {
    let (reached, readers) = sharing::readers(&state.ctx, member, id).await?;
    let frame = Frame::new(&reached, Tab::Overview);
    Ok(Sharing { shell, frame, readers, typed: String::new(), wrong: Wrong::default() })
}
