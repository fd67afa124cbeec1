//! Credentials of an application in an environment: Application Keys, and its API Keys there.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::{Member, PRODUCTION};
use crate::domain::applications::manage;
use crate::domain::applications::model::Reached;
use crate::domain::credentials::client_model::{ClientSettings, IssuedClient};
use crate::domain::credentials::key_lists::{self, Wanted};
use crate::domain::credentials::{access, clients};
use crate::web::accounts::production::Locked;
use crate::web::applications::frame::{Frame, Tab};
use crate::web::credentials::client_view::{ClientView, Links};
use crate::web::credentials::key_row::{KeyRow, List};
use crate::web::credentials::settings_facts::{self, Fact, Values};
use crate::web::credentials::settings_form::{self, SettingsForm};
use crate::web::error::Result;
use crate::web::form::{Outcome, Pairs, Wrong, outcome};
use crate::web::page::{Shell, refuse, show, show_once};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::State;

/// The pane. With `secret`, it is the answer to a POST and the only page that ever has it.
#[derive(Template)]
#[template(path = "credentials/client.html")]
pub(super) struct Pane {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    /// The role that the viewer lacks here; empty when none.
    missing_role: &'static str,
    /// Where the viewer's request for it stands.
    locked: Locked,
    client: Option<ClientView>,
    /// Advanced configurations of the client, to read.
    facts: Vec<Fact>,
    keys: Vec<KeyRow>,
    /// Advanced configurations of what may be generated here.
    form: Option<SettingsForm>,
    pub(super) wrong: Wrong,
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

    fn shows_secret(&self) -> bool {
        self.client.as_ref().is_some_and(|client| client.secret.is_some())
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
    let keys = key_lists::of_application(&state.ctx, member, id, environment, &Wanted::default()).await?.keys;
    let missing_role = if access::check(member, environment).is_ok() { "" } else { PRODUCTION };
    let form = if client.is_none() && manage::may_change(&reached) && missing_role.is_empty() {
        let apis = clients::subscribed(&state.ctx, member, id).await?;
        Some(SettingsForm::of(&ClientSettings::default(), apis, state.issuer.legacy()))
    } else {
        None
    };
    let links = links(&reached, environment, missing_role.is_empty());
    Ok(Pane {
        frame: Frame::new(&reached, Tab::Credentials(environment)),
        environment,
        locked: Locked::of(state, member).await?,
        missing_role,
        facts: client.as_ref().map(|client| settings_facts::facts(&client.settings)).unwrap_or_default(),
        client: client.map(|client| ClientView::new(client, &state.urls.portal, None, links, shell.now)),
        keys: keys.into_iter().map(|key| KeyRow::new(key, List::Application, shell.now)).collect(),
        form,
        shell,
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
    let at = (client.application, client.environment);
    let links = links(&manage::get(&state.ctx, member, at.0).await?, at.1, true);
    let view = ClientView::new(client, &state.urls.portal, Some(secret.expose()), links, shell.now);
    show_once(&Pane { client: Some(view), ..pane(state, shell, member, at).await? })
}

fn links(reached: &Reached, environment: Environment, may_renew: bool) -> Links {
    let (id, is_own) = (reached.application.id, manage::may_change(reached));
    let when = |may: bool, url: String| if may { url } else { String::new() };
    Links {
        pane: urls::credentials(id, environment),
        token: when(is_own && may_renew, urls::test_token(id, environment)),
        regeneration: when(is_own && may_renew, urls::secret_regeneration(id, environment)),
        old_secret_deletion: when(is_own, urls::old_secret_deletion(id, environment)),
    }
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

/// Generate Credentials, with what Advanced configurations say.
pub async fn generate(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(at): At<(ApplicationId, Environment)>,
    fields: Pairs,
) -> Result {
    let wanted = settings_form::settings(&fields);
    match outcome(clients::generate_with(&state.ctx, &member, at, wanted, state.issuer.legacy()).await)? {
        Outcome::Done(made) => issued(&state, shell, &member, made).await,
        Outcome::Wrong(wrong) => {
            let pane = pane(&state, shell, &member, at).await?;
            let form = pane.form.map(|form| form.with(fields));
            refuse(&Pane { form, wrong, ..pane })
        }
    }
}
