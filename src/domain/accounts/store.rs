//! SQL of people, roles, sessions and failed attempts.

use crate::base::error::Result;
use crate::base::id::{SessionId, UserId};
use crate::base::text::Email;
use crate::domain::accounts::model::Member;
use crate::infra::db::Conn;
use time::OffsetDateTime;

pub(super) struct UserRow {
    pub(super) member: Member,
    pub(super) password_hash: Option<String>,
    pub(super) disabled: bool,
    /// Whether a provider can sign them in.
    pub(super) has_identity: bool,
}

pub(super) async fn insert_user(
    conn: &mut Conn,
    id: UserId,
    email: &Email,
    name: &str,
    password_hash: Option<&str>,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into users (id, email, name, password_hash, created_at) values ($1, $2, $3, $4, $5)",
        id.0,
        email.as_str(),
        name,
        password_hash,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn user_by_email(conn: &mut Conn, email: &Email) -> Result<Option<UserRow>> {
    let row = sqlx::query!(
        r#"select id, email, name, password_hash, disabled_at is not null as "disabled!",
               exists (select from identities where user_id = users.id) as "has_identity!",
               array(select role from role_grants where user_id = users.id order by role) as "roles!"
           from users
           where email = $1"#,
        email.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        let member = member_of(row.id, &row.email, row.name, row.roles, None)?;
        Some(UserRow {
            member,
            password_hash: row.password_hash,
            disabled: row.disabled,
            has_identity: row.has_identity,
        })
    }))
}

/// Disabled or not.
pub(super) async fn user(conn: &mut Conn, id: UserId) -> Result<Option<UserRow>> {
    let email = sqlx::query_scalar!("select email from users where id = $1", id.0).fetch_optional(&mut *conn).await?;
    match email.as_deref().and_then(Email::parse) {
        Some(email) => user_by_email(conn, &email).await,
        None => Ok(None),
    }
}

pub(super) async fn member(conn: &mut Conn, id: UserId) -> Result<Option<Member>> {
    let row = sqlx::query!(
        r#"select id, email, name,
               array(select role from role_grants where user_id = users.id order by role) as "roles!"
           from users
           where id = $1 and disabled_at is null"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| member_of(row.id, &row.email, row.name, row.roles, None)))
}

pub(super) fn member_of(
    id: uuid::Uuid,
    email: &str,
    name: String,
    roles: Vec<String>,
    session: Option<SessionId>,
) -> Option<Member> {
    Some(Member { id: UserId(id), email: Email::parse(email)?, name, roles, session })
}

/// A new password; the database ends what the user has granted so far.
pub(super) async fn set_password(conn: &mut Conn, user: UserId, hash: &str, now: OffsetDateTime) -> Result<()> {
    sqlx::query!("update users set password_hash = $2, password_set_at = $3 where id = $1", user.0, hash, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives a role by hand; whether it was not so already.
pub(super) async fn grant_role(conn: &mut Conn, user: UserId, role: &str, now: OffsetDateTime) -> Result<bool> {
    let done = sqlx::query!(
        "insert into role_grants (user_id, role, granted_at) values ($1, $2, $3)
         on conflict (user_id, role) do update set by_hand = true where not role_grants.by_hand",
        user.0,
        role,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The provider that gives a user a role, if one does.
pub(super) async fn provider_of_role(conn: &mut Conn, user: UserId, role: &str) -> Result<Option<String>> {
    let provider = sqlx::query_scalar!(
        "select provider from provider_roles where user_id = $1 and role = $2 order by provider limit 1",
        user.0,
        role,
    );
    Ok(provider.fetch_optional(conn).await?)
}

/// Whether the role was granted.
pub(super) async fn revoke_role(conn: &mut Conn, user: UserId, role: &str) -> Result<bool> {
    let done =
        sqlx::query!("delete from role_grants where user_id = $1 and role = $2", user.0, role).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}

/// Everybody, by address.
pub(super) async fn users(conn: &mut Conn) -> Result<Vec<UserRow>> {
    let rows = sqlx::query!(
        r#"select id, email, name, password_hash, disabled_at is not null as "disabled!",
               exists (select from identities where user_id = users.id) as "has_identity!",
               array(select role from role_grants where user_id = users.id order by role) as "roles!"
           from users
           order by email"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let member = member_of(row.id, &row.email, row.name, row.roles, None)?;
            Some(UserRow {
                member,
                password_hash: row.password_hash,
                disabled: row.disabled,
                has_identity: row.has_identity,
            })
        })
        .collect())
}

/// Disables an account, or enables it again; the database ends what a disabled user has granted. Whether it was the other
/// way before.
pub(super) async fn set_disabled(conn: &mut Conn, user: UserId, disabled_at: Option<OffsetDateTime>) -> Result<bool> {
    let done = sqlx::query!(
        "update users set disabled_at = $2 where id = $1 and (disabled_at is null) <> ($2::timestamptz is null)",
        user.0,
        disabled_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn upsert_role(conn: &mut Conn, name: &str, title: &str, now: OffsetDateTime) -> Result<bool> {
    let done = sqlx::query!(
        "insert into roles (name, title, created_at) values ($1, $2, $3)
         on conflict (name) do update set title = excluded.title where roles.title <> excluded.title",
        name,
        title,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn roles(conn: &mut Conn) -> Result<Vec<(String, String, bool)>> {
    let rows = sqlx::query!("select name, title, built_in from roles order by name").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.title, row.built_in)).collect())
}

/// Serialises whoever makes the first administrator.
pub(super) async fn lock_administrators(conn: &mut Conn) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('portico.administrators'))").execute(conn).await?;
    Ok(())
}

pub(super) async fn administrator_exists(conn: &mut Conn) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from role_grants g join users u on u.id = g.user_id
               where g.role = 'admin' and u.disabled_at is null and u.password_hash is not null
           ) as "exists!""#
    )
    .fetch_one(conn)
    .await?)
}

