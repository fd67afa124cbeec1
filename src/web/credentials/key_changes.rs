//! Regenerating an API key, ending the old one's hour, deleting it; and the page that shows a key once.

use crate::base::id::ApiKeyId;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::manage;
use crate::domain::catalog::browse;
use crate::domain::credentials::model::{ApiKey, IssuedKey};
use crate::domain::credentials::{access, api_keys};
use crate::web::applications::deletion::Confirmation;
use crate::web::credentials::curl;
use crate::web::credentials::key_row::List;
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

#[derive(Template)]
#[template(path = "credentials/key_regeneration.html")]
struct Regeneration {
    shell: Shell,
    key: ApiKey,
    grace_runs: bool,
    list: List,
}

#[derive(Template)]
#[template(path = "credentials/key_deletion.html")]
struct Deletion {
    shell: Shell,
    key: ApiKey,
    in_use: bool,
    list: List,
    wrong: Wrong,
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
    let key = changeable(&state, &member, id).await?;
    access::check(&member, key.environment)?;
    let grace_runs = key.grace_until(shell.now).is_some();
    show(&Regeneration { shell, key, grace_runs, list: from.list })
}

/// Makes it; the answer shows it once.
pub async fn regenerate(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApiKeyId>,
    Fields(from): Fields<From>,
) -> Result {
    let made = api_keys::regenerate(&state.ctx, &member, id).await?;
    issued(&state, shell, &member, made, from.list).await
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
    let key = changeable(&state, &member, id).await?;
    let in_use = in_use(&key, &shell);
    show(&Deletion { shell, key, in_use, list: from.list, wrong: Wrong::default() })
}

/// Does it. A key that is in use takes its name typed.
pub async fn delete(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApiKeyId>,
    Fields(form): Fields<DeletionForm>,
) -> Result {
    let key = changeable(&state, &member, id).await?;
    let in_use = in_use(&key, &shell);
    let confirmation = Confirmation { confirm: form.confirm };
    let answer = match confirmation.check(&key.name) {
        Err(error) if in_use => Err(error),
        _ => api_keys::delete(&state.ctx, &member, id).await,
    };
    match outcome(answer)? {
        Outcome::Done(key) => redirect_with(&state, &form.list.url(&key), Flash::ApiKeyDeleted),
        Outcome::Wrong(wrong) => refuse(&Deletion { shell, key, in_use, list: form.list, wrong }),
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

async fn changeable(state: &PortalState, member: &Member, id: ApiKeyId) -> Result<ApiKey> {
    let key = api_keys::get(&state.ctx, member, id).await?;
    manage::get(&state.ctx, member, key.application).await?.for_change()?;
    Ok(key)
}

fn in_use(key: &ApiKey, shell: &Shell) -> bool {
    key.last_used_at.is_some_and(|at| shell.now - at < QUIET)
}
