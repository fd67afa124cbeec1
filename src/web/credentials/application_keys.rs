//! API Keys of an application in an environment, and where another one is generated.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::PRODUCTION;
use crate::domain::applications::manage;
use crate::domain::credentials::{access, key_lists};
use crate::domain::subscriptions::subscribe;
use crate::web::accounts::production::Locked;
use crate::web::applications::frame::{Frame, Tab};
use crate::web::credentials::key_list::{Asked, Listing, listing};
use crate::web::credentials::key_row::{KeyRow, List};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::subscriptions::chip::Chip;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::{Query, State};

#[derive(Template)]
#[template(path = "credentials/application_keys.html")]
struct Index {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    /// The role that the viewer lacks here; empty when none.
    missing_role: &'static str,
    /// Where the viewer's request for it stands.
    locked: Locked,
    keys: Vec<KeyRow>,
    list: Listing,
}

#[derive(Template)]
#[template(path = "credentials/application_key_new.html")]
struct New {
    shell: Shell,
    frame: Frame,
    environment: Environment,
    subscribed: Vec<Subscribed>,
}

/// A major version that the application is subscribed to.
struct Subscribed {
    title: String,
    plan: String,
    chip: Chip,
    /// The form that generates a key.
    url: String,
}

impl Index {
    fn no_keys_title(&self) -> String {
        format!("No {} API keys yet", self.environment)
    }

    fn may_generate(&self) -> bool {
        self.frame.is_own && self.missing_role.is_empty()
    }
}

/// The list.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At((id, environment)): At<(ApplicationId, Environment)>,
    Query(asked): Query<Asked>,
) -> Result {
    let reached = manage::get(&state.ctx, &member, id).await?;
    let found = key_lists::of_application(&state.ctx, &member, id, environment, &asked.wanted()).await?;
    let url = urls::application_api_keys(id, environment);
    let (keys, list) = listing(found, &asked, url, List::Application, shell.now);
    show(&Index {
        frame: Frame::new(&reached, Tab::ApiKeys),
        environment,
        locked: Locked::of(&state, &member).await?,
        missing_role: if access::check(&member, environment).is_ok() { "" } else { PRODUCTION },
        keys,
        list,
        shell,
    })
}

/// For which API. The form itself is the API's.
pub async fn new(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At((id, environment)): At<(ApplicationId, Environment)>,
) -> Result {
    let reached = manage::get(&state.ctx, &member, id).await?;
    reached.clone().for_change()?;
    access::check(&member, environment)?;
    let subscriptions = subscribe::of_application(&state.ctx, &member, id).await?;
    let subscribed = subscriptions.into_iter().map(|subscription| Subscribed {
        url: urls::new_api_key_for(&subscription.api_name, subscription.major, environment, id),
        title: format!("{} v{}", subscription.api_title, subscription.major),
        chip: Chip::from(&subscription),
        plan: subscription.plan_title,
    });
    show(&New { frame: Frame::new(&reached, Tab::ApiKeys), environment, subscribed: subscribed.collect(), shell })
}