/// Whether somebody else than this user can sign in as an administrator.
pub(super) async fn other_administrator_exists(conn: &mut Conn, user: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from role_grants g join users u on u.id = g.user_id
               where g.role = 'admin' and u.disabled_at is null and u.password_hash is not null and u.id <> $1
           ) as "exists!""#,
        user.0,
    )
    .fetch_one(conn)
    .await?)
}

pub(super) async fn login_failures(
    conn: &mut Conn,
    subject: &str,
    address: &str,
) -> Result<Option<(u32, OffsetDateTime)>> {
    let row = sqlx::query!(
        "select failures, last_at from login_failures where subject = $1 and address = $2",
        subject,
        address,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (u32::try_from(row.failures).unwrap_or(u32::MAX), row.last_at)))
}

/// Counts one more; a failure long ago does not add up.
pub(super) async fn count_login_failure(
    conn: &mut Conn,
    subject: &str,
    address: &str,
    now: OffsetDateTime,
    forgotten_before: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into login_failures as f (subject, address, failures, last_at) values ($1, $2, 1, $3)
         on conflict (subject, address) do update
         set failures = case when f.last_at < $4 then 1 else least(f.failures + 1, 1000) end, last_at = $3",
        subject,
        address,
        now,
        forgotten_before,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn forget_login_failures(conn: &mut Conn, subject: &str, address: &str) -> Result<()> {
    sqlx::query!("delete from login_failures where subject = $1 and address = $2", subject, address)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets failures of long ago.
pub(super) async fn sweep_login_failures(conn: &mut Conn, before: OffsetDateTime) -> Result<u64> {
    Ok(sqlx::query!("delete from login_failures where last_at <= $1", before).execute(conn).await?.rows_affected())
}

pub(super) async fn rename(conn: &mut Conn, user: UserId, name: &str) -> Result<()> {
    sqlx::query!("update users set name = $2 where id = $1", user.0, name).execute(conn).await?;
    Ok(())
}

/// Whether the user has never chosen a password.
pub(super) async fn password_is_unset(conn: &mut Conn, user: UserId) -> Result<bool> {
    let unset = sqlx::query_scalar!(r#"select password_hash is null as "unset!" from users where id = $1"#, user.0);
    Ok(unset.fetch_optional(conn).await?.unwrap_or(false))
}

/// A page of people by address, after one of them, whose name or address holds the words.
pub(super) async fn people(conn: &mut Conn, words: &str, after: &str, limit: i64) -> Result<Vec<UserRow>> {
    let rows = sqlx::query!(
        r#"select id, email, name, password_hash, disabled_at is not null as "disabled!",
               exists (select from identities where user_id = users.id) as "has_identity!",
               array(select role from role_grants where user_id = users.id order by role) as "roles!"
           from users
           where email > $2 and (strpos(email, lower($1)) > 0 or strpos(lower(name), lower($1)) > 0)
           order by email
           limit $3"#,
        words,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let member = member_of(row.id, &row.email, row.name, row.roles, None)?;
            Some(UserRow {
                member,
                password_hash: row.password_hash,
                disabled: row.disabled,
                has_identity: row.has_identity,
            })
        })
        .collect())
}

/// The addresses of administrators who can sign in.
pub(super) async fn administrators(conn: &mut Conn, limit: i64) -> Result<Vec<Email>> {
    let emails = sqlx::query_scalar!(
        "select u.email
         from role_grants g
         join users u on u.id = g.user_id
         where g.role = 'admin' and u.disabled_at is null and u.password_hash is not null
         order by u.email
         limit $1",
        limit,
    );
    Ok(emails.fetch_all(conn).await?.iter().filter_map(|email| Email::parse(email)).collect())
}
