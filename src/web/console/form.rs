//! The console of an operation: where to send and with which credential. Its fields are those of `inputs.rs`.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::model::{Endpoint, MajorVersion, Operation};
use crate::domain::catalog::reference_model::OperationPage;
use crate::domain::credentials::access;
use crate::domain::oauth::testing::Kind;
use crate::domain::subscriptions::model::Approval;
use crate::domain::subscriptions::{plans, subscribe};
use crate::web::console::answer::Shown;
use crate::web::console::inputs::{self, BodyInput, Input};
use crate::web::console::prepare::{self, Prepared, Problems};
use crate::web::console::snippets::{self, Snippet};
use crate::web::credentials::curl;
use crate::web::error::Result;
use crate::web::form::Pairs;
use crate::web::state::PortalState;
use crate::web::urls;

/// For `console/_console.html`: a page includes it and has a field `console`.
pub struct Console {
    /// Where the form goes.
    pub(crate) action: String,
    /// The endpoint, by name.
    pub(crate) endpoint: String,
    /// The operation, by what it is called in URLs.
    pub(crate) operation: String,
    /// Whether the viewer may call, and what to do if not.
    pub(crate) access: Access,
    pub(crate) environments: Vec<Choice>,
    /// Whether production is there, but not for this viewer.
    pub(crate) production_locked: bool,
    /// Whether the API asks for a credential.
    pub(crate) needs_credential: bool,
    /// The viewer's applications that are subscribed, and none of them.
    pub(crate) applications: Vec<Choice>,
    /// The plan of the one that is made where none is chosen; empty where none can be made.
    pub(crate) plan: String,
    /// Kinds of credential; only where there are several.
    pub(crate) kinds: Vec<Choice>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) body: Option<BodyInput>,
    /// Whether there is a body that the form cannot hold.
    pub(crate) takes_unknown_body: bool,
    pub(crate) snippets: Vec<Snippet>,
    /// What stopped the form; empty if nothing did.
    pub(crate) problem: String,
    /// What came back, on the page of a call.
    pub(crate) answer: Option<Shown>,
}

/// Whether a viewer may call from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Yes.
    Open,
    /// After signing in, there.
    SignIn(String),
    /// The operation can be called in production only, and the viewer may not.
    Locked,
    /// No application of the viewer's is subscribed, and none can be made for it.
    NoApplication,
    /// Nothing can be called.
    Nowhere,
}

/// An option of a select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) title: String,
    pub(crate) chosen: bool,
}

/// What a console is about.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// A version that the viewer sees.
    pub version: &'a MajorVersion,
    /// An endpoint of it.
    pub endpoint: &'a Endpoint,
    /// The operation, by what it is called in URLs.
    pub slug: &'a str,
    /// Its row of the list.
    pub operation: &'a Operation,
    /// What its page shows.
    pub page: &'a OperationPage,
}

/// What was typed, and what is wrong with it.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'a> {
    pub(crate) fields: &'a Pairs,
    pub(crate) problems: &'a Problems,
}

impl Console {
    /// As it stands on the page of an operation. `here` is the page, to come back to after signing in.
    pub async fn new(state: &PortalState, viewer: &Viewer, subject: Subject<'_>, here: &str) -> Result<Self> {
        let (empty, none) = (Pairs::new([]), Problems::new());
        let call = code(state, subject, (environment(viewer, subject, ""), None), None);
        let typed = Typed { fields: &empty, problems: &none };
        Self::load(state, viewer, subject, (here, call), typed, Beginning::Fresh).await
    }

    /// As it stands after it was sent.
    pub(crate) async fn again(
        state: &PortalState,
        viewer: &Viewer,
        subject: Subject<'_>,
        call: Prepared,
        typed: Typed<'_>,
    ) -> Result<Self> {
        Self::load(state, viewer, subject, ("", call), typed, Beginning::Sent).await
    }

