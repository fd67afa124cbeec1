//! Request production access: whoever lacks the role asks, and an administrator grants it or says why not.

use crate::base::error::Error;
use crate::base::id::UserId;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::role_requests::{self, Standing};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{self, Shell};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{urls, words};
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "accounts/production.html")]
struct ProductionPage {
    shell: Shell,
    locked: Locked,
    note: String,
    wrong: Wrong,
}

#[derive(Template)]
#[template(path = "accounts/production_rejection.html")]
struct RejectionPage {
    shell: Shell,
    user: UserId,
    name: String,
    reason: String,
    wrong: Wrong,
}

/// Where the viewer's request for production stands; for `accounts/_locked.html`.
pub(crate) struct Locked(Option<Standing>);

impl Locked {
    /// Of a member who lacks the role, or of anybody.
    pub(crate) async fn of(state: &PortalState, member: &Member) -> Result<Self> {
        Ok(Self(role_requests::of(&state.ctx, member).await?))
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.0, Some(Standing::Open(_)))
    }

    /// `Requested on 24 November 2026. …`, `Rejected: …`; empty where nothing was asked.
    pub(crate) fn text(&self) -> String {
        match &self.0 {
            None => String::new(),
            Some(Standing::Open(at)) => {
                format!("Requested on {}. An administrator decides, and a letter tells you.", words::day(at.date()))
            }
            Some(Standing::Rejected(reason)) if reason.is_empty() => "Your request was rejected.".to_owned(),
            Some(Standing::Rejected(reason)) => format!("Rejected: {reason}"),
        }
    }

    /// The link to the form; empty while a request waits.
    pub(crate) fn action(&self) -> &'static str {
        match &self.0 {
            None => "Request production access",
            Some(Standing::Open(_)) => "",
            Some(Standing::Rejected(_)) => "Request again",
        }
    }
}

/// What whoever asks says.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    note: String,
}

/// Why not.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Rejected {
    #[serde(default)]
    reason: String,
}

/// The form. Whoever may hold production credentials has no need of it.
pub async fn show(State(state): State<PortalState>, SignedIn(member): SignedIn, shell: Shell) -> Result {
    if member.may_hold_production() {
        return page::redirect(&urls::account());
    }
    let locked = Locked::of(&state, &member).await?;
    page::show(&ProductionPage { shell, locked, note: String::new(), wrong: Wrong::default() })
}

/// Asks.
pub async fn ask(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    shell: Shell,
    Fields(Asked { note }): Fields<Asked>,
) -> Result {
    if member.may_hold_production() {
        return page::redirect(&urls::account());
    }
    match outcome(role_requests::ask(&state.ctx, &member, &note).await)? {
        Outcome::Done(()) => page::redirect_with(&state, &urls::account(), Flash::ProductionRequested),
        Outcome::Wrong(wrong) => {
            let locked = Locked::of(&state, &member).await?;
            page::refuse(&ProductionPage { shell, locked, note, wrong })
        }
    }
}

/// Grants it.
pub async fn approve(State(state): State<PortalState>, SignedIn(member): SignedIn, At(user): At<UserId>) -> Result {
    let flash = match role_requests::approve(&state.ctx, &member, user).await {
        Ok(()) => Flash::RequestApproved,
        Err(Error::Conflict(_)) => Flash::RequestMoved,
        Err(other) => return Err(other.into()),
    };
    page::redirect_with(&state, &urls::approvals(), flash)
}

/// The form to reject it.
pub async fn ask_rejection(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    shell: Shell,
    At(user): At<UserId>,
) -> Result {
    let name = role_requests::get(&state.ctx, &member, user).await?.name;
    page::show(&RejectionPage { shell, user, name, reason: String::new(), wrong: Wrong::default() })
}

/// Rejects it.
pub async fn reject(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    shell: Shell,
    At(user): At<UserId>,
    Fields(Rejected { reason }): Fields<Rejected>,
) -> Result {
    match outcome(role_requests::reject(&state.ctx, &member, user, &reason).await)? {
        Outcome::Done(()) => page::redirect_with(&state, &urls::approvals(), Flash::RequestRejected),
        Outcome::Wrong(wrong) if wrong.of("reason").is_empty() => {
            page::redirect_with(&state, &urls::approvals(), Flash::RequestMoved)
        }
        Outcome::Wrong(wrong) => {
            let name = role_requests::get(&state.ctx, &member, user).await?.name;
            page::refuse(&RejectionPage { shell, user, name, reason, wrong })
        }
    }
}
