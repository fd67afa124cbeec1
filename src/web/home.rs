//! The home page: what this is, for visitors; the first steps and one's applications, for members.

use crate::base::environment::Environment;
use crate::domain::accounts::first_steps as steps_choice;
use crate::domain::accounts::model::{ADMIN, DEVELOPER, Member, PUBLISHER, Viewer};
use crate::domain::usage::first_steps::{self, FirstSteps, Recent};
use crate::web::applications::frame::tile;
use crate::web::error::Result;
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::{CurrentViewer, SignedIn};
use crate::web::words::counted;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "home/visitor.html")]
struct VisitorPage {
    shell: Shell,
}

#[derive(Template)]
#[template(path = "home/member.html")]
struct MemberPage {
    shell: Shell,
    /// What to call the member: the first word of the name.
    name: String,
    /// None: put away, done, or not for this member.
    steps: Option<Steps>,
    applications: Vec<Card>,
    is_developer: bool,
    is_publisher: bool,
}

/// The checklist.
struct Steps {
    done: u8,
    all: Vec<Step>,
}

struct Step {
    title: &'static str,
    /// What there is, or why one takes the step.
    text: String,
    /// Where it is taken; empty: by itself.
    url: String,
    action: &'static str,
    state: StepState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StepState {
    Done,
    Next,
    Later,
}

impl Step {
    fn is_done(&self) -> bool {
        self.state == StepState::Done
    }

    fn is_next(&self) -> bool {
        self.state == StepState::Next
    }
}

impl Steps {
    /// Of the 50 that the ring is round, so that each step is a quarter: the part that is drawn.
    fn arc(&self) -> u8 {
        self.done.saturating_mul(25)
    }

    fn new(found: &FirstSteps) -> Self {
        let application = found.application.as_ref();
        let subscriptions = application.map(|(id, ..)| urls::new_subscription(*id)).unwrap_or_default();
        let subscription = found.subscription.as_ref();
        let facts = [
            (
                "Create an application",
                application.map(|(_, name, _)| name.clone()),
                "It stands for what you are building.",
                urls::new_application(),
                "Create",
            ),
            (
                "Subscribe to an API",
                subscription.map(|(api, major, plan)| format!("{api} v{major}, {plan}")),
                "Choose an API and a plan.",
                subscriptions,
                "Add APIs",
            ),
            (
                "Get credentials for the sandbox",
                found.has_credential.then(|| "They are in your application.".to_owned()),
                "A consumer key and secret, or an API key.",
                application.map(|(id, ..)| urls::credentials(*id, Environment::Sandbox)).unwrap_or_default(),
                "Generate Credentials",
            ),
            (
                "Call the API",
                found.has_called.then(|| "Your first call has arrived.".to_owned()),
                "It is seen here within a minute and ticked off.",
                urls::apis(),
                "Find what to call",
            ),
        ];
        let mut is_next_known = false;
        let all = facts.map(|(title, there_is, why, url, action)| {
            let state = match there_is {
                Some(_) => StepState::Done,
                None if !is_next_known => StepState::Next,
                None => StepState::Later,
            };
            is_next_known |= state == StepState::Next;
            Step { title, text: there_is.unwrap_or_else(|| why.to_owned()), url, action, state }
        });
        Self { done: found.done(), all: all.into() }
    }
}

/// An application in the list.
struct Card {
    url: String,
    name: String,
    tile: &'static str,
    apis: String,
    calls: String,
}

impl From<Recent> for Card {
    fn from(recent: Recent) -> Self {
        Self {
            url: urls::application(recent.id),
            name: recent.name,
            tile: tile(recent.id),
            apis: counted(recent.subscriptions, "API"),
            calls: match recent.calls {
                0 => "No calls in 24 hours".to_owned(),
                calls => format!("{} in 24 hours", counted(calls, "call")),
            },
        }
    }
}

/// The page.
pub async fn show(State(state): State<PortalState>, CurrentViewer(viewer): CurrentViewer, shell: Shell) -> Result {
    match viewer {
        Viewer::Visitor => page::show(&VisitorPage { shell }),
        Viewer::Member(member) => show_member(&state, &member, shell).await,
    }
}

async fn show_member(state: &PortalState, member: &Member, shell: Shell) -> Result {
    let is_developer = member.has(DEVELOPER) || member.has(ADMIN);
    let steps = first_steps::find(&state.ctx, member).await?;
    let applications = first_steps::recent(&state.ctx, member).await?;
    let is_wanted = is_developer && !steps.is_hidden && steps.done() < 4;
    page::show(&MemberPage {
        name: member.name.split_whitespace().next().unwrap_or_default().to_owned(),
        steps: is_wanted.then(|| Steps::new(&steps)),
        applications: applications.into_iter().map(Card::from).collect(),
        is_developer,
        is_publisher: member.has(PUBLISHER) || member.has(ADMIN),
        shell,
    })
}

/// Puts the checklist away.
pub async fn dismiss_steps(State(state): State<PortalState>, SignedIn(member): SignedIn) -> Result {
    steps_choice::hide(&state.ctx, &member).await?;
    page::redirect(&urls::home())
}
