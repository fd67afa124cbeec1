//! Approvals: what waits for the viewer over all of their APIs, and approving it.

use crate::base::error::Error;
use crate::base::id::SubscriptionId;
use crate::domain::accounts::model::ADMIN;
use crate::domain::accounts::role_requests::{self, RoleRequest};
use crate::domain::subscriptions::approvals::{self, PAGE, Request};
use crate::domain::subscriptions::decide;
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::Fields;
use crate::web::page::{Shell, redirect_with, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::{Query, State};

#[derive(Template)]
#[template(path = "subscriptions/approvals.html")]
struct ApprovalsPage {
    shell: Shell,
    /// Who asks for production, for administrators.
    people: Vec<RoleRequest>,
    is_administrator: bool,
    requests: Vec<Request>,
    total: i64,
    /// The pages before and after; empty where there is none.
    newer: String,
    older: String,
}

impl ApprovalsPage {
    /// Whether only the first people are shown.
    fn has_more_people(&self) -> bool {
        i64::try_from(self.people.len()).is_ok_and(|shown| shown >= role_requests::SHOWN)
    }

    fn counted(&self) -> String {
        words::counted(self.total, "request")
    }

    /// For `subscriptions/_requests.html`.
    fn list() -> List {
        List::All
    }
}

/// From which list somebody decides, and so where they return to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "String")]
pub enum List {
    /// The API's subscribers.
    #[default]
    Api,
    /// That of all APIs.
    All,
}

impl From<String> for List {
    /// Anything else is the API's: where one returns to is no reason to refuse.
    fn from(text: String) -> Self {
        if text == Self::All.as_str() { Self::All } else { Self::Api }
    }
}

impl List {
    /// As in URLs and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::All => "all",
        }
    }

    /// The list, of an API.
    pub fn url(self, api: &str, major: u16) -> String {
        match self {
            Self::Api => urls::api_subscribers(api, major),
            Self::All => urls::approvals(),
        }
    }
}

/// Which page.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    /// What is no number is the first page.
    #[serde(default)]
    page: String,
}

/// What the page showed when somebody decided.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Seen {
    #[serde(default)]
    plan: String,
    #[serde(default)]
    list: List,
}

/// The list. Whoever looks after nothing has none.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    Query(asked): Query<Asked>,
) -> Result {
    if shell.duty.is_none() {
        return Err(Error::NotFound.into());
    }
    let is_administrator = member.has(ADMIN);
    let people = if is_administrator { role_requests::waiting(&state.ctx, &member).await? } else { Vec::new() };
    let found = approvals::list(&state.ctx, &member, asked.page.parse().unwrap_or(1)).await?;
    show(&ApprovalsPage {
        newer: if found.page > 1 { urls::approvals_page(found.page - 1) } else { String::new() },
        older: if found.page * PAGE < found.total { urls::approvals_page(found.page + 1) } else { String::new() },
        shell,
        people,
        is_administrator,
        requests: found.rows,
        total: found.total,
    })
}

/// Approves a subscription, or another plan for one.
pub async fn approve(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
    Fields(seen): Fields<Seen>,
) -> Result {
    let before = decide::get(&state.ctx, &member, id).await?;
    let flash = match decide::approve(&state.ctx, &member, id, &seen.plan).await {
        Ok(_) => Flash::RequestApproved,
        Err(Error::Conflict(_)) => Flash::RequestMoved,
        Err(other) => return Err(other.into()),
    };
    redirect_with(&state, &seen.list.url(&before.api_name, before.major), flash)
}
