//! SQL of the mails that wait.

use crate::base::error::{Error, Result};
use crate::base::text::Email;
use crate::domain::mail::model::{Letter, Mail};
use crate::infra::db::Conn;
use time::OffsetDateTime;
use uuid::Uuid;

pub(super) async fn insert(
    conn: &mut Conn,
    id: Uuid,
    (to, letter): (&Email, &Letter),
    now: OffsetDateTime,
) -> Result<()> {
    let letter = serde_json::to_value(letter).map_err(Error::internal)?;
    sqlx::query!(
        "insert into mails (id, recipient, letter, queued_at, due_at) values ($1, $2, $3, $4, $4)",
        id,
        to.as_str(),
        letter,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether so many wait.
pub(super) async fn is_full(conn: &mut Conn, most: i64) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"select count(*) >= $1 as "full!" from (select from mails limit $1) m"#, most)
        .fetch_one(conn)
        .await?)
}

/// Takes the mail that is due for longest, and makes it due again at `again_at` should nobody say how it went.
pub(super) async fn take(conn: &mut Conn, now: OffsetDateTime, again_at: OffsetDateTime) -> Result<Option<Mail>> {
    let row = sqlx::query!(
        "update mails set attempts = attempts + 1, due_at = $2
         where id = (select id from mails where due_at <= $1 order by due_at, id limit 1 for update skip locked)
         returning id, recipient, letter, queued_at, attempts",
        now,
        again_at,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Mail {
            id: row.id,
            to: Email::parse(&row.recipient).ok_or_else(|| Error::internal("a mail has no address"))?,
            letter: serde_json::from_value(row.letter).map_err(Error::internal)?,
            queued_at: row.queued_at,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        })
    })
    .transpose()
}

pub(super) async fn delete(conn: &mut Conn, id: Uuid) -> Result<()> {
    sqlx::query!("delete from mails where id = $1", id).execute(conn).await?;
    Ok(())
}

pub(super) async fn postpone(conn: &mut Conn, id: Uuid, due_at: OffsetDateTime) -> Result<()> {
    sqlx::query!("update mails set due_at = $2 where id = $1", id, due_at).execute(conn).await?;
    Ok(())
}

/// Lets one transaction at a time write to those who decide: each writes to several people, and two that did so in another
/// order would wait for each other for ever.
pub(super) async fn lock_requests(conn: &mut Conn) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('portico.letters_to_decide'))").execute(conn).await?;
    Ok(())
}

/// How often something was asked for since two moments. Whoever asks about one subject waits for the others.
pub(super) async fn requests(
    conn: &mut Conn,
    subject: &str,
    (short, long): (OffsetDateTime, OffsetDateTime),
) -> Result<(i64, i64)> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", subject).execute(&mut *conn).await?;
    let row = sqlx::query!(
        r#"select count(*) filter (where requested_at > $2) as "short!", count(*) as "long!"
           from mail_requests
           where subject = $1 and requested_at > $3"#,
        subject,
        short,
        long,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.short, row.long))
}

pub(super) async fn insert_request(conn: &mut Conn, subject: &str, now: OffsetDateTime) -> Result<()> {
    sqlx::query!("insert into mail_requests (subject, requested_at) values ($1, $2)", subject, now)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn sweep(conn: &mut Conn, before: OffsetDateTime) -> Result<u64> {
    let done = sqlx::query!("delete from mail_requests where requested_at <= $1", before).execute(conn).await?;
    Ok(done.rows_affected())
}
