//! Asking for production: whoever lacks the role asks, and an administrator grants it or says why not.

use crate::base::error::{Error, Result};
use crate::base::id::UserId;
use crate::base::text::{self, Email};
use crate::domain::Ctx;
use crate::domain::accounts::access;
use crate::domain::accounts::model::{Member, PRODUCTION};
use crate::domain::accounts::role_request_store as store;
use crate::domain::accounts::store as account_store;
use crate::domain::audit;
use crate::domain::mail;
use crate::domain::mail::model::{Decision, Letter};
use serde_json::json;
use time::OffsetDateTime;

/// Characters of a note and of a reason, at most.
pub const LONGEST: usize = 500;
/// Requests that an administrator sees at once.
pub const SHOWN: i64 = 50;
/// Administrators who are written to.
const MOST_WRITTEN_TO: i64 = 20;

/// Where a person's request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits, since then.
    Open(OffsetDateTime),
    /// It was rejected, for this reason; may be empty.
    Rejected(String),
}

/// A request that waits for an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRequest {
    /// Who asks.
    pub user: UserId,
    /// Their address.
    pub email: Email,
    /// What to call them.
    pub name: String,
    /// The role.
    pub role: String,
    /// What they say; may be empty.
    pub note: String,
    /// Since when.
    pub requested_at: OffsetDateTime,
}

/// Where the member's request stands, if they have made one and lack the role.
pub async fn of(ctx: &Ctx, member: &Member) -> Result<Option<Standing>> {
    if member.may_hold_production() {
        return Ok(None);
    }
    store::of(&mut *ctx.conn().await?, member.id, PRODUCTION).await
}

/// Asks for production. Asking twice is asking once.
pub async fn ask(ctx: &Ctx, member: &Member, note: &str) -> Result<()> {
    if member.may_hold_production() {
        return Err(Error::Conflict("You may hold production credentials already.".to_owned()));
    }
    let note = text::prose("note", "the note", note, LONGEST).map_err(|error| Error::Invalid(vec![error]))?;
    let mut tx = ctx.db.begin().await?;
    if !store::open(&mut tx, (member.id, PRODUCTION), &note, ctx.clock.now()).await? {
        return Ok(());
    }
    let (what, detail) = (("role.requested", &*member.id.to_string()), json!({ "role": PRODUCTION, "note": note }));
    audit::record(&mut tx, ctx, &member.into(), what, None, detail).await?;
    let letter = Letter::RoleRequested { role: PRODUCTION.to_owned(), by: member.email.to_string(), note };
    for administrator in account_store::administrators(&mut tx, MOST_WRITTEN_TO).await? {
        mail::queue(&mut tx, ctx, &administrator, &letter).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What waits: the oldest first, [`SHOWN`] at most. For administrators only: for anybody else there is no such list.
pub async fn waiting(ctx: &Ctx, viewer: &Member) -> Result<Vec<RoleRequest>> {
    access::administrator(viewer)?;
    store::waiting(&mut *ctx.conn().await?, SHOWN).await
}

/// How many wait, counted up to `most`; none for whoever is no administrator.
pub async fn count(ctx: &Ctx, viewer: &Member, most: i64) -> Result<i64> {
    if access::administrator(viewer).is_err() {
        return Ok(0);
    }
    store::count(&mut *ctx.conn().await?, most).await
}

/// One request that waits, for an administrator.
pub async fn get(ctx: &Ctx, viewer: &Member, user: UserId) -> Result<RoleRequest> {
    access::administrator(viewer)?;
    store::find(&mut *ctx.conn().await?, user, PRODUCTION).await?.ok_or(Error::NotFound)
}

/// Grants what a person asks for.
pub async fn approve(ctx: &Ctx, viewer: &Member, user: UserId) -> Result<()> {
    access::administrator(viewer)?;
    let mut tx = ctx.db.begin().await?;
    // The order in which granting by hand takes its locks.
    account_store::lock_administrators(&mut tx).await?;
    let request = store::find(&mut tx, user, PRODUCTION).await?.ok_or_else(moved)?;
    access::grant_in(&mut tx, ctx, &request.email, (PRODUCTION, &viewer.into())).await?;
    let letter = decided(Decision::Approved, "");
    mail::queue(&mut tx, ctx, &request.email, &letter).await?;
    tx.commit().await?;
    Ok(())
}

/// Says no, and why.
pub async fn reject(ctx: &Ctx, viewer: &Member, user: UserId, reason: &str) -> Result<()> {
    access::administrator(viewer)?;
    let reason = text::prose("reason", "the reason", reason, LONGEST).map_err(|error| Error::Invalid(vec![error]))?;
    let mut tx = ctx.db.begin().await?;
    account_store::lock_administrators(&mut tx).await?;
    let request = store::find(&mut tx, user, PRODUCTION).await?.ok_or_else(moved)?;
    store::reject(&mut tx, (user, PRODUCTION), &reason).await?;
    let (what, detail) =
        (("role.request_rejected", &*user.to_string()), json!({ "role": PRODUCTION, "reason": reason }));
    audit::record(&mut tx, ctx, &viewer.into(), what, None, detail).await?;
    mail::queue(&mut tx, ctx, &request.email, &decided(Decision::Rejected, &reason)).await?;
    tx.commit().await?;
    Ok(())
}

fn decided(decision: Decision, reason: &str) -> Letter {
    Letter::RoleDecided { role: PRODUCTION.to_owned(), decision, reason: reason.to_owned() }
}

fn moved() -> Error {
    Error::Conflict("This request was decided or withdrawn meanwhile. Nothing was done.".to_owned())
}
