//! Sessions: a random secret in a cookie, its digest and the account here.

use crate::base::error::{Error, Result};
use crate::base::id::SessionId;
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::link_store;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::providers::started_store;
use crate::domain::accounts::session_store as store;
use crate::domain::accounts::store as account_store;
use crate::domain::audit;
use crate::infra::db::Conn;
use time::{Duration, OffsetDateTime};

/// Sessions that one person may have; the ones used longest ago give way.
const MOST: i64 = 50;

/// When sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// After so long without a request.
    pub idle: Duration,
    /// In any case.
    pub absolute: Duration,
}

impl Lifetime {
    /// From the configuration's seconds.
    pub fn from_seconds(idle: u32, absolute: u32) -> Self {
        Self { idle: Duration::seconds(idle.into()), absolute: Duration::seconds(absolute.into()) }
    }
}

/// Opens a session: the member in it, and what goes into the cookie. `user_agent` is kept so that people recognise their
/// sessions.
pub async fn open(ctx: &Ctx, member: &Member, lifetime: Lifetime, user_agent: &str) -> Result<(Member, Plain)> {
    open_by(ctx, member, lifetime, user_agent, None).await
}

/// The same, by a provider of that name; none: by a password.
pub async fn open_by(
    ctx: &Ctx,
    member: &Member,
    lifetime: Lifetime,
    user_agent: &str,
    provider: Option<&str>,
) -> Result<(Member, Plain)> {
    let now = ctx.clock.now();
    let secret = Plain::mint(Kind::Session, &ctx.random);
    let user_agent: String = user_agent.chars().filter(|c| !c.is_control()).take(200).collect();
    let session = store::NewSession {
        id: SessionId(ctx.random.uuid(now)),
        digest: secret.digest(),
        user: member.id,
        now,
        expires_at: now + lifetime.absolute,
        user_agent,
        provider: provider.map(str::to_owned),
    };
    let mut conn = ctx.conn().await?;
    store::insert(&mut conn, &session).await?;
    store::delete_oldest(&mut conn, member.id, MOST).await?;
    Ok((Member { session: Some(session.id), ..member.clone() }, secret))
}

/// A session that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose it is.
    pub member: Member,
    /// When it ends unless it is used again.
    pub ends_at: OffsetDateTime,
}

/// Whether looking at a session counts as its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It does.
    Use,
    /// It does not: the page only asks how long it still lasts.
    Glance,
}

/// Whose session the cookie is: nobody's when it is malformed, ended, idle for too long, or the account is disabled.
pub async fn find(ctx: &Ctx, cookie: &str, lifetime: Lifetime, look: Look) -> Result<Option<Found>> {
    let Some(secret) = Plain::parse(Kind::Session, cookie) else {
        return Ok(None);
    };
    let now = ctx.clock.now();
    let mut conn = ctx.conn().await?;
    let Some(row) = store::find(&mut conn, &secret.digest(), now, now - lifetime.idle).await? else {
        return Ok(None);
    };
    let mut last_seen_at = row.last_seen_at;
    // A write a minute is enough to know when a session was last seen.
    if let Some(session) = row.member.session
        && look == Look::Use
        && now - last_seen_at >= Duration::MINUTE
    {
        store::touch(&mut conn, session, now).await?;
        last_seen_at = now;
    }
    let ends_at = row.expires_at.min(last_seen_at + lifetime.idle);
    Ok(Some(Found { member: row.member, ends_at }))
}

/// One of a member's own sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSession {
    /// Its id.
    pub id: SessionId,
    /// When it was opened.
    pub opened_at: OffsetDateTime,
    /// When it was last used, to the minute.
    pub last_seen_at: OffsetDateTime,
    /// What the browser calls itself.
    pub user_agent: String,
    /// The name of the provider that it was opened by; none: a password.
    pub provider: Option<String>,
    /// Which one it is.
    pub place: Place,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is the one that asks.
    Here,
    /// It is another one.
    Elsewhere,
}

/// The member's own sessions, the one used last first.
pub async fn list(ctx: &Ctx, member: &Member, lifetime: Lifetime) -> Result<Vec<OwnSession>> {
    let now = ctx.clock.now();
    let rows = store::of_user(&mut *ctx.conn().await?, member.id, now, now - lifetime.idle).await?;
    let own = |row: store::OwnRow| OwnSession {
        id: row.id,
        opened_at: row.created_at,
        last_seen_at: row.last_seen_at,
        user_agent: row.user_agent,
        provider: row.provider,
        place: if Some(row.id) == member.session { Place::Here } else { Place::Elsewhere },
    };
    Ok(rows.into_iter().map(own).collect())
}

/// Ends one of the member's own sessions.
pub async fn end(ctx: &Ctx, member: &Member, session: SessionId) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    if !store::delete_own(&mut tx, member.id, session).await? {
        return Err(Error::NotFound);
    }
    let what = ("session.ended", &*session.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, None, serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends every session of the member, this one too.
pub async fn end_all(ctx: &Ctx, member: &Member) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    store::delete_of(&mut tx, member.id).await?;
    let what = ("sessions.ended", &*member.id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, None, serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// When a session was opened, and so when its member proved who it is: signing in always opens a new one.
pub async fn opened_at(conn: &mut Conn, session: SessionId) -> Result<Option<OffsetDateTime>> {
    store::opened_at(conn, session).await
}

/// Ends the member's own session.
pub async fn sign_out(ctx: &Ctx, member: &Member) -> Result<()> {
    match member.session {
        Some(session) => store::delete(&mut *ctx.conn().await?, session).await,
        None => Ok(()),
    }
}

/// Tidies up sessions, links and started sign-ins that have ended; answers how many rows went.
pub async fn sweep(ctx: &Ctx, lifetime: Lifetime) -> Result<u64> {
    let now = ctx.clock.now();
    let mut conn = ctx.conn().await?;
    let sessions = store::sweep(&mut conn, now, now - lifetime.idle).await?;
    let links = link_store::sweep(&mut conn, now).await?;
    let failures = account_store::sweep_login_failures(&mut conn, now - Duration::DAY).await?;
    let started = started_store::sweep(&mut conn, now).await?;
    Ok(sessions + links + failures + started)
}
