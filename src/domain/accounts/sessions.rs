//! Sessions: a random secret in a cookie, its digest and the account here.

use crate::base::error::Result;
use crate::base::id::SessionId;
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::store;
use crate::infra::db::Conn;
use time::{Duration, OffsetDateTime};

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
    };
    store::insert_session(&mut *ctx.conn().await?, &session).await?;
    Ok((Member { session: Some(session.id), ..member.clone() }, secret))
}

/// Whose session the cookie is: nobody's when it is malformed, ended, idle for too long, or the account is disabled.
pub async fn find(ctx: &Ctx, cookie: &str, lifetime: Lifetime) -> Result<Option<Member>> {
    let Some(secret) = Plain::parse(Kind::Session, cookie) else {
        return Ok(None);
    };
    let now = ctx.clock.now();
    let mut conn = ctx.conn().await?;
    let Some((member, last_seen_at)) = store::session(&mut conn, &secret.digest(), now, now - lifetime.idle).await?
    else {
        return Ok(None);
    };
    // A write a minute is enough to know when a session was last seen.
    if let Some(session) = member.session
        && now - last_seen_at >= Duration::MINUTE
    {
        store::touch_session(&mut conn, session, now).await?;
    }
    Ok(Some(member))
}

/// When a session was opened, and so when its member proved who it is: signing in always opens a new one.
pub async fn opened_at(conn: &mut Conn, session: SessionId) -> Result<Option<OffsetDateTime>> {
    store::session_opened_at(conn, session).await
}

/// Ends the member's own session.
pub async fn sign_out(ctx: &Ctx, member: &Member) -> Result<()> {
    match member.session {
        Some(session) => store::delete_session(&mut *ctx.conn().await?, session).await,
        None => Ok(()),
    }
}

/// Tidies up sessions and links that have ended; answers how many rows went.
pub async fn sweep(ctx: &Ctx, lifetime: Lifetime) -> Result<u64> {
    let now = ctx.clock.now();
    store::sweep(&mut *ctx.conn().await?, now, now - lifetime.idle).await
}
