//! Everybody who has an account, and inviting somebody: for administrators.

use crate::domain::accounts::access::{self, Person, State as Standing};
use crate::domain::accounts::model::Member;
use crate::domain::accounts::role_requests;
use crate::domain::accounts::users::NewUser;
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Outcome, Pairs, Wrong, outcome};
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::{Query, State};

#[derive(Template)]
#[template(path = "accounts/people.html")]
struct PeoplePage {
    shell: Shell,
    text: String,
    people: Vec<Row>,
    /// Where the next page is; empty on the last one.
    next: String,
}

/// A person, in words.
struct Row {
    member: Member,
    state: &'static str,
    tone: &'static str,
    /// Whether they ask for production.
    asks: bool,
}

impl From<Person> for Row {
    fn from(person: Person) -> Self {
        let (state, tone) = match person.state {
            Standing::Active => ("Active", "is-ok"),
            Standing::Invited => ("Invited", "is-warn"),
            Standing::Disabled => ("Disabled", "is-bad"),
        };
        Self { member: person.member, state, tone, asks: false }
    }
}

#[derive(Template)]
#[template(path = "accounts/person_new.html")]
struct NewPage {
    shell: Shell,
    name: String,
    email: String,
    roles: Vec<Choice>,
    wrong: Wrong,
}

/// A role that can be given.
struct Choice {
    name: String,
    title: String,
    is_chosen: bool,
}

/// What narrows the list.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
}

/// The list.
pub async fn index(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    Query(search): Query<Search>,
    shell: Shell,
) -> Result {
    let text: String = search.q.chars().take(100).collect();
    let found = access::people(&state.ctx, &member, &text, &search.after).await?;
    let next = if found.next.is_empty() { String::new() } else { urls::people_matching(&text, &found.next) };
    let asking = role_requests::waiting(&state.ctx, &member).await?;
    let row = |person: Person| {
        let asks = asking.iter().any(|request| request.user == person.member.id);
        Row { asks, ..Row::from(person) }
    };
    page::show(&PeoplePage { shell, text, people: found.people.into_iter().map(row).collect(), next })
}

/// The form.
pub async fn new(State(state): State<PortalState>, SignedIn(member): SignedIn, shell: Shell) -> Result {
    let roles = access::roles(&state.ctx, &member).await?;
    let roles = choices(roles, |name| state.accounts.sign_up_roles.iter().any(|role| role == name));
    page::show(&NewPage { shell, name: String::new(), email: String::new(), roles, wrong: Wrong::default() })
}

/// Makes the account and has the letter sent.
pub async fn invite(State(state): State<PortalState>, SignedIn(member): SignedIn, shell: Shell, form: Pairs) -> Result {
    let roles = access::roles(&state.ctx, &member).await?;
    let chosen: Vec<String> = form.all("roles").map(str::to_owned).collect();
    let invited = match NewUser::parse(form.one("name"), form.one("email"), chosen.clone(), None) {
        Ok(new) => access::invite_as(&state.ctx, &member, new).await,
        Err(error) => Err(error),
    };
    match outcome(invited)? {
        Outcome::Done(_) => page::redirect_with(&state, &urls::people(), Flash::PersonInvited),
        Outcome::Wrong(wrong) => {
            let roles = choices(roles, |name| chosen.iter().any(|role| role == name));
            let (name, email) = (form.one("name").to_owned(), form.one("email").to_owned());
            page::refuse(&NewPage { shell, name, email, roles, wrong })
        }
    }
}

fn choices(roles: Vec<(String, String)>, is_chosen: impl Fn(&str) -> bool) -> Vec<Choice> {
    roles.into_iter().map(|(name, title)| Choice { is_chosen: is_chosen(&name), name, title }).collect()
}
