//! Regenerating an API key, ending the old one's hour, deleting it; and the page that shows a key once.

use crate::base::id::ApiKeyId;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::catalog::browse;
use crate::domain::credentials::model::{ApiKey, Grace, IssuedKey, KeyAccess};
use crate::domain::credentials::{access, api_keys};
use crate::domain::subscriptions::model::State as Calls;
use crate::domain::usage::key_calls;
use crate::web::applications::deletion::Confirmation;
use crate::web::credentials::curl;
use crate::web::credentials::key_row::{self, List};
use crate::web::credentials::new_key::Choice;
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show, show_once};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::{Query, State};
use time::Duration;

/// A key without a call for so long is deleted with one click.
const QUIET: Duration = Duration::days(30);

/// The one page that has the key.
#[derive(Template)]
#[template(path = "credentials/issued_key.html")]
struct Issued {
    shell: Shell,
    key: ApiKey,
    secret: String,
    header: String,
    curl: String,
    curl_masked: String,
    grace: Option<(i64, String)>,
    list: List,
}

impl Issued {
    /// Why calls with the key are refused, if they are.
    fn waits(&self) -> Option<&'static str> {
        let state = self.key.subscription.filter(|state| !state.is_open(self.key.environment))?;
        Some(match state {
            Calls::Pending => "The subscription is requested. They pass once one of the API's owners has approved it.",
            Calls::Rejected => {
                "The subscription was not approved. Request it again under the application's subscriptions."
            }
            Calls::Blocked | Calls::ProductionBlocked | Calls::Active => "The publisher has blocked the subscription.",
        })
    }
}

#[derive(Template)]
#[template(path = "credentials/key_regeneration.html")]
struct Regeneration {
    shell: Shell,
    key: ApiKey,
    grace_runs: bool,
    choices: Vec<Choice>,
    list: List,
    wrong: Wrong,
}

#[derive(Template)]
#[template(path = "credentials/key_deletion.html")]
struct Deletion {
    shell: Shell,
    key: ApiKey,
    in_use: bool,
    /// Of the last day, in words.
    calls: String,
    list: List,
    wrong: Wrong,
}

impl Deletion {
    fn is_somebody_elses(&self) -> bool {
        self.key.access != KeyAccess::Owner
    }
}

/// `Payments v2`.
fn api(key: &ApiKey) -> String {
    format!("{} v{}", key.api_title, key.major)
}

/// Where an act started.
#[derive(Debug, serde::Deserialize)]
pub struct From {
    /// The list to return to.
    #[serde(default)]
    pub list: List,
}

/// For how long the old secret goes on, and where the act started.
#[derive(Debug, serde::Deserialize)]
pub struct RegenerationForm {
    #[serde(default)]
    grace: String,
    #[serde(default)]
    list: List,
}

/// A confirmation, and where it started.
#[derive(Debug, serde::Deserialize)]
pub struct DeletionForm {
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    list: List,
}

/// What a new key would do.
pub async fn ask_regeneration(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApiKeyId>,
    Query(from): Query<From>,
) -> Result {
    let key = api_keys::for_change(&state.ctx, &member, id).await?;
    access::check(&member, key.environment)?;
    show(&regeneration(shell, key, from.list))
}

fn regeneration(shell: Shell, key: ApiKey, list: List) -> Regeneration {
    let choice = |grace: Grace| {
        let (title, text) = match grace {
            Grace::Hour => ("Keep it for 1 hour", "Time to put the new one in its place."),
            Grace::Day => ("Keep it for 24 hours", "For applications that are rolled out slowly."),
            Grace::None => ("End it now", "Choose this if it leaked. Calls with it fail at once."),
        };
        let (title, text) = (title.to_owned(), text.to_owned());
        Choice { value: grace.as_str().to_owned(), title, text, chosen: grace == Grace::default() }
    };
    let grace_runs = key.grace_until(shell.now).is_some();
    let choices = Grace::ALL.into_iter().map(choice).collect();
    Regeneration { shell, key, grace_runs, choices, list, wrong: Wrong::default() }
}

