//! Add APIs: the catalogue as rows, each with a plan and an Add button; or several at once.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApplicationId};
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::manage;
use crate::domain::catalog::model::Card;
use crate::domain::catalog::search::{self, Openness, Search};
use crate::domain::subscriptions::model::{Approval, Plan, State as Calls};
use crate::domain::subscriptions::subscribe::Wanted;
use crate::domain::subscriptions::{plans, subscribe};
use crate::web::applications::frame::{Frame, Tab};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Outcome, Pairs, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::subscriptions::chip;
use crate::web::viewer::SignedIn;
use crate::web::{urls, words};
use askama::Template;
use axum::extract::{Query, State};
use std::collections::BTreeSet;

/// Rows on the page at most; the search finds the others.
const ROWS: u16 = 50;

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
    /// Name and major, for the form.
    value: String,
    /// Title and major, for people.
    label: String,
    url: String,
    title: String,
    summary: String,
    major: u16,
    latest: String,
    /// That it is there already: what its chip says, and its tone.
    added: Option<(&'static str, &'static str)>,
    ticked: bool,
    plans: Vec<Choice>,
}

struct Choice {
    name: String,
    label: String,
    needs_approval: bool,
    chosen: bool,
}

impl Row {
    fn plan_field(&self) -> String {
        plan_field(&self.value)
    }

    fn may_add(&self) -> bool {
        self.added.is_none() && !self.plans.is_empty()
    }

    /// The plans that need approval, for the script: `plan:pets/1=gold|platinum`; empty when none does.
    fn asking_plans(&self) -> String {
        let asking: Vec<&str> = self.plans.iter().filter(|p| p.needs_approval).map(|p| p.name.as_str()).collect();
        if asking.is_empty() { String::new() } else { format!("{}={}", self.plan_field(), asking.join("|")) }
    }

    /// Whether the plan that is chosen needs approval: the first one when none is.
    fn asks(&self) -> bool {
        let chosen = self.plans.iter().find(|plan| plan.chosen).or(self.plans.first());
        chosen.is_some_and(|plan| plan.needs_approval)
    }

    /// What was typed, when it was refused.
    fn keep(&mut self, fields: &Pairs) {
        self.ticked = fields.all("api").any(|chosen| chosen == self.value);
        let plan = fields.one(&plan_field(&self.value));
        self.plans.iter_mut().for_each(|choice| choice.chosen = choice.name == plan);
    }
}

impl New {
    /// Whether several can be added at once.
    fn has_several(&self) -> bool {
        self.rows.iter().filter(|row| row.may_add()).count() > 1
    }

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

/// Adds the API of the button that was pressed, or those that are ticked, and returns to the list, where their rows say so.
pub async fn add(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
    fields: Pairs,
) -> Result {
    let wanted = wanted(&fields);
    match outcome(subscribe::add_all(&state.ctx, &member, id, &wanted).await)? {
        Outcome::Done(added) => {
            let flash = match (added.len(), added.iter().any(|subscription| subscription.state == Calls::Pending)) {
                (1, false) => Flash::SubscriptionAdded,
                (1, true) => Flash::SubscriptionRequested,
                (_, false) => Flash::SubscriptionsAdded,
                (_, true) => Flash::SubscriptionsRequested,
            };
            redirect_with(&state, &urls::new_subscription_matching(id, fields.one("q")), flash)
        }
        Outcome::Wrong(wrong) => {
            let mut page = page(&state, shell, &member, id, fields.one("q").to_owned()).await?;
            page.rows.iter_mut().for_each(|row| row.keep(&fields));
            refuse(&New { wrong, ..page })
        }
    }
}

/// `only` is the one whose own button was pressed; `api` are those that are ticked. Both are such as `pets/1`, and the plan
/// of each is in a field named after it.
fn wanted(fields: &Pairs) -> Vec<Wanted> {
    let only = Some(fields.one("only")).filter(|only| !only.is_empty());
    let chosen: BTreeSet<&str> = if let Some(only) = only { [only].into() } else { fields.all("api").collect() };
    let parse = |chosen: &str| {
        let (api, major) = chosen.rsplit_once('/').unwrap_or((chosen, ""));
        // A major that is no number names no version; `browse::major` then finds none.
        let (api, major) = (api.to_owned(), major.parse().unwrap_or(u16::MAX));
        Wanted { api, major, plan: fields.one(&plan_field(chosen)).to_owned() }
    };
    chosen.into_iter().map(parse).collect()
}

fn plan_field(chosen: &str) -> String {
    format!("plan:{chosen}")
}

async fn page(state: &PortalState, shell: Shell, member: &Member, id: ApplicationId, q: String) -> Result<New> {
    let reached = manage::get(&state.ctx, member, id).await?;
    reached.clone().for_change()?;
    let search = Search { text: q.clone(), openness: Openness::Open, ..Search::default() };
    let mut found = search::first(&state.ctx, &Viewer::Member(member.clone()), &search, ROWS + 1).await?;
    let more = found.len() > usize::from(ROWS);
    found.truncate(ROWS.into());
    let there = subscribe::of_application(&state.ctx, member, id).await?;
    let apis: BTreeSet<ApiId> = found.iter().map(|card| card.api).collect();
    let offers = plans::of_apis(&state.ctx, &apis.into_iter().collect::<Vec<_>>()).await?;
    let row = |card: Card| Row {
        added: there.iter().find(|s| (s.api, s.major) == (card.api, card.version.major)).map(|s| match s.state {
            Calls::Active => ("Added", "is-ok"),
            other => chip::words(other),
        }),
        plans: offers.get(&card.api).into_iter().flatten().map(Choice::from).collect(),
        latest: card.version.to_string(),
        value: format!("{}/{}", card.name, card.version.major),
        label: format!("{} v{}", card.title, card.version.major),
        url: urls::api(&card.name, card.version.major),
        title: card.title,
        summary: card.summary,
        major: card.version.major,
        ticked: false,
    };
    let rows = found.into_iter().map(row).collect();
    Ok(New { shell, frame: Frame::new(&reached, Tab::Subscriptions), q, rows, more, wrong: Wrong::default() })
}

impl From<&Plan> for Choice {
    fn from(plan: &Plan) -> Self {
        Self {
            name: plan.name.clone(),
            label: format!("{}, {}", plan.title, words::offer(plan).to_lowercase()),
            needs_approval: plan.approval == Approval::Needed,
            chosen: false,
        }
    }
}
