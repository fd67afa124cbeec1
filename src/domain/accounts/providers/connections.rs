//! How a member can sign in: seeing it, and connecting or disconnecting a provider.

use crate::base::error::{Error, Result};
use crate::domain::Ctx;
use crate::domain::accounts::model::{ADMIN, Member};
use crate::domain::accounts::providers::identity_store as store;
use crate::domain::accounts::providers::refusal::Refusal;
use crate::domain::accounts::providers::roles;
use crate::domain::accounts::session_store;
use crate::domain::accounts::sign_in::Passwords;
use crate::domain::accounts::store as account_store;
use crate::domain::audit;
use time::Duration;

/// The ways of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Whether there is a password.
    pub password: Password,
    /// Names of providers.
    pub providers: Vec<String>,
}

/// Whether a member has a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// One was chosen.
    Chosen,
    /// None ever was.
    None,
}

/// How long ago somebody may have signed in who connects a provider: a session that was left open must not open the account to
/// somebody else for ever.
const RECENT: Duration = Duration::minutes(15);

/// Whether the member has signed in lately enough to connect a provider.
pub async fn may_connect(ctx: &Ctx, member: &Member) -> Result<Result<(), Refusal>> {
    let opened_at = match member.session {
        Some(session) => session_store::opened_at(&mut *ctx.conn().await?, session).await?,
        None => None,
    };
    let is_recent = opened_at.is_some_and(|at| ctx.clock.now() - at <= RECENT);
    Ok(if is_recent { Ok(()) } else { Err(Refusal::SignInAgain) })
}

/// Disconnects a provider: what it gave goes with it, and the sessions that it opened elsewhere. The last way in stays.
pub async fn disconnect(ctx: &Ctx, passwords: Passwords, member: &Member, provider: &str) -> Result<()> {
    let mut tx = ctx.db.begin().await?;
    if !store::delete(&mut tx, member.id, provider).await? {
        return Err(Error::NotFound);
    }
    let opens = passwords == Passwords::ForEverybody || member.has(ADMIN);
    let has_password = opens && !account_store::password_is_unset(&mut tx, member.id).await?;
    if !has_password && store::of_user(&mut tx, member.id).await?.is_empty() {
        return Err(Error::Conflict("It is your only way to sign in. Choose a password first.".to_owned()));
    }
    for role in store::roles(&mut tx, member.id, provider).await? {
        roles::take_back(&mut tx, ctx, member.id, (provider, &role), &member.into()).await?;
    }
    session_store::delete_by_provider(&mut tx, member.id, provider, member.session).await?;
    let detail = serde_json::json!({ "provider": provider });
    let what = ("identity.unlinked", &*member.id.to_string());
    audit::record(&mut tx, ctx, &member.into(), what, None, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// The member's own.
pub async fn of(ctx: &Ctx, member: &Member) -> Result<Connections> {
    let mut conn = ctx.conn().await?;
    let is_unset = account_store::password_is_unset(&mut conn, member.id).await?;
    let password = if is_unset { Password::None } else { Password::Chosen };
    Ok(Connections { password, providers: store::of_user(&mut conn, member.id).await? })
}
