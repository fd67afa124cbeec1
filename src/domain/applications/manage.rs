//! Creating, finding, editing and deleting applications.

use crate::base::error::{Error, FieldError, Result};
use crate::base::id::ApplicationId;
use crate::base::text;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::model::{Access, Application, Consequences, Reached};
use crate::domain::applications::store;
use crate::domain::audit;
use crate::infra::db::{Conn, OnConstraint as _};
use serde_json::json;

/// The member's own applications and those shared with them, by name.
pub async fn list(ctx: &Ctx, member: &Member) -> Result<Vec<Reached>> {
    store::of_member(&mut *ctx.conn().await?, member).await
}

/// One application, if the member owns it or it is shared with them; otherwise it does not exist.
pub async fn get(ctx: &Ctx, member: &Member, id: ApplicationId) -> Result<Reached> {
    reach(&mut *ctx.conn().await?, member, id).await
}

/// The same, inside a transaction.
pub async fn reach(conn: &mut Conn, member: &Member, id: ApplicationId) -> Result<Reached> {
    store::reach(conn, member, id).await?.ok_or(Error::NotFound)
}

/// Creates an application for the member.
pub async fn create(ctx: &Ctx, member: &Member, name: &str, description: &str) -> Result<Application> {
    let mut tx = ctx.db.begin().await?;
    let application = create_in(&mut tx, ctx, member, name, description).await?;
    tx.commit().await?;
    Ok(application)
}

/// The same, inside a transaction: an API key may bring its application along.
pub async fn create_in(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    name: &str,
    description: &str,
) -> Result<Application> {
    member.developer()?;
    let (name, description) = parse(name, description)?;
    let now = ctx.clock.now();
    let id = ApplicationId(ctx.random.uuid(now));
    store::insert(conn, id, member.id, (&name, &description), now)
        .await
        .on_constraint("applications_owner_name_key", || taken(&name))?;
    audit::record(conn, ctx, &member.into(), ("application.created", &name), Some(id), json!({})).await?;
    Ok(reach(conn, member, id).await?.application)
}

/// Changes name and description.
pub async fn edit(ctx: &Ctx, member: &Member, id: ApplicationId, name: &str, description: &str) -> Result<Application> {
    let mut tx = ctx.db.begin().await?;
    reach(&mut tx, member, id).await?.for_change()?;
    let (name, description) = parse(name, description)?;
    store::update(&mut tx, id, (&name, &description), ctx.clock.now())
        .await
        .on_constraint("applications_owner_name_key", || taken(&name))?;
    audit::record(&mut tx, ctx, &member.into(), ("application.edited", &name), Some(id), json!({})).await?;
    let application = reach(&mut tx, member, id).await?.application;
    tx.commit().await?;
    Ok(application)
}

/// What would die with the application.
pub async fn consequences(ctx: &Ctx, member: &Member, id: ApplicationId) -> Result<Consequences> {
    let mut conn = ctx.conn().await?;
    reach(&mut conn, member, id).await?.for_change()?;
    store::consequences(&mut conn, id).await
}

/// Deletes the application with its subscriptions, API keys and clients. The gateway refuses them at once.
pub async fn delete(ctx: &Ctx, member: &Member, id: ApplicationId) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    let application = reach(&mut tx, member, id).await?.for_change()?;
    store::delete(&mut tx, id).await?;
    audit::record(&mut tx, ctx, &member.into(), ("application.deleted", &application.name), Some(id), json!({}))
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Whether the member may change it: the access alone, for pages that only show.
pub fn may_change(reached: &Reached) -> bool {
    reached.access == Access::Owner
}

pub(super) fn parse(name: &str, description: &str) -> Result<(String, String)> {
    let name = text::line("name", "a name", name, 70);
    let description = text::prose("description", "the description", description, 512);
    match (name, description) {
        (Ok(name), Ok(description)) => Ok((name, description)),
        (name, description) => {
            Err(Error::Invalid([name.err(), description.err()].into_iter().flatten().collect::<Vec<FieldError>>()))
        }
    }
}

pub(super) fn taken(name: &str) -> Error {
    Error::field("name", format!("You have an application named {name} already. Choose another name."))
}
