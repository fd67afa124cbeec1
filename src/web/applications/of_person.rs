//! What a person owns, for administrators: to give it to somebody else when the person has left.

use crate::base::id::UserId;
use crate::domain::accounts::access::State as Standing;
use crate::domain::applications::model::Application;
use crate::domain::applications::transfer;
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "applications/of_person.html")]
struct OfPerson {
    shell: Shell,
    name: String,
    email: String,
    is_disabled: bool,
    applications: Vec<Application>,
}

/// The list.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<UserId>,
) -> Result {
    let (person, applications) = transfer::of_person(&state.ctx, &member, id).await?;
    show(&OfPerson {
        shell,
        name: person.member.name,
        email: person.member.email.to_string(),
        is_disabled: person.state == Standing::Disabled,
        applications,
    })
}
