//! My Applications, and creating one.

use crate::base::id::ApplicationId;
use crate::domain::accounts::model::Member;
use crate::domain::applications::list::{self, SHOWN, Search, Sort};
use crate::domain::applications::manage;
use crate::domain::applications::model::Reached;
use crate::web::applications::frame;
use crate::web::error::Result;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect, refuse, show};
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls};
use askama::Template;
use axum::extract::{Query, State};
use time::OffsetDateTime;

#[derive(Template)]
#[template(path = "applications/index.html")]
struct Index {
    shell: Shell,
    may_create: bool,
    applications: Vec<Row>,
    /// A part of the name that is looked for.
    q: String,
    sort: Sort,
    /// `26–50 of 112`; empty where one page has all.
    part: String,
    previous: String,
    next: String,
}

/// The question in the address.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    page: String,
}

impl Index {
    /// The orders: value, words, whether it is this one.
    fn sorts(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        Sort::ALL.into_iter().map(|sort| {
            let words = match sort {
                Sort::Name => "By name",
                Sort::Newest => "Newest first",
                Sort::Oldest => "Oldest first",
                Sort::Subscriptions => "Most subscriptions",
            };
            (sort.as_str(), words, sort == self.sort)
        })
    }

    /// Whether the member has no application at all.
    fn has_none(&self) -> bool {
        self.applications.is_empty() && self.q.is_empty() && self.previous.is_empty()
    }

    fn nothing(&self) -> String {
        if self.q.is_empty() { "This page is empty".to_owned() } else { format!("No name contains “{}”", self.q) }
    }
}

struct Row {
    id: ApplicationId,
    name: String,
    description: String,
    owner: String,
    is_own: bool,
    status: String,
    status_tone: &'static str,
    subscriptions: i64,
    /// `Shared with 4`; empty where nobody reads it.
    shared: String,
    created_at: OffsetDateTime,
}

impl Row {
    fn new(reached: Reached) -> Self {
        let is_own = manage::may_change(&reached);
        let application = reached.application;
        let (status, status_tone) = frame::status(&application.status);
        Self {
            id: application.id,
            name: application.name,
            description: application.description,
            owner: application.owner_email,
            is_own,
            status,
            status_tone,
            subscriptions: application.subscriptions,
            shared: match application.shared_with.len() {
                readers if is_own && readers > 0 => format!("Shared with {readers}"),
                _ => String::new(),
            },
            created_at: application.created_at,
        }
    }

    fn tile(&self) -> &'static str {
        frame::tile(self.id)
    }
}

/// Name and description as they were typed.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct ApplicationForm {
    /// The name.
    #[serde(default)]
    pub name: String,
    /// The description.
    #[serde(default)]
    pub description: String,
}

#[derive(Template)]
#[template(path = "applications/new.html")]
struct New {
    shell: Shell,
    form: ApplicationForm,
    wrong: Wrong,
}

/// My Applications.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    Query(asked): Query<Asked>,
) -> Result {
    let (q, sort) = (asked.q.trim().to_owned(), Sort::parse(&asked.sort));
    let page = asked.page.parse::<u32>().unwrap_or(1).clamp(1, list::LAST_PAGE);
    let found = list::search(&state.ctx, &member, &Search { text: q.clone(), sort, page }).await?;
    let applications: Vec<Row> = found.applications.into_iter().map(Row::new).collect();
    let skipped = i64::from(page - 1) * i64::from(SHOWN);
    let end = skipped + i64::try_from(applications.len()).unwrap_or(0);
    let chosen = if sort == Sort::default() { "" } else { sort.as_str() };
    let url = |is_there: bool, page: u32| {
        if is_there { urls::applications_matching(&q, chosen, page) } else { String::new() }
    };
    show(&Index {
        shell,
        may_create: may_create(&member),
        part: match (found.found, end) {
            (all, end) if all > i64::from(SHOWN) && end > skipped => {
                format!("{}–{} of {}", filters::grouped(skipped + 1), filters::grouped(end), filters::grouped(all))
            }
            _ => String::new(),
        },
        previous: url(page > 1, page - 1),
        next: url(end < found.found && !applications.is_empty(), page + 1),
        applications,
        q,
        sort,
    })
}

/// The form behind + Create.
pub async fn new(shell: Shell, SignedIn(member): SignedIn) -> Result {
    member.developer()?;
    show(&New { shell, form: ApplicationForm::default(), wrong: Wrong::default() })
}

/// Creates it and goes to its overview.
pub async fn create(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    Fields(form): Fields<ApplicationForm>,
) -> Result {
    match outcome(manage::create(&state.ctx, &member, &form.name, &form.description).await)? {
        Outcome::Done(application) => redirect(&urls::application(application.id)),
        Outcome::Wrong(wrong) => refuse(&New { shell, form, wrong }),
    }
}

fn may_create(member: &Member) -> bool {
    member.developer().is_ok()
}
