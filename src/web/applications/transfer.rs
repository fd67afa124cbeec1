//! Transfer ownership: who shall have it, what that means, and doing it.

use crate::base::id::ApplicationId;
use crate::domain::accounts::model::Member;
use crate::domain::applications::model::Application;
use crate::domain::applications::transfer::{self, Former, Giver};
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

/// What was filled in.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Typed {
    #[serde(default)]
    email: String,
    /// Whether the former owner goes on reading; empty: no.
    #[serde(default)]
    stay: String,
    /// Whether what it means was read and agreed to; empty: not yet.
    #[serde(default)]
    confirm: String,
}

impl Typed {
    fn former(&self) -> Former {
        if self.stay.is_empty() { Former::Leaves } else { Former::Reads }
    }
}

/// The application, as both pages show it.
struct Given {
    id: ApplicationId,
    name: String,
    owner: String,
    is_own: bool,
    /// Where one came from: what it is called and its address.
    up: (&'static str, String),
}

impl Given {
    fn new(application: &Application, giver: Giver) -> Self {
        let is_own = giver == Giver::Owner;
        Self {
            id: application.id,
            name: application.name.clone(),
            owner: application.owner_email.clone(),
            is_own,
            up: if is_own {
                ("My Applications", urls::applications())
            } else {
                ("People", urls::people_matching(&application.owner_email, ""))
            },
        }
    }

    /// The page that one returns to.
    fn back(&self, application: &Application) -> String {
        if self.is_own { urls::application(application.id) } else { urls::person_applications(application.owner) }
    }
}

#[derive(Template)]
#[template(path = "applications/transfer.html")]
struct Question {
    shell: Shell,
    given: Given,
    back: String,
    email: String,
    former: Former,
    wrong: Wrong,
}

#[derive(Template)]
#[template(path = "applications/transfer_confirmation.html")]
struct Confirmation {
    shell: Shell,
    given: Given,
    heir: Member,
    former: Former,
}

/// Who shall have it.
pub async fn ask(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
) -> Result {
    let (application, giver) = transfer::giveable(&state.ctx, &member, id).await?;
    show(&Question::new(shell, (&application, giver), &Typed { stay: "on".to_owned(), ..Typed::default() }))
}

/// Says what it means; does it once that was agreed to.
pub async fn give(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    Fields(typed): Fields<Typed>,
) -> Result {
    let (application, giver) = transfer::giveable(&state.ctx, &member, id).await?;
    let former = typed.former();
    if typed.confirm.is_empty() {
        return match outcome(transfer::heir(&state.ctx, &member, id, &typed.email).await)? {
            Outcome::Done((application, giver, heir)) => {
                show(&Confirmation { shell, given: Given::new(&application, giver), heir, former })
            }
            Outcome::Wrong(wrong) => refuse(&Question { wrong, ..Question::new(shell, (&application, giver), &typed) }),
        };
    }
    match outcome(transfer::give(&state.ctx, &member, id, &typed.email, former).await)? {
        Outcome::Done(heir) => {
            let next = match (giver, former) {
                (Giver::Administrator, _) if heir.id != member.id => urls::person_applications(application.owner),
                (Giver::Owner, Former::Leaves) => urls::applications(),
                _ => urls::application(id),
            };
            redirect_with(&state, &next, Flash::ApplicationTransferred)
        }
        Outcome::Wrong(wrong) => refuse(&Question { wrong, ..Question::new(shell, (&application, giver), &typed) }),
    }
}

impl Question {
    fn new(shell: Shell, (application, giver): (&Application, Giver), typed: &Typed) -> Self {
        let about = Given::new(application, giver);
        let (email, former) = (typed.email.chars().take(320).collect(), typed.former());
        Self { shell, back: about.back(application), given: about, email, former, wrong: Wrong::default() }
    }
}
