//! OAuth clients: the Application Keys of an application, one client an environment.

use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::base::id::{ApplicationId, ClientSecretId};
use crate::base::secret::{self, Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::applications::model::Application;
use crate::domain::audit;
use crate::domain::credentials::client_model::{
    Client, ClientSettings, IssuedClient, Legacy, RegisteredClient, SubscribedApi,
};
use crate::domain::credentials::model::GRACE;
use crate::domain::credentials::settings::{self, Checked};
use crate::domain::credentials::{access, client_store};
use crate::infra::db::{Conn, OnConstraint as _};
use serde_json::json;

/// Characters of a consumer key: it names, it does not prove.
const ID_LENGTH: usize = 24;

/// The client of an application the member reaches, if credentials were generated.
pub async fn get(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
    environment: Environment,
) -> Result<Option<Client>> {
    let mut conn = ctx.conn().await?;
    manage::reach(&mut conn, member, application).await?;
    client_store::find(&mut conn, application, environment).await
}

/// The same, of an application that the caller has reached.
pub async fn find(conn: &mut Conn, application: &Application, environment: Environment) -> Result<Option<Client>> {
    client_store::find(conn, application.id, environment).await
}

/// What an application the member reaches is subscribed to, with the scopes that its clients may be allowed.
pub async fn subscribed(ctx: &Ctx, member: &Member, application: ApplicationId) -> Result<Vec<SubscribedApi>> {
    let mut conn = ctx.conn().await?;
    manage::reach(&mut conn, member, application).await?;
    // What is blocked in production may be configured for the time after.
    client_store::subscribed(&mut conn, application, Environment::Sandbox).await
}

/// The client with this consumer key, for the authorization server.
pub async fn registered(conn: &mut Conn, id: &str) -> Result<Option<RegisteredClient>> {
    client_store::registered(conn, id).await
}

/// Whether some client may use the challenge method `plain` (RFC 7636 §4.2), for the server's metadata.
pub async fn any_allows_plain_challenges(conn: &mut Conn) -> Result<bool> {
    client_store::any_allows_plain_challenges(conn).await
}

/// Generates consumer key and secret. The new client may use `client_credentials` and nothing else.
pub async fn generate(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
    environment: Environment,
) -> Result<IssuedClient> {
    let settings = ClientSettings::default();
    generate_with(ctx, member, (application, environment), settings, Legacy::Forbidden).await
}

/// The same, with settings that were chosen before.
pub async fn generate_with(
    ctx: &Ctx,
    member: &Member,
    (application, environment): (ApplicationId, Environment),
    settings: ClientSettings,
    legacy: Legacy,
) -> Result<IssuedClient> {
    let mut tx = ctx.db.begin().await?;
    let application = manage::reach(&mut tx, member, application).await?.for_change()?;
    access::check(member, environment)?;
    let checked = settings::check(&mut tx, application.id, legacy, (&ClientSettings::default(), settings)).await?;
    let issued = create(&mut tx, ctx, member, (&application, environment), &checked).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Makes the client of an application that the caller has reached.
pub(super) async fn create(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    (application, environment): (&Application, Environment),
    settings: &Checked,
) -> Result<IssuedClient> {
    let id = secret::base62(&ctx.random, ID_LENGTH);
    client_store::insert(conn, &id, (application.id, environment), (member.id, ctx.clock.now())).await.on_constraint(
        "clients_once_key",
        || {
            let what =
                format!("{} has {environment} credentials already. Load the page again to see them.", application.name);
            Error::Conflict(what)
        },
    )?;
    client_store::update_settings(conn, &id, settings.settings(), settings.allowed_origins()).await?;
    let secret = add_secret(conn, ctx, &id, environment).await?;
    let grants: Vec<_> = settings.settings().grant_types.iter().map(|grant| grant.as_str()).collect();
    let detail = json!({ "environment": environment, "grant_types": grants });
    audit::record(conn, ctx, &member.into(), ("client.generated", &id), Some(application.id), detail).await?;
    let client = client_store::find(conn, application.id, environment).await?.ok_or(Error::NotFound)?;
    Ok(IssuedClient { client, secret })
}

/// A new consumer secret. The one it had works for another hour; one from before that stops now.
pub async fn new_secret(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
    environment: Environment,
) -> Result<IssuedClient> {
    let mut tx = ctx.db.begin().await?;
    let client = changeable(&mut tx, member, application, environment).await?;
    let issued = renew_secret(&mut tx, ctx, member, &client).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Ends the grace hour now: the old consumer secret stops working.
pub async fn end_old_secret(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
    environment: Environment,
) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    let client = changeable(&mut tx, member, application, environment).await?;
    end_old(&mut tx, ctx, member, &client).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes the client: its secrets and every token it got stop working.
pub async fn delete(ctx: &Ctx, member: &Member, application: ApplicationId, environment: Environment) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    let client = changeable(&mut tx, member, application, environment).await?;
    remove(&mut tx, ctx, member, &client).await?;
    tx.commit().await?;
    Ok(())
}

/// A new secret for a client that the caller has found the member may change.
pub(super) async fn renew_secret(conn: &mut Conn, ctx: &Ctx, member: &Member, client: &Client) -> Result<IssuedClient> {
    let Client { ref id, application, environment, .. } = *client;
    access::check(member, environment)?;
    client_store::delete_old_secrets(conn, id).await?;
    client_store::expire_current_secret(conn, id, ctx.clock.now() + GRACE).await?;
    let secret = add_secret(conn, ctx, id, environment).await?;
    audit::record(conn, ctx, &member.into(), ("client.secret_regenerated", id), Some(application), json!({})).await?;
    let client = client_store::find(conn, application, environment).await?.ok_or(Error::NotFound)?;
    Ok(IssuedClient { client, secret })
}

/// Ends the old secret of such a client.
pub(super) async fn end_old(conn: &mut Conn, ctx: &Ctx, member: &Member, client: &Client) -> Result<()> {
    client_store::delete_old_secrets(conn, &client.id).await?;
    let what = ("client.old_secret_ended", &*client.id);
    audit::record(conn, ctx, &member.into(), what, Some(client.application), json!({})).await
}

/// Removes such a client.
pub(super) async fn remove(conn: &mut Conn, ctx: &Ctx, member: &Member, client: &Client) -> Result<()> {
    client_store::delete(conn, &client.id).await?;
    let detail = json!({ "environment": client.environment });
    audit::record(conn, ctx, &member.into(), ("client.deleted", &client.id), Some(client.application), detail).await
}

async fn changeable(
    conn: &mut Conn,
    member: &Member,
    application: ApplicationId,
    environment: Environment,
) -> Result<Client> {
    manage::reach(conn, member, application).await?.for_change()?;
    client_store::find(conn, application, environment).await?.ok_or(Error::NotFound)
}

async fn add_secret(conn: &mut Conn, ctx: &Ctx, client: &str, environment: Environment) -> Result<Plain> {
    let now = ctx.clock.now();
    let secret = Plain::mint(Kind::ClientSecret(environment), &ctx.random);
    let id = ClientSecretId(ctx.random.uuid(now));
    client_store::insert_secret(conn, id, client, (&secret.digest(), secret.hint()), now).await?;
    Ok(secret)
}
