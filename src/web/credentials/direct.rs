//! Credentials directly on an API, for testing: their section of the API's credentials, and generating them.

use crate::base::environment::Environment;
use crate::domain::accounts::model::Member;
use crate::domain::catalog::model::MajorVersion;
use crate::domain::credentials::access;
use crate::domain::credentials::client_model::IssuedClient;
use crate::domain::credentials::direct::{self, Direct};
use crate::domain::subscriptions::plans;
use crate::web::credentials::api_keys::{Place, pane};
use crate::web::credentials::client_view::{ClientView, Links};
use crate::web::credentials::curl;
use crate::web::credentials::new_key::{Choice, choose_or_first};
use crate::web::error::Result;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, refuse, show_once};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::subscriptions::chip::Chip;
use crate::web::viewer::SignedIn;
use crate::web::{urls, words};
use axum::extract::State;
use time::OffsetDateTime;

/// For `credentials/_direct.html`.
pub(super) struct Section {
    pub(super) client: Option<ClientView>,
    /// The plan that there is, in words; empty while nothing is subscribed.
    pub(super) policy: String,
    /// Its state, with the tone; none while nothing is subscribed, and none for an active one.
    pub(super) chip: Option<Chip>,
    pub(super) plans: Vec<Choice>,
    /// A call to the API with a token; empty when there is nothing to call.
    pub(super) call: String,
    /// Why none can be generated; empty when they can.
    pub(super) refusal: String,
    pub(super) wrong: Wrong,
    takes_bearer: bool,
}

/// The plan chosen.
#[derive(Debug, Default, serde::Deserialize)]
pub struct DirectForm {
    #[serde(default)]
    plan: String,
}

impl Section {
    /// What the member has on a version and may do there.
    pub(super) async fn read(
        state: &PortalState,
        now: OffsetDateTime,
        member: &Member,
        (version, environment): (&MajorVersion, Environment),
    ) -> Result<Self> {
        let Direct { subscription, client } = direct::get(&state.ctx, member, version, environment).await?;
        let offered = plans::of_api(&state.ctx, version.api.id).await?;
        let mut plans: Vec<Choice> = offered
            .into_iter()
            .map(|plan| Choice { text: words::offer(&plan), value: plan.name, title: plan.title, chosen: false })
            .collect();
        choose_or_first(&mut plans, "");
        let endpoint = curl::endpoint(version, environment, "");
        let call = match endpoint {
            Some(endpoint) => {
                let url = curl::example(&state.ctx, version, endpoint, state.urls.gateway(environment)).await?;
                curl::call(&version.api.bearer_header, curl::TOKEN, &url)
            }
            None => String::new(),
        };
        let may_subscribe = subscription.is_some() || (version.takes_subscriptions() && !plans.is_empty());
        let refusal = if let Err(error) = member.developer().and_then(|()| access::check(member, environment)) {
            error.to_string()
        } else if endpoint.is_none() {
            format!("This API has no {environment} endpoint.")
        } else if !may_subscribe {
            "This API is closed to new subscriptions.".to_owned()
        } else {
            String::new()
        };
        let may_renew = access::check(member, environment).is_ok();
        let links = links(version, environment, may_renew);
        Ok(Self {
            client: client.map(|client| ClientView::new(client, &state.urls.portal, None, links, now)),
            chip: subscription.as_ref().map(Chip::from).filter(|chip| chip.tone != "is-ok"),
            policy: subscription.map(|s| s.plan_title).unwrap_or_default(),
            plans,
            call,
            refusal,
            wrong: Wrong::default(),
            takes_bearer: version.api.takes_bearer,
        })
    }

    /// Where the API takes no access tokens, only what is there from before is shown.
    pub(super) fn is_shown(&self) -> bool {
        self.takes_bearer || self.client.is_some()
    }

    pub(super) fn shows_secret(&self) -> bool {
        self.client.as_ref().is_some_and(|client| client.secret.is_some())
    }
}

/// Generates them; the answer shows the secret once.
pub async fn generate(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(place): At<Place>,
    Fields(form): Fields<DirectForm>,
) -> Result {
    match outcome(direct::generate(&state.ctx, &member, at(&place), Some(&form.plan)).await)? {
        Outcome::Done(made) => issued(&state, shell, &member, &place, made).await,
        Outcome::Wrong(wrong) => {
            let mut pane = pane(&state, shell, &member, &place).await?;
            choose_or_first(&mut pane.direct.plans, &form.plan);
            pane.direct.wrong = wrong;
            refuse(&pane)
        }
    }
}

/// The pane as an answer that shows a secret.
pub(super) async fn issued(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    place: &Place,
    IssuedClient { client, secret }: IssuedClient,
) -> Result {
    let now = shell.now;
    let mut pane = pane(state, shell, member, place).await?;
    let links = links(&pane.frame.version, place.2, true);
    pane.direct.client = Some(ClientView::new(client, &state.urls.portal, Some(secret.expose()), links, now));
    show_once(&pane)
}

/// The place as the domain names it.
pub(super) fn at(place: &Place) -> direct::Place<'_> {
    (&place.0, place.1.0, place.2)
}

fn links(version: &MajorVersion, environment: Environment, may_renew: bool) -> Links {
    let (api, major) = (&version.api.name, version.major);
    let regeneration = urls::direct_regeneration(api, major, environment);
    Links {
        pane: urls::api_keys(api, major, environment),
        // The console of each operation gets its own.
        token: String::new(),
        regeneration: if may_renew { regeneration } else { String::new() },
        old_secret_deletion: urls::direct_old_secret_deletion(api, major, environment),
    }
}
