//! SQL of identities at providers, and of the roles that providers give.

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::base::text::Email;
use crate::infra::db::Conn;
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// Serialises whoever signs in as this subject.
pub(super) async fn lock(conn: &mut Conn, provider: &str, subject: &str) -> Result<()> {
    let name = format!("portico.identity {provider} {subject}");
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(conn).await?;
    Ok(())
}

/// Whose identity it is.
pub(super) async fn user(conn: &mut Conn, provider: &str, subject: &str) -> Result<Option<UserId>> {
    let id =
        sqlx::query_scalar!("select user_id from identities where provider = $1 and subject = $2", provider, subject,);
    Ok(id.fetch_optional(conn).await?.map(UserId))
}

pub(super) async fn insert(
    conn: &mut Conn,
    (provider, subject): (&str, &str),
    user: UserId,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into identities (provider, subject, user_id, linked_at, last_used_at) values ($1, $2, $3, $4, $4)",
        provider,
        subject,
        user.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn used(
    conn: &mut Conn,
    (provider, subject): (&str, &str),
    email: Option<&Email>,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update identities set email = $3, last_used_at = $4 where provider = $1 and subject = $2",
        provider,
        subject,
        email.map(Email::as_str),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Names of the providers with which a user can sign in.
pub(super) async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!("select distinct provider from identities where user_id = $1 order by 1", user.0);
    Ok(names.fetch_all(conn).await?)
}

/// Takes a user's identities at a provider away; whether there were any.
pub(super) async fn delete(conn: &mut Conn, user: UserId, provider: &str) -> Result<bool> {
    let done = sqlx::query!("delete from identities where user_id = $1 and provider = $2", user.0, provider);
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// The roles that a provider gives a user.
pub(super) async fn roles(conn: &mut Conn, user: UserId, provider: &str) -> Result<BTreeSet<String>> {
    let roles =
        sqlx::query_scalar!("select role from provider_roles where user_id = $1 and provider = $2", user.0, provider,);
    Ok(roles.fetch_all(conn).await?.into_iter().collect())
}

/// Which providers give which roles to anybody.
pub(super) async fn kinds_of_roles(conn: &mut Conn) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!("select distinct provider, role from provider_roles order by provider, role");
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.provider, row.role)).collect())
}

pub(super) async fn users_with_role(conn: &mut Conn, provider: &str, role: &str) -> Result<Vec<UserId>> {
    let ids = sqlx::query_scalar!(
        "select user_id from provider_roles where provider = $1 and role = $2 order by user_id",
        provider,
        role,
    );
    Ok(ids.fetch_all(conn).await?.into_iter().map(UserId).collect())
}

pub(super) async fn give_role(
    conn: &mut Conn,
    user: UserId,
    (provider, role): (&str, &str),
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into provider_roles (user_id, provider, role, granted_at) values ($1, $2, $3, $4) on conflict do nothing",
        user.0,
        provider,
        role,
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into role_grants (user_id, role, granted_at, by_hand) values ($1, $2, $3, false) on conflict do nothing",
        user.0,
        role,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a role back; it stays where somebody else has given it too.
pub(super) async fn take_role(conn: &mut Conn, user: UserId, (provider, role): (&str, &str)) -> Result<()> {
    sqlx::query!(
        "delete from provider_roles where user_id = $1 and provider = $2 and role = $3",
        user.0,
        provider,
        role,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from role_grants g
         where g.user_id = $1 and g.role = $2 and not g.by_hand
           and not exists (select from provider_roles p where p.user_id = $1 and p.role = $2)",
        user.0,
        role,
    )
    .execute(conn)
    .await?;
    Ok(())
}
