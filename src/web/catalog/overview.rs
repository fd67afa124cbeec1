//! One API: where to call it, how, under which plans, and what the viewer's applications have subscribed.

use crate::base::environment::Environment;
use crate::base::version::VersionState;
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::{ApiVersion, Scope};
use crate::domain::subscriptions::model::{Approval, Plan};
use crate::domain::subscriptions::plans;
use crate::web::catalog::frame::{Frame, Pane, state_words};
use crate::web::catalog::rules::Rules;
use crate::web::catalog::subscriptions::{self, Row as SubscriptionRow};
use crate::web::credentials::curl;
use crate::web::error::Result;
use crate::web::markdown::{self, Html};
use crate::web::page::{self, Shell};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::CurrentViewer;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::State;
use time::{Date, OffsetDateTime};

#[derive(Template)]
#[template(path = "catalog/overview.html")]
struct OverviewPage {
    shell: Shell,
    frame: Frame,
    description: Html,
    addresses: Vec<Address>,
    several_endpoints: bool,
    versions: Vec<VersionRow>,
    scopes: Vec<Scope>,
    plans: Vec<Plan>,
    rules: Rules,
    subscriptions: Vec<SubscriptionRow>,
    /// Where its consumers get help; may be empty.
    support: String,
    /// Today, UTC.
    today: Date,
    /// Ready commands: title and text.
    commands: Vec<(&'static str, String)>,
}

/// A URL to call.
struct Address {
    /// The endpoint's name for people.
    endpoint: String,
    environment: Environment,
    url: String,
    /// Whether the viewer may hold credentials there: words and tone.
    access: (&'static str, &'static str),
}

/// A row of the versions.
struct VersionRow {
    number: String,
    state: (&'static str, &'static str),
    /// Whether the major's URL leads here.
    is_current: bool,
    published_at: Option<OffsetDateTime>,
    /// `Retires 31 Mar 2027`; may be empty.
    sunset: String,
    changelog: Html,
}

impl OverviewPage {
    /// How calls authenticate, in words.
    fn authentication(&self) -> &'static str {
        match (self.frame.version.api.takes_api_key, self.frame.version.api.takes_bearer) {
            (true, true) => "API key or access token (OAuth 2.0)",
            (true, false) => "API key",
            (false, true) => "Access token (OAuth 2.0)",
            (false, false) => "None: anybody may call it",
        }
    }

    /// What the major's URL promises.
    fn promise(&self) -> String {
        let major = self.frame.version.major;
        format!("v{major} always runs the latest {major}.x. Nothing breaks when a minor version ships.")
    }

    /// Where the main button leads: the sandbox, if there is one.
    fn keys_url(&self) -> String {
        let has_sandbox = self.addresses.iter().any(|a| a.environment == Environment::Sandbox);
        let environment = if has_sandbox { Environment::Sandbox } else { Environment::Production };
        urls::api_keys(&self.frame.version.api.name, self.frame.version.major, environment)
    }

    /// The endpoints of the current minor with their `OpenAPI` files: label, link.
    fn definitions(&self) -> Vec<(String, String)> {
        let endpoints = self.frame.version.current().map_or(&[][..], |v| &v.endpoints);
        let described: Vec<_> = endpoints.iter().filter(|e| e.has_definition).collect();
        let label = |name: &str| {
            if described.len() == 1 { "OpenAPI file".to_owned() } else { format!("OpenAPI file of {name}") }
        };
        let (api, major) = (&self.frame.version.api.name, self.frame.version.major);
        described.iter().map(|e| (label(&e.name), urls::api_file(api, major, &e.name, "json"))).collect()
    }

    /// The list of operations, for those whose limits are not shown here.
    fn operations_url(&self) -> String {
        let described = self.frame.version.current().and_then(|v| v.endpoints.iter().find(|e| e.has_definition));
        let (api, major) = (&self.frame.version.api.name, self.frame.version.major);
        described.map(|endpoint| urls::api_reference(api, major, &endpoint.name)).unwrap_or_default()
    }

    fn how_to_subscribe(&self) -> &'static str {
        if !self.frame.version.takes_subscriptions() {
            "This version is closed to new subscriptions."
        } else if self.is_open() {
            "Subscriptions are not required for this API: anybody may call it."
        } else if self.plans.is_empty() {
            "This API offers no subscription policy, so nobody can subscribe at the moment. Ask its owner."
        } else if self.frame.version.api.takes_api_key {
            "Choose an application and add this API to its subscriptions. Generating an API key subscribes it as well."
        } else {
            "Choose an application and add this API to its subscriptions."
        }
    }

    fn bearer_header(&self) -> &str {
        as_written(&self.frame.version.api.bearer_header)
    }

    fn address_heads(&self) -> &'static [&'static str] {
        const HEADS: [&str; 4] = ["Environment", "Endpoint", "URL", "Your access"];
        const ONE: [&str; 3] = ["Environment", "URL", "Your access"];
        let heads: &[&str] = if self.several_endpoints { &HEADS } else { &ONE };
        // Where anybody may call, nobody needs access.
        if self.is_open() { heads.split_last().map_or(heads, |(_, heads)| heads) } else { heads }
    }

    /// Whether calls need no credential.
    fn is_open(&self) -> bool {
        !self.frame.version.api.takes_api_key && !self.frame.version.api.takes_bearer
    }

    /// Whether an application can be subscribed now.
    fn takes_subscribers(&self) -> bool {
        self.frame.version.takes_subscriptions() && !self.is_open() && !self.plans.is_empty()
    }

    /// What a version that is on its way out does, and until when; empty for any other.
    fn deprecation(&self) -> String {
        if self.frame.version.takes_subscriptions() || self.has_blocked_version() {
            return String::new();
        }
        let goes_on = "Applications that are subscribed go on calling it; new ones cannot subscribe.";
        match self.frame.version.sunset_on() {
            Some(day) if day > self.today => format!("{goes_on} It retires on {}.", words::day(day)),
            Some(day) => format!("{goes_on} It was to retire on {} and may go at any time.", words::day(day)),
            None => goes_on.to_owned(),
        }
    }

    /// The link to whoever helps.
    fn support_url(&self) -> String {
        let is_page = self.support.starts_with("https://") || self.support.starts_with("http://");
        if is_page { self.support.clone() } else { format!("mailto:{}", self.support) }
    }

    fn has_blocked_version(&self) -> bool {
        self.frame.version.current().is_some_and(|v| v.state == VersionState::Blocked)
    }
}

