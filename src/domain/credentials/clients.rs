//! OAuth clients: the Application Keys of an application, one client an environment.

use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::base::id::{ApplicationId, ClientSecretId};
use crate::base::secret::{self, Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage;
use crate::domain::audit;
use crate::domain::credentials::model::{Client, GRACE, IssuedClient, RegisteredClient};
use crate::domain::credentials::{access, client_store};
use crate::infra::db::{Conn, OnConstraint as _};
use serde_json::json;
use time::OffsetDateTime;

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

/// The client with this consumer key, for the token endpoint to authenticate. One read.
pub async fn registered(conn: &mut Conn, id: &str, now: OffsetDateTime) -> Result<Option<RegisteredClient>> {
    client_store::registered(conn, id, now).await
}

/// Generates consumer key and secret. A new client may use `client_credentials` and nothing else.
pub async fn generate(
    ctx: &Ctx,
    member: &Member,
    application: ApplicationId,
    environment: Environment,
) -> Result<IssuedClient> {
    let mut tx = ctx.db.begin().await?;
    let application = manage::reach(&mut tx, member, application).await?.for_change()?;
    access::check(member, environment)?;
    let now = ctx.clock.now();
    let id = secret::base62(&ctx.random, ID_LENGTH);
    client_store::insert(&mut tx, &id, (application.id, environment), &["client_credentials"], (member.id, now))
        .await
        .on_constraint("clients_once_key", || {
            let what =
                format!("{} has {environment} credentials already. Load the page again to see them.", application.name);
            Error::Conflict(what)
        })?;
    let secret = add_secret(&mut tx, ctx, &id, environment).await?;
    let detail = json!({ "environment": environment });
    audit::record(&mut tx, ctx, &member.into(), ("client.generated", &id), Some(application.id), detail).await?;
    let client = client_store::find(&mut tx, application.id, environment).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
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
    access::check(member, environment)?;
    client_store::delete_old_secrets(&mut tx, &client.id).await?;
    client_store::expire_current_secret(&mut tx, &client.id, ctx.clock.now() + GRACE).await?;
    let secret = add_secret(&mut tx, ctx, &client.id, environment).await?;
    let what = ("client.secret_regenerated", &*client.id);
    audit::record(&mut tx, ctx, &member.into(), what, Some(application), json!({})).await?;
    let client = client_store::find(&mut tx, application, environment).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(IssuedClient { client, secret })
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
    client_store::delete_old_secrets(&mut tx, &client.id).await?;
    let what = ("client.old_secret_ended", &*client.id);
    audit::record(&mut tx, ctx, &member.into(), what, Some(application), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes the client: its secrets and every token it got stop working.
pub async fn delete(ctx: &Ctx, member: &Member, application: ApplicationId, environment: Environment) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    let client = changeable(&mut tx, member, application, environment).await?;
    client_store::delete(&mut tx, &client.id).await?;
    let detail = json!({ "environment": environment });
    audit::record(&mut tx, ctx, &member.into(), ("client.deleted", &client.id), Some(application), detail).await?;
    tx.commit().await?;
    Ok(())
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