    async fn load(
        state: &PortalState,
        viewer: &Viewer,
        subject: Subject<'_>,
        (here, call): (&str, Prepared),
        typed: Typed<'_>,
        beginning: Beginning,
    ) -> Result<Self> {
        let Subject { version, endpoint, slug, page, .. } = subject;
        let api = &version.api;
        let chosen = environment(viewer, subject, typed.fields.one("environment"));
        let may = |e: &Environment| viewer.member().is_none_or(|member| access::check(member, *e).is_ok());
        let environments: Vec<Choice> = in_order(endpoint)
            .filter(may)
            .map(|e| Choice { value: e.to_string(), title: e.title().to_owned(), chosen: e == chosen })
            .collect();
        let needs_credential = api.takes_api_key || api.takes_bearer;
        let mut plan = String::new();
        let mut applications = Vec::new();
        if let Some(member) = viewer.member().filter(|_| needs_credential) {
            let own = subscribe::own_for_major(&state.ctx, member, (api.id, version.major)).await?;
            let picked = typed.fields.one("application").parse().ok();
            let is_picked = |id: &ApplicationId| match beginning {
                Beginning::Fresh => own.first().is_some_and(|(first, _)| first == id),
                Beginning::Sent => picked == Some(*id),
            };
            applications = own
                .iter()
                .map(|(id, name)| Choice { value: id.to_string(), title: name.clone(), chosen: is_picked(id) })
                .collect();
            let may_make = member.developer().is_ok() && version.takes_subscriptions();
            let offered = plans::of_api(&state.ctx, api.id).await?;
            if let Some(first) = offered.into_iter().find(|plan| may_make && plan.approval == Approval::NotNeeded) {
                plan = first.title;
                let title = "None of mine: a test credential".to_owned();
                let chosen = !applications.iter().any(|a| a.chosen);
                applications.push(Choice { value: String::new(), title, chosen });
            }
        }
        let access = if endpoint.environments.is_empty() {
            Access::Nowhere
        } else if viewer.member().is_none() {
            Access::SignIn(urls::sign_in(here))
        } else if environments.is_empty() {
            Access::Locked
        } else if needs_credential && applications.is_empty() {
            Access::NoApplication
        } else {
            Access::Open
        };
        let kind = Kind::parse(typed.fields.one("kind"));
        let kinds = [(api.takes_api_key, Kind::ApiKey, "API key"), (api.takes_bearer, Kind::Token, "Access token")];
        let mut kinds: Vec<Choice> = kinds
            .into_iter()
            .filter(|(is_taken, ..)| *is_taken)
            .map(|(_, k, title)| Choice {
                value: k.as_str().to_owned(),
                title: title.to_owned(),
                chosen: kind == Some(k),
            })
            .collect();
        if kinds.len() < 2 {
            kinds.clear();
        }
        let problem = match typed.problems.as_slice() {
            [] => String::new(),
            [(_, only)] => only.clone(),
            _ => "Some fields need another look.".to_owned(),
        };
        Ok(Self {
            action: urls::api_calls(&api.name, version.major),
            endpoint: endpoint.name.clone(),
            operation: slug.to_owned(),
            access,
            production_locked: endpoint.environments.iter().any(|e| !may(e)),
            environments,
            needs_credential,
            applications,
            plan,
            kinds,
            inputs: inputs::of_parameters(page, typed, beginning),
            body: inputs::of_body(page, typed, beginning),
            takes_unknown_body: prepare::takes_unknown_body(page),
            snippets: snippets::all(&call),
            problem,
            answer: None,
        })
    }
}

/// Whether the form is seen for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// It is.
    Fresh,
    /// It shows again what was sent.
    Sent,
}

/// The call in code: with what was typed, or as the form starts. It holds a placeholder and never a credential.
pub(crate) fn code(
    state: &PortalState,
    subject: Subject<'_>,
    (environment, kind): (Environment, Option<Kind>),
    typed: Option<&Prepared>,
) -> Prepared {
    let Subject { version, endpoint, operation, page, .. } = subject;
    let base = version.url(state.urls.gateway(environment), endpoint);
    let mut call = typed.cloned().unwrap_or_else(|| prepare::example(&base, operation, page));
    let api = &version.api;
    let placeholder = match kind {
        Some(Kind::Token) if api.takes_bearer => Some((&api.bearer_header, curl::TOKEN)),
        _ if api.takes_api_key => Some((&api.api_key_header, curl::KEY)),
        _ if api.takes_bearer => Some((&api.bearer_header, curl::TOKEN)),
        _ => None,
    };
    if let Some((header, value)) = placeholder {
        call.headers.insert(0, (header.clone(), value.to_owned()));
    }
    call
}

/// The sandbox first: whoever tries out does not want to change anything real.
fn in_order(endpoint: &Endpoint) -> impl Iterator<Item = Environment> {
    let all = [Environment::Sandbox, Environment::Production];
    all.into_iter().filter(|environment| endpoint.environments.contains(environment))
}

/// The environment that was chosen, or the one to begin with.
fn environment(viewer: &Viewer, Subject { endpoint, .. }: Subject<'_>, chosen: &str) -> Environment {
    let may = |e: &Environment| viewer.member().is_none_or(|member| access::check(member, *e).is_ok());
    let named = in_order(endpoint).find(|e| e.as_str() == chosen);
    let first = in_order(endpoint).find(may).or(in_order(endpoint).next());
    named.or(first).unwrap_or(Environment::Sandbox)
}