/// The newest major that is open to new subscriptions, or simply the newest.
pub async fn newest(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At(name): At<String>,
) -> Result {
    let majors = browse::majors(&state.ctx, &viewer, &name).await?;
    let open = majors.iter().find(|m| m.takes_subscriptions()).or(majors.first());
    page::redirect(&urls::api(&name, open.map_or(0, |m| m.major)))
}

/// The page.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major)): At<(String, Major)>,
    shell: Shell,
) -> Result {
    let frame = Frame::load(&state, &viewer, &name, major, Pane::Overview).await?;
    let api = &frame.version.api;
    let plans = plans::of_api(&state.ctx, api.id).await?;
    let scopes = browse::scopes(&state.ctx, api.id).await?;
    let rules = Rules::new(&browse::policies(&state.ctx, api.id).await?, state.most_body_bytes);
    let subscriptions = match &viewer {
        Viewer::Visitor => Vec::new(),
        Viewer::Member(member) => subscriptions::of_member(&state.ctx, member, &frame.version).await?,
    };
    let support = browse::support(&state.ctx, api.id).await?;
    let current = frame.version.current().map(|v| v.version);
    let commands = commands(&state, &frame).await?;
    page::show(&OverviewPage {
        description: markdown::render(&api.description, 2),
        addresses: addresses(&state, &frame, &viewer),
        several_endpoints: frame.version.current().is_some_and(|v| v.endpoints.len() > 1),
        versions: frame.version.versions.iter().map(|v| row(v, current == Some(v.version))).collect(),
        scopes,
        plans,
        rules,
        subscriptions,
        support,
        today: shell.now.date(),
        commands,
        shell,
        frame,
    })
}

/// A command for each way to authenticate; for the sandbox, if there is one.
async fn commands(state: &PortalState, frame: &Frame) -> Result<Vec<(&'static str, String)>> {
    let version = &frame.version;
    let open = |environment| curl::endpoint(version, environment, "").map(|endpoint| (environment, endpoint));
    let Some((environment, endpoint)) = open(Environment::Sandbox).or_else(|| open(Environment::Production)) else {
        return Ok(Vec::new());
    };
    let url = curl::example(&state.ctx, version, endpoint, state.urls.gateway(environment)).await?;
    let api = &version.api;
    let mut commands = Vec::new();
    if api.takes_api_key {
        commands.push(("With an API key", curl::call(&api.api_key_header, curl::KEY, &url)));
    }
    if api.takes_bearer {
        commands.push((
            "With an access token",
            curl::call(as_written(&api.bearer_header), "Bearer <YOUR_ACCESS_TOKEN>", &url),
        ));
    }
    if commands.is_empty() {
        commands.push(("cURL", format!("curl \"{url}\"")));
    }
    Ok(commands)
}

/// Header names have no case; this one has a usual spelling.
fn as_written(header: &str) -> &str {
    if header == "authorization" { "Authorization" } else { header }
}

fn addresses(state: &PortalState, frame: &Frame, viewer: &Viewer) -> Vec<Address> {
    let endpoints = frame.version.current().map_or(&[][..], |v| &v.endpoints);
    let of = |environment: Environment| {
        endpoints.iter().filter(move |e| e.environments.contains(&environment)).map(move |e| Address {
            endpoint: if e.title.is_empty() { e.name.clone() } else { e.title.clone() },
            environment,
            url: frame.version.url(state.urls.gateway(environment), e),
            access: access(viewer, environment),
        })
    };
    Environment::ALL.into_iter().flat_map(of).collect()
}

fn access(viewer: &Viewer, environment: Environment) -> (&'static str, &'static str) {
    match (viewer.member(), environment) {
        (None, _) => ("Sign in first", ""),
        (Some(_), Environment::Sandbox) => ("Open", "is-ok"),
        (Some(member), Environment::Production) if member.may_hold_production() => ("Granted by role", "is-ok"),
        (Some(_), Environment::Production) => ("Takes the role production", "is-warn"),
    }
}

fn row(version: &ApiVersion, is_current: bool) -> VersionRow {
    VersionRow {
        number: version.version.to_string(),
        state: state_words(version.state),
        is_current,
        published_at: version.published_at,
        sunset: version.sunset_on.map(|day| format!("Retires {}", words::day_short(day))).unwrap_or_default(),
        changelog: markdown::render(&version.changelog, 3),
    }
}
