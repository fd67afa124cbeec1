//! Applications that stand behind credentials generated directly on an API. They are listed nowhere and reached by no page
//! of applications, until their owner makes ordinary ones of them.

use crate::base::error::{Error, Result};
use crate::base::id::{ApiId, ApplicationId};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::manage::{self, parse, taken};
use crate::domain::applications::model::Application;
use crate::domain::applications::store;
use crate::domain::audit;
use crate::domain::catalog::model::MajorVersion;
use crate::infra::db::{Conn, OnConstraint as _};
use serde_json::{Value, json};

/// Characters of a name, at most.
const LONGEST_NAME: usize = 70;

/// The member's application of this kind for a major version, if there is one.
pub async fn find(conn: &mut Conn, member: &Member, on: (ApiId, u16)) -> Result<Option<Application>> {
    store::direct(conn, member, on).await
}

/// The same, made if it is missing.
pub async fn ensure(conn: &mut Conn, ctx: &Ctx, member: &Member, version: &MajorVersion) -> Result<Application> {
    let on = (version.api.id, version.major);
    if let Some(there) = find(conn, member, on).await? {
        return Ok(there);
    }
    member.developer()?;
    let now = ctx.clock.now();
    let id = ApplicationId(ctx.random.uuid(now));
    let name: String = format!("{} v{}", version.api.title, version.major).chars().take(LONGEST_NAME).collect();
    store::insert_direct(conn, id, (member.id, &name), on, now).await.on_constraint(
        "applications_direct_key",
        || {
            let what = format!("You have just generated credentials on {name}. Load the page again to see them.");
            Error::Conflict(what)
        },
    )?;
    audit::record(conn, ctx, &member.into(), ("application.created", &name), Some(id), detail(version)).await?;
    find(conn, member, on).await?.ok_or(Error::NotFound)
}

/// Makes an ordinary application of it: its credentials and its subscription stay as they are.
pub async fn convert(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    version: &MajorVersion,
    name: &str,
) -> Result<Application> {
    let direct = find(conn, member, (version.api.id, version.major)).await?.ok_or(Error::NotFound)?;
    let (name, _) = parse(name, "")?;
    store::convert_direct(conn, direct.id, &name, ctx.clock.now())
        .await
        .on_constraint("applications_owner_name_key", || taken(&name))?;
    let what = ("application.converted", &*name);
    audit::record(conn, ctx, &member.into(), what, Some(direct.id), detail(version)).await?;
    Ok(manage::reach(conn, member, direct.id).await?.application)
}

/// Deletes it with its subscription and all its credentials.
pub async fn delete(conn: &mut Conn, ctx: &Ctx, member: &Member, version: &MajorVersion) -> Result<()> {
    let direct = find(conn, member, (version.api.id, version.major)).await?.ok_or(Error::NotFound)?;
    store::delete(conn, direct.id).await?;
    let what = ("application.deleted", &*direct.name);
    audit::record(conn, ctx, &member.into(), what, Some(direct.id), detail(version)).await
}

fn detail(version: &MajorVersion) -> Value {
    json!({ "direct": { "api": version.api.name, "major": version.major } })
}
