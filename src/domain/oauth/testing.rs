//! Test credentials: Generate Token on the Application Keys pane, and what the console of an operation calls with.

use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::base::id::ApplicationId;
use crate::base::scope::Scopes;
use crate::domain::Ctx;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::model::Application;
use crate::domain::applications::{direct, manage};
use crate::domain::audit;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::{Endpoint, MajorVersion};
use crate::domain::credentials::client_model::{
    Client, ClientKind, ClientSettings, GrantType, RegisteredClient, SubscribedApi,
};
use crate::domain::credentials::{access, clients, testing};
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::mint::{self, Issued};
use crate::domain::oauth::scopes::{self, Subject};
use crate::domain::subscriptions::model::{State as SubscriptionState, Subscription};
use crate::domain::subscriptions::{plans, subscribe};
use crate::infra::db::Conn;
use serde_json::json;
use time::{Duration, OffsetDateTime};

/// Which credential to try an API out with.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The API's name in URLs, and its major version.
    pub api: (&'a str, u16),
    /// The endpoint; the only one or the first of the environment when empty.
    pub endpoint: &'a str,
    /// Where it shall open the API.
    pub environment: Environment,
    /// For which of the member's applications; none: for one that is listed nowhere, subscribed under the first plan.
    pub application: Option<ApplicationId>,
    /// Of which kind; none: an API key where the API takes one, else an access token.
    pub kind: Option<Kind>,
}

/// A kind of credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An API key.
    ApiKey,
    /// An access token.
    Token,
}

/// A credential that was just made. It holds a secret, so it has no `Debug`.
pub struct Credential {
    /// The header that carries it.
    pub header: String,
    /// What stands in the header.
    pub value: String,
    /// When it ends.
    pub expires_at: OffsetDateTime,
}

impl Kind {
    /// As in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api-key",
            Self::Token => "token",
        }
    }

    /// From a form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ApiKey, Self::Token].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Whether the client of an application may have test tokens: they are what `client_credentials` would give it.
pub fn may_have_token(settings: &ClientSettings) -> bool {
    settings.kind == ClientKind::Confidential && settings.has(GrantType::ClientCredentials)
}

/// A token for testing, as the application would get it for itself with the client credentials grant.
pub async fn token(
    ctx: &Ctx,
    issuer: &Issuer,
    member: &Member,
    (application, environment): (ApplicationId, Environment),
) -> Result<Issued> {
    let mut tx = ctx.db.begin().await?;
    let application = manage::reach(&mut tx, member, application).await?.for_change()?;
    access::check(member, environment)?;
    let client = clients::find(&mut tx, &application, environment).await?.ok_or(Error::NotFound)?;
    let client = registered(&mut tx, &client).await?;
    testing::take_turn(&mut tx, ctx, member).await?;
    let scopes = scopes::resolve(&client, Subject::Client, None).unwrap_or_default();
    let token = mint::for_client(ctx, issuer, &client, &scopes, &[])?;
    let detail = json!({ "environment": environment, "scope": token.scope });
    record(&mut tx, ctx, member, &client, detail).await?;
    tx.commit().await?;
    Ok(token)
}

/// Makes a credential that opens an API for a quarter of an hour.
pub async fn credential(ctx: &Ctx, issuer: &Issuer, member: &Member, wanted: &Wanted<'_>) -> Result<Credential> {
    let mut tx = ctx.db.begin().await?;
    let viewer = Viewer::Member(member.clone());
    let version = browse::major(&mut tx, &viewer, wanted.api.0, wanted.api.1).await?;
    let kind = kind(&version, wanted.kind)?;
    access::check(member, wanted.environment)?;
    let endpoint = endpoint(&version, wanted)?;
    testing::take_turn(&mut tx, ctx, member).await?;
    let application = application(&mut tx, ctx, member, (&version, wanted.application, wanted.environment)).await?;
    let on = (&application, wanted.environment);
    let credential = match kind {
        Kind::ApiKey => {
            let (secret, expires_at) = testing::key(&mut tx, ctx, member, on, (&version, endpoint)).await?;
            let header = version.api.api_key_header.clone();
            Credential { header, value: secret.expose().to_owned(), expires_at }
        }
        Kind::Token => {
            let client = if wanted.application.is_some() {
                let missing = || {
                    let Application { name, .. } = &application;
                    let what = format!("{name} has no {} credentials. Generate them, or choose no application.", on.1);
                    Error::Conflict(what)
                };
                clients::find(&mut tx, on.0, on.1).await?.ok_or_else(missing)?.id
            } else {
                testing::ensure_client(&mut tx, ctx, member, on).await?
            };
            for_api(&mut tx, ctx, issuer, member, (&client, &version, on.1)).await?
        }
    };
    tx.commit().await?;
    Ok(credential)
}

