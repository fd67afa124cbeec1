//! What a member changes of the own account: name and password.

use crate::base::error::{Error, Result};
use crate::base::text;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::throttle::{Attempt, Gate};
use crate::domain::accounts::{links, password, store};
use crate::domain::audit;
use std::net::IpAddr;

/// Changes the name.
pub async fn rename(ctx: &Ctx, member: &Member, name: &str) -> Result<()> {
    let name = text::line("name", "a name", name, 100).map_err(|e| Error::Invalid(vec![e]))?;
    let mut tx = ctx.db.begin().await?;
    store::rename(&mut tx, member.id, &name).await?;
    let what = ("user.renamed", &*member.id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, None, serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Changes the password of whoever knows the one before. Every session ends, this one too: open a new one. Guesses are
/// counted like those at the sign-in page: a session left open must not be a place to guess.
pub async fn change_password(ctx: &Ctx, member: &Member, (current, new): (&str, &str), from: IpAddr) -> Result<()> {
    let attempt = Attempt::of_person(member.email.as_str(), from);
    let mut conn = ctx.conn().await?;
    if let Gate::Closed(wait) = attempt.gate(&mut conn, ctx.clock.now()).await? {
        return Err(Error::Busy(wait));
    }
    let user = store::user_by_email(&mut conn, &member.email).await?.ok_or(Error::NotFound)?;
    drop(conn); // hashing takes a while; others need the connection
    password::check(new, &[member.email.as_str(), &member.name]).map_err(|e| Error::Invalid(vec![e]))?;
    if !password::matches(ctx, current, user.password_hash).await? {
        attempt.failed(&mut *ctx.conn().await?, ctx.clock.now()).await?;
        return Err(Error::field("current", "This is not your password."));
    }
    if current == new {
        return Err(Error::field("password", "Choose another password than the one that you have."));
    }
    let hash = password::hash(ctx, new).await?;
    let mut tx = ctx.db.begin().await?;
    attempt.forget(&mut tx).await?;
    links::new_password(&mut tx, ctx, member, &hash).await?;
    tx.commit().await?;
    Ok(())
}
