//! One-time links: the first administrator's, and those that let a user choose a password.

use crate::base::error::{Error, Result};
use crate::base::id::UserId;
use crate::base::secret::{Kind, Plain};
use crate::base::text::Email;
use crate::domain::Ctx;
use crate::domain::accounts::model::{ADMIN, DEVELOPER, Member, PRODUCTION, PUBLISHER};
use crate::domain::accounts::users::{self, NewUser};
use crate::domain::accounts::{password, store};
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use time::Duration;

/// How long a link works.
const LIFETIME: Duration = Duration::days(7);

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// A form for the first administrator's name, e-mail address and password.
    FirstAdmin,
    /// A form for a new password of this account.
    SetPassword {
        /// Whose.
        email: Email,
    },
}

/// A link for the first administrator, or none when there is one already. Earlier such links stop working, so that
/// the newest start's link is the only one.
pub async fn for_first_admin(ctx: &Ctx) -> Result<Option<Plain>> {
    let mut tx = ctx.db.begin().await?;
    store::lock_administrators(&mut tx).await?;
    if store::administrator_exists(&mut tx).await? {
        return Ok(None);
    }
    let now = ctx.clock.now();
    let secret = Plain::mint(Kind::AccountLink, &ctx.random);
    store::delete_first_admin_links(&mut tx).await?;
    store::insert_link(&mut tx, &secret.digest(), None, now, now + LIFETIME).await?;
    tx.commit().await?;
    Ok(Some(secret))
}

/// A link with which this user sets a password.
pub async fn to_set_password(ctx: &Ctx, user: UserId, actor: &Actor) -> Result<Plain> {
    let now = ctx.clock.now();
    let secret = Plain::mint(Kind::AccountLink, &ctx.random);
    let mut tx = ctx.db.begin().await?;
    store::insert_link(&mut tx, &secret.digest(), Some(user), now, now + LIFETIME).await?;
    let what = ("account_link.made", &*user.to_string());
    audit::record(&mut tx, ctx, actor, what, None, serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(secret)
}

/// What the link leads to; not found when it is unknown, used or too old.
pub async fn inspect(ctx: &Ctx, token: &str) -> Result<LinkPurpose> {
    let secret = Plain::parse(Kind::AccountLink, token).ok_or(Error::NotFound)?;
    let mut conn = ctx.conn().await?;
    let link = store::link(&mut conn, &secret.digest(), ctx.clock.now()).await?.ok_or(Error::NotFound)?;
    Ok(match link {
        None => LinkPurpose::FirstAdmin,
        Some((_, email)) => LinkPurpose::SetPassword { email },
    })
}

/// Uses the first administrator's link. The new account has every built-in role.
pub async fn make_first_admin(ctx: &Ctx, token: &str, name: &str, email: &str, password: &str) -> Result<Member> {
    let secret = Plain::parse(Kind::AccountLink, token).ok_or(Error::NotFound)?;
    let roles = [ADMIN, PUBLISHER, DEVELOPER, PRODUCTION].map(str::to_owned).to_vec();
    let new = NewUser::parse(name, email, roles, Some(password))?;
    let new = users::hashed(ctx, new).await?;
    let now = ctx.clock.now();
    let mut tx = ctx.db.begin().await?;
    store::lock_administrators(&mut tx).await?;
    match store::use_link(&mut tx, &secret.digest(), now).await? {
        Some(None) if !store::administrator_exists(&mut tx).await? => {}
        _ => return Err(Error::NotFound),
    }
    let member = users::insert(&mut tx, ctx, new, &Actor::CommandLine).await?;
    tx.commit().await?;
    Ok(member)
}

/// Uses a link to set a password. Every session of the account ends.
pub async fn set_password(ctx: &Ctx, token: &str, password: &str) -> Result<Member> {
    let secret = Plain::parse(Kind::AccountLink, token).ok_or(Error::NotFound)?;
    password::check(password).map_err(|e| Error::Invalid(vec![e]))?;
    let hash = password::hash(ctx, password).await?;
    let mut tx = ctx.db.begin().await?;
    let Some(Some(user)) = store::use_link(&mut tx, &secret.digest(), ctx.clock.now()).await? else {
        return Err(Error::NotFound);
    };
    store::set_password(&mut tx, user, &hash, ctx.clock.now()).await?;
    store::delete_sessions_of(&mut tx, user).await?;
    let member = store::member(&mut tx, user).await?.ok_or(Error::NotFound)?;
    let actor = Actor::from(&member);
    audit::record(&mut tx, ctx, &actor, ("password.set", &user.to_string()), None, serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(member)
}
