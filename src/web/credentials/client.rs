//! Credentials of an application in an environment: Application Keys, and its API Keys there.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::{Member, PRODUCTION};
use crate::domain::applications::manage;
use crate::domain::credentials::model::{Client, IssuedClient};
use crate::domain::credentials::{access, api_keys, clients};
use crate::domain::oauth::metadata::TOKEN;
use crate::web::applications::frame::{Frame, Tab};
use crate::web::credentials::curl;
use crate::web::credentials::key_row::{KeyRow, List};
use crate::web::error::Result;
use crate::web::form::{Outcome, Wrong, outcome};
use crate::web::page::{Shell, refuse, show, show_once};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::State;
use time::OffsetDateTime;

/// The pane. With `secret`, it is the answer to a POST and the only page that ever has it.
#[derive(Template)]
#[template(path = "credentials/client.html")]
pub(super) struct Pane {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    /// The role that the viewer lacks here; empty when none.
    missing_role: &'static str,
    client: Option<ClientView>,
    token_url: String,
    keys: Vec<KeyRow>,
    secret: Option<String>,
    pub(super) wrong: Wrong,
}

struct ClientView {
    id: String,
    hint: String,
    created_at: OffsetDateTime,
    last_used_at: Option<OffsetDateTime>,
    token_seconds: u32,
    grace: Option<(i64, String)>,
    old_hint: String,
    curl: String,
    masked: String,
}

impl ClientView {
    fn new(client: Client, token_url: &str, secret: Option<&str>, now: OffsetDateTime) -> Self {
        let grace = client.grace_until(now).map(|until| (words::seconds_left(now, until), words::left(now, until)));
        Self {
            curl: curl::token(token_url, &client.id, secret.unwrap_or(curl::SECRET)),
            masked: curl::token(token_url, &client.id, &format!("••••{}", client.secret_hint)),
            old_hint: client.old_secret.map(|(hint, _)| hint).unwrap_or_default(),
            hint: client.secret_hint,
            id: client.id,
            created_at: client.created_at,
            last_used_at: client.last_used_at,
            token_seconds: client.access_token_seconds,
            grace,
        }
    }
}

impl Pane {
    fn no_client_title(&self) -> String {
        format!("No {} credentials yet", self.environment)
    }

    fn no_client_text(&self) -> &'static str {
        if self.frame.is_own { "They take the role named above." } else { "Only the owner can generate them." }
    }

    fn no_keys_title(&self) -> String {
        format!("No {} API keys yet", self.environment)
    }

    /// The secret, in the one answer that has it.
    fn with(mut self, secret: &str, client: Client) -> Self {
        self.client = Some(ClientView::new(client, &self.token_url, Some(secret), self.shell.now));
        self.secret = Some(secret.to_owned());
        self
    }
}

/// Reads the pane.
pub(super) async fn pane(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    (id, environment): (ApplicationId, Environment),
) -> Result<Pane> {
    let reached = manage::get(&state.ctx, member, id).await?;
    let client = clients::get(&state.ctx, member, id, environment).await?;
    let keys = api_keys::of_application(&state.ctx, member, id, environment).await?;
    let token_url = format!("{}{TOKEN}", state.urls.portal);
    Ok(Pane {
        frame: Frame::new(&reached, Tab::Credentials(environment)),
        environment,
        missing_role: if access::check(member, environment).is_ok() { "" } else { PRODUCTION },
        client: client.map(|client| ClientView::new(client, &token_url, None, shell.now)),
        keys: keys.into_iter().map(|key| KeyRow::new(key, List::Application, shell.now)).collect(),
        token_url,
        shell,
        secret: None,
        wrong: Wrong::default(),
    })
}

/// The pane as an answer that shows a secret.
pub(super) async fn issued(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    IssuedClient { client, secret }: IssuedClient,
) -> Result {
    let pane = pane(state, shell, member, (client.application, client.environment)).await?;
    show_once(&pane.with(secret.expose(), client))
}

/// Application Keys and API Keys.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(at): At<(ApplicationId, Environment)>,
) -> Result {
    show(&pane(&state, shell, &member, at).await?)
}

/// Generate Credentials.
pub async fn generate(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At((id, environment)): At<(ApplicationId, Environment)>,
) -> Result {
    match outcome(clients::generate(&state.ctx, &member, id, environment).await)? {
        Outcome::Done(made) => issued(&state, shell, &member, made).await,
        Outcome::Wrong(wrong) => refuse(&Pane { wrong, ..pane(&state, shell, &member, (id, environment)).await? }),
    }
}
