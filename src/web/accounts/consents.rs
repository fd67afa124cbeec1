//! Taking back what one has let an application do.

use crate::domain::oauth::authorize::consents::{self, LetIn};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::page::{self, Shell};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "accounts/consent_deletion.html")]
struct ConsentDeletionPage {
    shell: Shell,
    one: LetIn,
}

/// Says what will stop.
pub async fn ask_deletion(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At(client): At<String>,
    shell: Shell,
) -> Result {
    let one = consents::find(&state.ctx, &state.issuer, &member, &client).await?;
    page::show(&ConsentDeletionPage { shell, one })
}

/// Takes it back.
pub async fn delete(State(state): State<PortalState>, SignedIn(member): SignedIn, At(client): At<String>) -> Result {
    consents::revoke(&state.ctx, &state.issuer, &member, &client).await?;
    page::redirect_with(&state, &urls::account(), Flash::ConsentRevoked)
}
