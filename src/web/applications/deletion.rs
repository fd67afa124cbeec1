//! Deleting an application: what dies with it is said first, and its name is typed.

use crate::base::error::{self, Error};
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::applications::model::Consequences;
use crate::domain::usage::report;
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{urls, words};
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "applications/deletion.html")]
struct Deletion {
    shell: Shell,
    id: ApplicationId,
    name: String,
    losses: String,
    /// `1,284 calls`, in the last day; empty when there was none.
    in_use: String,
    wrong: Wrong,
}

/// A name typed to confirm.
#[derive(Debug, serde::Deserialize)]
pub struct Confirmation {
    /// What was typed.
    #[serde(default)]
    pub confirm: String,
}

impl Confirmation {
    /// Refuses any other name than this one.
    pub fn check(&self, name: &str) -> error::Result<()> {
        if self.confirm.trim() == name {
            return Ok(());
        }
        Err(Error::field("confirm", format!("Type {name} exactly as it is written here.")))
    }
}

/// What would happen.
pub async fn ask(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
) -> Result {
    let application = manage::get(&state.ctx, &member, id).await?.for_change()?;
    let losses = losses(manage::consequences(&state.ctx, &member, id).await?);
    let in_use = in_use(&state, &member, id).await?;
    show(&Deletion { shell, id, name: application.name, losses, in_use, wrong: Wrong::default() })
}

/// Does it.
pub async fn delete(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    Fields(confirmation): Fields<Confirmation>,
) -> Result {
    let name = manage::get(&state.ctx, &member, id).await?.for_change()?.name;
    let losses = losses(manage::consequences(&state.ctx, &member, id).await?);
    let answer = match confirmation.check(&name) {
        Ok(()) => manage::delete(&state.ctx, &member, id).await,
        Err(error) => Err(error),
    };
    match outcome(answer)? {
        Outcome::Done(()) => redirect_with(&state, &urls::applications(), Flash::ApplicationDeleted),
        Outcome::Wrong(wrong) => {
            let in_use = in_use(&state, &member, id).await?;
            refuse(&Deletion { shell, id, name, losses, in_use, wrong })
        }
    }
}

async fn in_use(state: &PortalState, member: &Member, id: ApplicationId) -> Result<String> {
    let calls = report::of_last_day(&state.ctx, member, id).await?;
    Ok(if calls > 0 { words::counted(i64::try_from(calls).unwrap_or(i64::MAX), "call") } else { String::new() })
}

fn losses(consequences: Consequences) -> String {
    let Consequences { subscriptions, api_keys, clients } = consequences;
    let parts: Vec<String> = [(subscriptions, "subscription"), (api_keys, "API key"), (clients, "OAuth client")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| words::counted(count, noun))
        .collect();
    if parts.is_empty() {
        "It has no subscriptions and no keys".to_owned()
    } else {
        format!("{} go with it", words::list(&parts))
    }
}
