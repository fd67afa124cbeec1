//! Credentials of an API in an environment: its API Keys, and what was generated on it directly.

use crate::base::environment::Environment;
use crate::domain::accounts::model::{Member, PRODUCTION, Viewer};
use crate::domain::credentials::access;
use crate::domain::credentials::key_lists::{self, Whose};
use crate::web::accounts::production::Locked;
use crate::web::catalog::frame::{self as catalog, Frame};
use crate::web::credentials::curl;
use crate::web::credentials::direct::Section;
use crate::web::credentials::key_list::{Asked, Listing, listing};
use crate::web::credentials::key_row::{KeyRow, List};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::{Query, State};

/// An API's name, its major version, an environment.
pub type Place = (String, Major, Environment);

#[derive(Template)]
#[template(path = "credentials/api_keys.html")]
pub(super) struct Pane {
    shell: Shell,
    pub(super) frame: Frame,
    environment: Environment,
    /// The role that the viewer lacks here; empty when none.
    missing_role: &'static str,
    /// Where the viewer's request for it stands.
    locked: Locked,
    keys: Vec<KeyRow>,
    list: Listing,
    whose: Whose,
    /// Whether the environment has an endpoint.
    is_served: bool,
    curl: String,
    /// Credentials directly on the API, for testing.
    pub(super) direct: Section,
}

impl Pane {
    fn not_served_title(&self) -> String {
        format!("This API has no {} endpoint", self.environment)
    }

    fn no_keys_title(&self) -> String {
        format!("No {} API keys yet", self.environment)
    }

    fn no_keys_text(&self) -> &'static str {
        match self.environment {
            Environment::Production => "A production key opens the real thing.",
            Environment::Sandbox => "A sandbox key is for trying out.",
        }
    }

    /// Whether the list has the keys of people whom the viewer may not know.
    fn is_everybodys(&self) -> bool {
        self.whose == Whose::Everybody
    }

    /// Whether Generate API Key would succeed.
    fn may_generate(&self) -> bool {
        self.frame.version.api.takes_api_key && self.is_served && self.missing_role.is_empty()
    }
}

/// Around the version that the path names, if the member sees it.
pub(super) async fn frame(state: &PortalState, member: &Member, (name, major, environment): &Place) -> Result<Frame> {
    Frame::load(state, &Viewer::Member(member.clone()), name, *major, catalog::Pane::Keys(*environment)).await
}

/// The list.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(place): At<Place>,
    Query(asked): Query<Asked>,
) -> Result {
    show(&pane_at(&state, shell, &member, &place, &asked).await?)
}

/// Reads the pane.
pub(super) async fn pane(state: &PortalState, shell: Shell, member: &Member, place: &Place) -> Result<Pane> {
    pane_at(state, shell, member, place, &Asked::default()).await
}

async fn pane_at(state: &PortalState, shell: Shell, member: &Member, place: &Place, asked: &Asked) -> Result<Pane> {
    let frame = frame(state, member, place).await?;
    let (version, environment) = (&frame.version, place.2);
    let found = key_lists::of_api(&state.ctx, member, version, environment, &asked.wanted()).await?;
    let whose = found.whose;
    let url = urls::api_keys(&version.api.name, version.major, environment);
    let (keys, list) = listing(found, asked, url, List::Api, shell.now);
    let endpoint = curl::endpoint(version, environment, "");
    let curl = match endpoint {
        Some(endpoint) => {
            let url = curl::example(&state.ctx, version, endpoint, state.urls.gateway(environment)).await?;
            curl::call(&version.api.api_key_header, curl::KEY, &url)
        }
        None => String::new(),
    };
    Ok(Pane {
        keys,
        list,
        whose,
        missing_role: if access::check(member, environment).is_ok() { "" } else { PRODUCTION },
        locked: Locked::of(state, member).await?,
        is_served: endpoint.is_some(),
        direct: Section::read(state, shell.now, member, (version, environment)).await?,
        curl,
        shell,
        frame,
        environment,
    })
}
