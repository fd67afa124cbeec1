//! Credentials directly on an API, for testing: consumer key and secret that open one major version of it, without an
//! application of one's own and without advanced configurations. Behind them is an application that is listed nowhere;
//! whoever wants more makes an ordinary one of it and keeps the credentials.

use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::domain::Ctx;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::applications::direct;
use crate::domain::applications::model::Application;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::MajorVersion;
use crate::domain::credentials::client_model::{Client, ClientSettings, IssuedClient, Legacy};
use crate::domain::credentials::{access, client_store, clients, settings};
use crate::domain::subscriptions::model::Subscription;
use crate::domain::subscriptions::subscribe;
use crate::infra::db::Conn;

/// A major version by the API's name, and an environment.
pub type Place<'a> = (&'a str, u16, Environment);

/// What the member has there.
#[derive(Debug)]
pub struct Direct {
    /// The subscription, from the first credentials on, whichever environment they are of.
    pub subscription: Option<Subscription>,
    /// The client of the environment.
    pub client: Option<Client>,
}

/// What the member has for a version that the caller has found.
pub async fn get(ctx: &Ctx, member: &Member, version: &MajorVersion, environment: Environment) -> Result<Direct> {
    let mut conn = ctx.conn().await?;
    let on = (version.api.id, version.major);
    let Some(application) = direct::find(&mut conn, member, on).await? else {
        return Ok(Direct { subscription: None, client: None });
    };
    Ok(Direct {
        subscription: subscribe::find(&mut conn, application.id, on.0, on.1).await?,
        client: client_store::find(&mut conn, application.id, environment).await?,
    })
}

/// Generates consumer key and secret for `client_credentials`, subscribed under `plan` if nothing is yet.
pub async fn generate(
    ctx: &Ctx,
    member: &Member,
    (api, major, environment): Place<'_>,
    plan: Option<&str>,
) -> Result<IssuedClient> {
    let mut tx = ctx.db.begin().await?;
    let version = visible(&mut tx, member, (api, major)).await?;
    if !version.api.takes_bearer {
        return Err(Error::Conflict(format!("{} takes no access tokens. Use an API key.", version.api.title)));
    }
    access::check(member, environment)?;
    let is_served =
        version.current().is_some_and(|v| v.endpoints.iter().any(|e| e.environments.contains(&environment)));
    if !is_served {
        return Err(Error::Conflict(format!("{} v{major} has no {environment} endpoint.", version.api.title)));
    }
    let application = direct::ensure(&mut tx, ctx, member, &version).await?;
    subscribe::ensure(&mut tx, ctx, member, (&application, &version), plan).await?;
    let defaults = ClientSettings::default();
    let checked = settings::check(&mut tx, application.id, Legacy::Forbidden, (&defaults, defaults.clone())).await?;
    let issued = clients::create(&mut tx, ctx, member, (&application, environment), &checked).await?;
    tx.commit().await?;
    Ok(issued)
}

/// A new consumer secret. The one it had works for another hour; one from before that stops now.
pub async fn new_secret(ctx: &Ctx, member: &Member, place: Place<'_>) -> Result<IssuedClient> {
    let mut tx = ctx.db.begin().await?;
    let (_, client) = reach(&mut tx, member, place).await?;
    let issued = clients::renew_secret(&mut tx, ctx, member, &client).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Ends the grace hour now: the old consumer secret stops working.
pub async fn end_old_secret(ctx: &Ctx, member: &Member, place: Place<'_>) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    let (_, client) = reach(&mut tx, member, place).await?;
    clients::end_old(&mut tx, ctx, member, &client).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes the credentials of one environment; the subscription goes with the last of them.
pub async fn delete(ctx: &Ctx, member: &Member, place: Place<'_>) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    let (version, client) = reach(&mut tx, member, place).await?;
    clients::remove(&mut tx, ctx, member, &client).await?;
    let mut is_last = true;
    for environment in Environment::ALL {
        is_last &= client_store::find(&mut tx, client.application, environment).await?.is_none();
    }
    // A block by the publisher outlives the credentials: generating them again must not lift it.
    let subscription = subscribe::find(&mut tx, client.application, version.api.id, version.major).await?;
    if is_last && !subscription.is_some_and(|subscription| subscription.state.is_blocked()) {
        direct::delete(&mut tx, ctx, member, &version).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Makes an ordinary application of what is behind the credentials of both environments. Consumer keys, secrets, tokens
/// and the subscription go on as they are.
pub async fn convert(ctx: &Ctx, member: &Member, (api, major): (&str, u16), name: &str) -> Result<Application> {
    let mut tx = ctx.db.begin().await?;
    let version = visible(&mut tx, member, (api, major)).await?;
    let application = direct::convert(&mut tx, ctx, member, &version, name).await?;
    tx.commit().await?;
    Ok(application)
}

async fn visible(conn: &mut Conn, member: &Member, (api, major): (&str, u16)) -> Result<MajorVersion> {
    browse::major(conn, &Viewer::Member(member.clone()), api, major).await
}

async fn reach(
    conn: &mut Conn,
    member: &Member,
    (api, major, environment): Place<'_>,
) -> Result<(MajorVersion, Client)> {
    let version = visible(conn, member, (api, major)).await?;
    let application = direct::find(conn, member, (version.api.id, major)).await?.ok_or(Error::NotFound)?;
    let client = client_store::find(conn, application.id, environment).await?.ok_or(Error::NotFound)?;
    Ok((version, client))
}
