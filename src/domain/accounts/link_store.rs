//! SQL of the one-time links.

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::base::secret::Digest;
use crate::base::text::Email;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The first administrator.
    FirstAdmin,
    /// A new password of this account.
    Password(UserId),
    /// An account for this address; the name that was given for it.
    SignUp(Email, String),
}

pub(super) async fn insert(
    conn: &mut Conn,
    digest: &Digest,
    purpose: &Purpose,
    (now, expires_at): (OffsetDateTime, OffsetDateTime),
) -> Result<()> {
    let (kind, user, email, name) = match purpose {
        Purpose::FirstAdmin => ("first_admin", None, None, ""),
        Purpose::Password(user) => ("set_password", Some(user.0), None, ""),
        Purpose::SignUp(email, name) => ("sign_up", None, Some(email.as_str()), name.as_str()),
    };
    sqlx::query!(
        "insert into account_links (digest, purpose, user_id, email, name, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        digest.as_bytes(),
        kind,
        user,
        email,
        name,
        now,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A live link, with the address of the account whose password it sets.
pub(super) async fn find(
    conn: &mut Conn,
    digest: &Digest,
    now: OffsetDateTime,
) -> Result<Option<(Purpose, Option<Email>)>> {
    let row = sqlx::query!(
        r#"select l.user_id, l.email, l.name, u.email as "user_email?"
           from account_links l left join users u on u.id = l.user_id
           where l.digest = $1 and l.used_at is null and l.expires_at > $2
             and (u.id is null or u.disabled_at is null)"#,
        digest.as_bytes(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let account = row.user_email.as_deref().and_then(Email::parse);
        (purpose(row.user_id.map(UserId), row.email.as_deref(), row.name), account)
    }))
}

/// Uses a link up: exactly one caller gets an answer.
pub(super) async fn take(conn: &mut Conn, digest: &Digest, now: OffsetDateTime) -> Result<Option<Purpose>> {
    let row = sqlx::query!(
        "update account_links set used_at = $2
         where digest = $1 and used_at is null and expires_at > $2
         returning user_id, email, name",
        digest.as_bytes(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| purpose(row.user_id.map(UserId), row.email.as_deref(), row.name)))
}

pub(super) async fn delete(conn: &mut Conn, digest: &Digest) -> Result<()> {
    sqlx::query!("delete from account_links where digest = $1", digest.as_bytes()).execute(conn).await?;
    Ok(())
}

pub(super) async fn delete_for_first_admin(conn: &mut Conn) -> Result<()> {
    sqlx::query!("delete from account_links where purpose = 'first_admin'").execute(conn).await?;
    Ok(())
}

/// Every link that leads to an account: when its password was set, none of them may set it again.
pub(super) async fn delete_of(conn: &mut Conn, user: UserId) -> Result<()> {
    sqlx::query!("delete from account_links where user_id = $1", user.0).execute(conn).await?;
    Ok(())
}

/// Every link that would make an account for an address.
pub(super) async fn delete_to(conn: &mut Conn, email: &Email) -> Result<()> {
    sqlx::query!("delete from account_links where email = $1", email.as_str()).execute(conn).await?;
    Ok(())
}

pub(super) async fn sweep(conn: &mut Conn, now: OffsetDateTime) -> Result<u64> {
    Ok(sqlx::query!("delete from account_links where expires_at <= $1", now).execute(conn).await?.rows_affected())
}

/// The constraints of the table leave no other combination.
fn purpose(user: Option<UserId>, email: Option<&str>, name: String) -> Purpose {
    match (user, email.and_then(Email::parse)) {
        (Some(user), _) => Purpose::Password(user),
        (None, Some(email)) => Purpose::SignUp(email, name),
        (None, None) => Purpose::FirstAdmin,
    }
}