/// Makes it; the answer shows it once.
pub async fn regenerate(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApiKeyId>,
    Fields(form): Fields<RegenerationForm>,
) -> Result {
    // Nothing chosen, as by a page from before there was a choice: the hour that was promised.
    let grace = Grace::ALL.into_iter().find(|grace| grace.as_str() == form.grace).unwrap_or_default();
    match outcome(api_keys::regenerate(&state.ctx, &member, id, grace).await)? {
        Outcome::Done(made) => issued(&state, shell, &member, made, form.list).await,
        Outcome::Wrong(wrong) => {
            let key = api_keys::for_change(&state.ctx, &member, id).await?;
            refuse(&Regeneration { wrong, ..regeneration(shell, key, form.list) })
        }
    }
}

/// Ends the old key's hour.
pub async fn end_old(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At(id): At<ApiKeyId>,
    Fields(from): Fields<From>,
) -> Result {
    let key = api_keys::end_previous(&state.ctx, &member, id).await?;
    redirect_with(&state, &from.list.url(&key), Flash::OldApiKeyEnded)
}

/// What deleting would do.
pub async fn ask_deletion(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApiKeyId>,
    Query(from): Query<From>,
) -> Result {
    let key = api_keys::for_deletion(&state.ctx, &member, id).await?;
    show(&deletion(&state, shell, key, from.list).await?)
}

/// Does it. A key that is in use takes its name typed.
pub async fn delete(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApiKeyId>,
    Fields(form): Fields<DeletionForm>,
) -> Result {
    let key = api_keys::for_deletion(&state.ctx, &member, id).await?;
    let in_use = in_use(&key, &shell);
    let confirmation = Confirmation { confirm: form.confirm };
    let answer = match confirmation.check(&key.name) {
        Err(error) if in_use => Err(error),
        _ => api_keys::delete(&state.ctx, &member, id).await,
    };
    match outcome(answer)? {
        Outcome::Done(key) => redirect_with(&state, &form.list.url(&key), Flash::ApiKeyDeleted),
        Outcome::Wrong(wrong) => refuse(&Deletion { wrong, ..deletion(&state, shell, key, form.list).await? }),
    }
}

/// The answer that shows a key, once.
pub(super) async fn issued(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    IssuedKey { key, secret }: IssuedKey,
    list: List,
) -> Result {
    let viewer = Viewer::Member(member.clone());
    let gateway = state.urls.gateway(key.environment);
    let found = browse::major(&mut *state.ctx.conn().await?, &viewer, &key.api_name, key.major).await;
    // The API may have gone from the viewer's sight since the key was made; the key is shown all the same.
    let (header, url) = match &found {
        Ok(version) => {
            let url = match curl::endpoint(version, key.environment, &key.endpoint) {
                Some(endpoint) => curl::example(&state.ctx, version, endpoint, gateway).await?,
                None => gateway.to_owned(),
            };
            (version.api.api_key_header.clone(), url)
        }
        Err(_) => ("api-key".to_owned(), gateway.to_owned()),
    };
    let masked = format!("••••••••{}", key.hint);
    let grace =
        key.grace_until(shell.now).map(|until| (words::seconds_left(shell.now, until), words::left(shell.now, until)));
    show_once(&Issued {
        curl: curl::call(&header, secret.expose(), &url),
        curl_masked: curl::call(&header, &masked, &url),
        secret: secret.expose().to_owned(),
        header,
        shell,
        key,
        grace,
        list,
    })
}

async fn deletion(state: &PortalState, shell: Shell, key: ApiKey, list: List) -> Result<Deletion> {
    let in_use = in_use(&key, &shell);
    let calls = if in_use { key_calls::of_last_day(&state.ctx, &key).await? } else { 0 };
    let calls = match calls {
        0 => "no call in the last 24 hours".to_owned(),
        calls => format!("{} in the last 24 hours", key_row::calls(calls)),
    };
    Ok(Deletion { shell, key, in_use, calls, list, wrong: Wrong::default() })
}

fn in_use(key: &ApiKey, shell: &Shell) -> bool {
    key.last_used_at.is_some_and(|at| shell.now - at < QUIET)
}
