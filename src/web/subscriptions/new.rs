//! Add APIs: the catalogue as rows, each with a plan and an Add button.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId};
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::manage;
use crate::domain::catalog::browse::{self, Search};
use crate::domain::catalog::model::MajorVersion;
use crate::domain::subscriptions::model::Plan;
use crate::domain::subscriptions::{plans, subscribe};
use crate::web::applications::frame::{Frame, Tab};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{urls, words};
use askama::Template;
use axum::extract::{Query, State};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Rows on the page at most; the search finds the others.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "subscriptions/new.html")]
struct New {
    shell: Shell,
    frame: Frame,
    q: String,
    rows: Vec<Row>,
    more: bool,
    wrong: Wrong,
}

struct Row {
    name: String,
    title: String,
    summary: String,
    major: u16,
    latest: String,
    added: bool,
    plans: Vec<Choice>,
}

#[derive(Clone)]
struct Choice {
    name: String,
    label: String,
}

impl New {
    /// Why there is no row.
    fn nothing(&self) -> String {
        if self.q.is_empty() {
            "There is no API to add".to_owned()
        } else {
            format!("Nothing matches “{}”", self.q)
        }
    }
}

/// What was searched for.
#[derive(Debug, serde::Deserialize)]
pub struct Asked {
    /// Words.
    #[serde(default)]
    pub q: String,
}

/// The form of one row.
#[derive(Debug, serde::Deserialize)]
pub struct AddForm {
    /// The API's name in URLs.
    #[serde(default)]
    pub api: String,
    /// Its major version.
    #[serde(default)]
    pub major: String,
    /// The plan's name.
    #[serde(default)]
    pub plan: String,
    /// What was searched for, to return to the same list.
    #[serde(default)]
    pub q: String,
}

/// The list.
pub async fn new(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    Query(asked): Query<Asked>,
) -> Result {
    show(&page(&state, shell, &member, id, asked.q).await?)
}

/// Adds one API and returns to the list, where its row says so.
pub async fn add(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    Fields(form): Fields<AddForm>,
) -> Result {
    // A major that is no number names no version; `browse::major` then finds none.
    let major = form.major.parse().unwrap_or(u16::MAX);
    match outcome(subscribe::add(&state.ctx, &member, id, (&form.api, major), &form.plan).await)? {
        Outcome::Done(_) => {
            redirect_with(&state, &urls::new_subscription_matching(id, &form.q), Flash::SubscriptionAdded)
        }
        Outcome::Wrong(wrong) => refuse(&New { wrong, ..page(&state, shell, &member, id, form.q).await? }),
    }
}

async fn page(state: &PortalState, shell: Shell, member: &Member, id: ApplicationId, q: String) -> Result<New> {
    let reached = manage::get(&state.ctx, member, id).await?;
    reached.clone().for_change()?;
    let search = Search { text: q.clone(), tag: None };
    let found = browse::search(&state.ctx, &Viewer::Member(member.clone()), &search).await?;
    let open: Vec<MajorVersion> = found.into_iter().filter(MajorVersion::takes_subscriptions).collect();
    let there = subscribe::of_application(&state.ctx, member, id).await?;
    let more = open.len() > ROWS;
    let mut offers: BTreeMap<ApiId, Vec<Choice>> = BTreeMap::new();
    let mut rows = Vec::new();
    for version in open.into_iter().take(ROWS) {
        let api = version.api.id;
        let offer = match offers.entry(api) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => {
                free.insert(plans::of_api(&state.ctx, api).await?.iter().map(Choice::from).collect())
            }
        };
        let latest = version.current().map(|v| v.version.to_string()).unwrap_or_default();
        rows.push(Row {
            added: there.iter().any(|s| (s.api, s.major) == (api, version.major)),
            plans: offer.clone(),
            name: version.api.name,
            title: version.api.title,
            summary: version.api.summary,
            major: version.major,
            latest,
        });
    }
    Ok(New { shell, frame: Frame::new(&reached, Tab::Subscriptions), q, rows, more, wrong: Wrong::default() })
}

impl From<&Plan> for Choice {
    fn from(plan: &Plan) -> Self {
        Self { name: plan.name.clone(), label: format!("{}, {}", plan.title, words::allowance(plan).to_lowercase()) }
    }
}
