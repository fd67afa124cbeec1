//! SQL of requests for roles.

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::base::text::Email;
use crate::domain::accounts::role_requests::{RoleRequest, Standing};
use crate::infra::db::Conn;
use time::OffsetDateTime;

pub(super) async fn of(conn: &mut Conn, user: UserId, role: &str) -> Result<Option<Standing>> {
    let row = sqlx::query!(
        r#"select state = 'open' as "is_open!", reason, requested_at from role_requests where user_id = $1 and role = $2"#,
        user.0,
        role,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| if row.is_open { Standing::Open(row.requested_at) } else { Standing::Rejected(row.reason) }))
}

/// Whether it was opened; not if it is open already.
pub(super) async fn open(
    conn: &mut Conn,
    (user, role): (UserId, &str),
    note: &str,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into role_requests as r (user_id, role, state, note, requested_at) values ($1, $2, 'open', $3, $4)
         on conflict (user_id, role) do update
         set state = 'open', note = excluded.note, reason = '', requested_at = excluded.requested_at
         where r.state = 'rejected'",
        user.0,
        role,
        note,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Those of people who may come in, the oldest first.
pub(super) async fn waiting(conn: &mut Conn, limit: i64) -> Result<Vec<RoleRequest>> {
    let rows = sqlx::query!(
        r#"select r.user_id as "user_id: UserId", u.email, u.name, r.role, r.note, r.requested_at
           from role_requests r
           join users u on u.id = r.user_id
           where r.state = 'open' and u.disabled_at is null
           order by r.requested_at, r.user_id
           limit $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(RoleRequest {
                user: row.user_id,
                email: Email::parse(&row.email)?,
                name: row.name,
                role: row.role,
                note: row.note,
                requested_at: row.requested_at,
            })
        })
        .collect())
}

pub(super) async fn count(conn: &mut Conn, most: i64) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from (
               select from role_requests r join users u on u.id = r.user_id
               where r.state = 'open' and u.disabled_at is null
               limit $1
           ) w"#,
        most,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// One that waits. Inside a transaction, whoever else decides about it waits.
pub(super) async fn find(conn: &mut Conn, user: UserId, role: &str) -> Result<Option<RoleRequest>> {
    let row = sqlx::query!(
        "select u.email, u.name, r.note, r.requested_at
         from role_requests r
         join users u on u.id = r.user_id
         where r.user_id = $1 and r.role = $2 and r.state = 'open' and u.disabled_at is null
         for update of r",
        user.0,
        role,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        Some(RoleRequest {
            user,
            email: Email::parse(&row.email)?,
            name: row.name,
            role: role.to_owned(),
            note: row.note,
            requested_at: row.requested_at,
        })
    }))
}

pub(super) async fn reject(conn: &mut Conn, (user, role): (UserId, &str), reason: &str) -> Result<()> {
    sqlx::query!(
        "update role_requests set state = 'rejected', reason = $3 where user_id = $1 and role = $2",
        user.0,
        role,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nothing is left to ask for once the role is there.
pub(super) async fn delete(conn: &mut Conn, user: UserId, role: &str) -> Result<()> {
    sqlx::query!("delete from role_requests where user_id = $1 and role = $2", user.0, role).execute(conn).await?;
    Ok(())
}