/// A token of a client for one API and nothing else.
async fn for_api(
    conn: &mut Conn,
    ctx: &Ctx,
    issuer: &Issuer,
    member: &Member,
    (client, version, environment): (&str, &MajorVersion, Environment),
) -> Result<Credential> {
    let mut client = of_settings(clients::registered(conn, client).await?.ok_or(Error::NotFound)?)?;
    client.settings.access_token_seconds = client.settings.access_token_seconds.min(testing::SECONDS);
    let is_it = |api: &&SubscribedApi| api.api == version.api.id && api.major == version.major;
    let api = client.apis.iter().find(is_it).ok_or(Error::NotFound)?;
    let all = Scopes::new(api.scopes.iter().map(|scope| scope.name.as_str()));
    let resource = api.identifier(issuer.urls().gateway(environment));
    let scopes = scopes::still_open(&client, Subject::Client, &all);
    let token = mint::for_client(ctx, issuer, &client, &scopes, &[resource])?;
    let detail = json!({
        "environment": environment, "scope": token.scope, "api": version.api.name, "major": version.major,
    });
    record(conn, ctx, member, &client, detail).await?;
    Ok(Credential {
        header: version.api.bearer_header.clone(),
        value: format!("Bearer {}", token.access_token),
        expires_at: ctx.clock.now() + Duration::seconds(token.expires_in.into()),
    })
}

async fn record(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    client: &RegisteredClient,
    detail: serde_json::Value,
) -> Result<()> {
    let what = (testing::TOKEN_ISSUED, &*client.id);
    audit::record(conn, ctx, &member.into(), what, Some(client.application), detail).await
}

async fn registered(conn: &mut Conn, client: &Client) -> Result<RegisteredClient> {
    of_settings(clients::registered(conn, &client.id).await?.ok_or(Error::NotFound)?)
}

fn of_settings(client: RegisteredClient) -> Result<RegisteredClient> {
    if may_have_token(&client.settings) {
        return Ok(client);
    }
    Err(Error::Conflict(format!(
        "Test tokens take the grant Client credentials, and {} may not use it. Choose it in Advanced configurations.",
        client.application_name
    )))
}

/// What the API takes of what is wanted.
fn kind(version: &MajorVersion, wanted: Option<Kind>) -> Result<Kind> {
    let api = &version.api;
    let taken = [(api.takes_api_key, Kind::ApiKey), (api.takes_bearer, Kind::Token)];
    let mut taken = taken.into_iter().filter(|(is_taken, _)| *is_taken).map(|(_, kind)| kind);
    taken.find(|kind| wanted.is_none_or(|wanted| wanted == *kind)).ok_or_else(|| {
        let what = match wanted {
            Some(Kind::ApiKey) => "takes no API keys. Use an access token.",
            Some(Kind::Token) => "takes no access tokens. Use an API key.",
            None => "asks for no credential.",
        };
        Error::Conflict(format!("{} {what}", api.title))
    })
}

fn endpoint<'a>(version: &'a MajorVersion, wanted: &Wanted<'_>) -> Result<&'a Endpoint> {
    let all = version.current().map_or(&[][..], |v| &v.endpoints);
    let named = |e: &&Endpoint| wanted.endpoint.is_empty() || e.name == wanted.endpoint;
    all.iter().filter(|e| e.environments.contains(&wanted.environment)).find(named).ok_or_else(|| {
        let what = format!("{} v{} has no such {} endpoint.", version.api.title, version.major, wanted.environment);
        Error::Conflict(what)
    })
}

/// The application chosen, which must be subscribed; without a choice the member's own of this API that is listed
/// nowhere, subscribed now if it is not yet.
async fn application(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    (version, chosen, environment): (&MajorVersion, Option<ApplicationId>, Environment),
) -> Result<Application> {
    let Some(id) = chosen else {
        let application = direct::ensure(conn, ctx, member, version).await?;
        let there = subscribe::find(conn, application.id, version.api.id, version.major).await?;
        let subscription = if let Some(there) = there {
            there
        } else {
            let plan = plans::first_of_api(conn, version.api.id).await?.ok_or_else(|| {
                let what = "Each subscription policy of this API needs approval. Choose an application of yours whose \
                            subscription is approved.";
                Error::Conflict(what.to_owned())
            })?;
            subscribe::ensure(conn, ctx, member, (&application, version), Some(&plan.name)).await?
        };
        return open(&subscription, environment).map(|()| application);
    };
    let application = manage::reach(conn, member, id).await?.for_change()?;
    let Some(subscription) = subscribe::find(conn, id, version.api.id, version.major).await? else {
        let what = format!("{} is not subscribed to {} v{}.", application.name, version.api.title, version.major);
        return Err(Error::Conflict(what));
    };
    open(&subscription, environment).map(|()| application)
}

/// Refuses a credential that would open nothing, and says why.
fn open(subscription: &Subscription, environment: Environment) -> Result<()> {
    if subscription.state.is_open(environment) {
        return Ok(());
    }
    let what = match subscription.state {
        SubscriptionState::Pending => "waits for one of the API's owners to approve it",
        SubscriptionState::Rejected => "was not approved",
        SubscriptionState::ProductionBlocked => "is blocked in production by its publisher",
        SubscriptionState::Blocked | SubscriptionState::Active => "is blocked by its publisher",
    };
    let Subscription { application_name, api_title, major, .. } = subscription;
    Err(Error::Conflict(format!("The subscription of {application_name} to {api_title} v{major} {what}.")))
}
