//! Generate Token: an access token for testing, shown once.

use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::manage;
use crate::domain::catalog::browse;
use crate::domain::oauth::mint::Issued;
use crate::domain::oauth::testing;
use crate::domain::subscriptions::model::Subscription;
use crate::domain::subscriptions::subscribe;
use crate::web::applications::frame::{Frame, Tab};
use crate::web::credentials::client::pane;
use crate::web::credentials::curl;
use crate::web::error::{Result, in_words};
use crate::web::form::{Outcome, outcome};
use crate::web::page::{Shell, refuse, show_once};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::State;

/// Subscriptions among which an API for the example is looked for.
const MOST_LOOKED_AT: usize = 5;

#[derive(Template)]
#[template(path = "credentials/test_token.html")]
struct TestToken {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    issued: Issued,
    call: Option<Call>,
}

/// A call to one of the application's APIs.
struct Call {
    /// The API, for people.
    api: String,
    /// The command with the token.
    text: String,
    /// The same with something in its place.
    masked: String,
}

impl TestToken {
    fn lives(&self) -> String {
        in_words(self.issued.expires_in.into())
    }

    fn scopes(&self) -> impl Iterator<Item = &str> {
        self.issued.scope.split_whitespace()
    }
}

/// The token, for the application as such.
pub async fn generate(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(at): At<(ApplicationId, Environment)>,
) -> Result {
    match outcome(testing::token(&state.ctx, &state.issuer, &member, at).await)? {
        Outcome::Done(issued) => {
            let reached = manage::get(&state.ctx, &member, at.0).await?;
            let frame = Frame::new(&reached, Tab::Credentials(at.1));
            let call = call(&state, &member, at, &issued.access_token).await?;
            show_once(&TestToken { shell, frame, environment: at.1, issued, call })
        }
        Outcome::Wrong(wrong) => {
            let mut pane = pane(&state, shell, &member, at).await?;
            pane.wrong = wrong;
            refuse(&pane)
        }
    }
}

/// A command for the first API of the application that takes tokens and can be called in the environment.
async fn call(
    state: &PortalState,
    member: &Member,
    (application, environment): (ApplicationId, Environment),
    token: &str,
) -> Result<Option<Call>> {
    let viewer = Viewer::Member(member.clone());
    let subscriptions = subscribe::of_application(&state.ctx, member, application).await?;
    let active = subscriptions.into_iter().filter(|s| s.state.is_open(environment));
    for Subscription { api_name, major, .. } in active.take(MOST_LOOKED_AT) {
        let found = browse::major(&mut *state.ctx.conn().await?, &viewer, &api_name, major).await;
        let version = match found {
            Err(Error::NotFound) => continue,
            found => found?,
        };
        let Some(endpoint) = curl::endpoint(&version, environment, "").filter(|_| version.api.takes_bearer) else {
            continue;
        };
        let url = curl::example(&state.ctx, &version, endpoint, state.urls.gateway(environment)).await?;
        let command = |token: &str| curl::call(&version.api.bearer_header, &format!("Bearer {token}"), &url);
        return Ok(Some(Call {
            api: format!("{} v{major}", version.api.title),
            text: command(token),
            masked: command("••••••••"),
        }));
    }
    Ok(None)
}
