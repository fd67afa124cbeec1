//! One-time links: the first administrator's, those that let a user choose a password, and those that make an account.

use crate::base::error::{Error, Result};
use crate::base::id::UserId;
use crate::base::secret::{Kind, Plain};
use crate::base::text::Email;
use crate::domain::Ctx;
use crate::domain::accounts::link_store::{self, Purpose};
use crate::domain::accounts::model::{ADMIN, DEVELOPER, Member, PRODUCTION, PUBLISHER};
use crate::domain::accounts::users::{self, NewUser};
use crate::domain::accounts::{password, session_store, store};
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use crate::domain::mail;
use crate::domain::mail::model::Letter;
use crate::infra::db::Conn;
use time::Duration;

/// How long a link works that somebody at the command line, or an administrator, has made.
pub(super) const OF_INVITATION: Duration = Duration::days(7);
/// How long a link works that confirms an address.
pub(super) const OF_SIGN_UP: Duration = Duration::hours(24);
/// How long a link works that somebody asked for who has forgotten the password.
pub(super) const OF_RESET: Duration = Duration::hours(1);

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
    /// A form for the name and password of a new account.
    SignUp {
        /// Its address, which the link has proved.
        email: Email,
        /// The name that was given, or nothing.
        name: String,
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
    link_store::delete_for_first_admin(&mut tx).await?;
    let secret = make(&mut tx, ctx, &Purpose::FirstAdmin, OF_INVITATION).await?;
    tx.commit().await?;
    Ok(Some(secret))
}

/// A link with which this user sets a password.
pub async fn to_set_password(ctx: &Ctx, user: UserId, actor: &Actor) -> Result<Plain> {
    let mut tx = ctx.db.begin().await?;
    let secret = make(&mut tx, ctx, &Purpose::Password(user), OF_INVITATION).await?;
    let what = ("account_link.made", &*user.to_string());
    audit::record(&mut tx, ctx, actor, what, None, serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Makes a link. Only its digest is stored.
pub(super) async fn make(conn: &mut Conn, ctx: &Ctx, purpose: &Purpose, lifetime: Duration) -> Result<Plain> {
    let now = ctx.clock.now();
    let secret = Plain::mint(Kind::AccountLink, &ctx.random);
    link_store::insert(conn, &secret.digest(), purpose, (now, now + lifetime)).await?;
    Ok(secret)
}

/// What the link leads to; not found when it is unknown, used or too old.
pub async fn inspect(ctx: &Ctx, token: &str) -> Result<LinkPurpose> {
    let secret = parse(token)?;
    let mut conn = ctx.conn().await?;
    match link_store::find(&mut conn, &secret.digest(), ctx.clock.now()).await?.ok_or(Error::NotFound)? {
        (Purpose::FirstAdmin, _) => Ok(LinkPurpose::FirstAdmin),
        (Purpose::Password(_), Some(email)) => Ok(LinkPurpose::SetPassword { email }),
        (Purpose::Password(_), None) => Err(Error::NotFound),
        (Purpose::SignUp(email, name), _) => Ok(LinkPurpose::SignUp { email, name }),
    }
}

/// Uses the first administrator's link. The new account has every built-in role.
pub async fn make_first_admin(ctx: &Ctx, token: &str, name: &str, email: &str, password: &str) -> Result<Member> {
    let secret = parse(token)?;
    let roles = [ADMIN, PUBLISHER, DEVELOPER, PRODUCTION].map(str::to_owned).to_vec();
    let new = NewUser::parse(name, email, roles, Some(password))?;
    let new = users::hashed(ctx, new).await?;
    let now = ctx.clock.now();
    let mut tx = ctx.db.begin().await?;
    store::lock_administrators(&mut tx).await?;
    match link_store::take(&mut tx, &secret.digest(), now).await? {
        Some(Purpose::FirstAdmin) if !store::administrator_exists(&mut tx).await? => {}
        _ => return Err(Error::NotFound),
    }
    let member = users::insert(&mut tx, ctx, new, &Actor::CommandLine).await?;
    tx.commit().await?;
    Ok(member)
}

/// Uses a link to set a password. Every session of the account ends, and so does every other link to it.
pub async fn set_password(ctx: &Ctx, token: &str, password: &str) -> Result<Member> {
    let LinkPurpose::SetPassword { email } = inspect(ctx, token).await? else { return Err(Error::NotFound) };
    let secret = parse(token)?;
    password::check(password, &[email.as_str()]).map_err(|e| Error::Invalid(vec![e]))?;
    let hash = password::hash(ctx, password).await?;
    let mut tx = ctx.db.begin().await?;
    let Some(Purpose::Password(user)) = link_store::take(&mut tx, &secret.digest(), ctx.clock.now()).await? else {
        return Err(Error::NotFound);
    };
    let member = store::member(&mut tx, user).await?.ok_or(Error::NotFound)?;
    new_password(&mut tx, ctx, &member, &hash).await?;
    tx.commit().await?;
    Ok(member)
}

/// Sets a password and ends what the one before has opened: sessions, links, and, by the database, grants. Its owner is
/// told.
pub(super) async fn new_password(conn: &mut Conn, ctx: &Ctx, member: &Member, hash: &str) -> Result<()> {
    let is_first = store::password_is_unset(conn, member.id).await?;
    store::set_password(conn, member.id, hash, ctx.clock.now()).await?;
    session_store::delete_of(conn, member.id).await?;
    link_store::delete_of(conn, member.id).await?;
    if !is_first {
        mail::queue(conn, ctx, &member.email, &Letter::PasswordChanged).await?;
    }
    let what = ("password.set", &*member.id.to_string());
    audit::record(conn, ctx, &Actor::from(member), what, None, serde_json::json!({})).await
}

pub(super) fn parse(token: &str) -> Result<Plain> {
    Plain::parse(Kind::AccountLink, token).ok_or(Error::NotFound)
}
