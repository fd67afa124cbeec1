//! SQL of OAuth clients and their secrets.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApplicationId, ClientSecretId, UserId};
use crate::base::secret::Digest;
use crate::domain::credentials::model::{Client, ClientKind, RegisteredClient};
use crate::infra::db::Conn;
use time::OffsetDateTime;

pub(super) async fn find(
    conn: &mut Conn,
    application: ApplicationId,
    environment: Environment,
) -> Result<Option<Client>> {
    let row = sqlx::query!(
        r#"select c.id, c.grant_types, c.access_token_seconds, c.created_at, c.last_used_at,
               coalesce((select hint from client_secrets where client_id = c.id and expires_at is null), '') as "secret_hint!",
               o.hint as "old_hint?", o.expires_at as old_expires_at
           from clients c
           left join client_secrets o on o.client_id = c.id and o.expires_at is not null
           where c.application_id = $1 and c.environment = $2
           order by o.expires_at desc
           limit 1"#,
        application.0,
        environment.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Client {
        id: row.id,
        application,
        environment,
        grant_types: row.grant_types,
        access_token_seconds: u32::try_from(row.access_token_seconds).unwrap_or(0),
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        secret_hint: row.secret_hint,
        old_secret: row.old_hint.zip(row.old_expires_at),
    }))
}

/// The client by its consumer key, with the secrets that are alive at `now`.
pub(super) async fn registered(conn: &mut Conn, id: &str, now: OffsetDateTime) -> Result<Option<RegisteredClient>> {
    let row = sqlx::query!(
        r#"select c.id, c.environment as "environment: Environment", c.grant_types, c.is_public, c.access_token_seconds,
               array(select s.digest
                     from client_secrets s
                     where s.client_id = c.id and (s.expires_at is null or s.expires_at > $2)) as "digests!"
           from clients c
           where c.id = $1"#,
        id,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| RegisteredClient {
        id: row.id,
        environment: row.environment,
        kind: if row.is_public { ClientKind::Public } else { ClientKind::Confidential },
        grant_types: row.grant_types,
        access_token_seconds: u32::try_from(row.access_token_seconds).unwrap_or(0),
        secrets: row.digests.into_iter().filter_map(|digest| digest.try_into().ok()).map(Digest).collect(),
    }))
}

pub(super) async fn insert(
    conn: &mut Conn,
    id: &str,
    (application, environment): (ApplicationId, Environment),
    grant_types: &[&str],
    (created_by, now): (UserId, OffsetDateTime),
) -> Result<()> {
    let grant_types: Vec<String> = grant_types.iter().map(|g| (*g).to_owned()).collect();
    sqlx::query!(
        "insert into clients (id, application_id, environment, grant_types, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        id,
        application.0,
        environment.as_str(),
        &grant_types,
        created_by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert_secret(
    conn: &mut Conn,
    id: ClientSecretId,
    client: &str,
    (digest, hint): (&Digest, &str),
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into client_secrets (id, client_id, digest, hint, created_at) values ($1, $2, $3, $4, $5)",
        id.0,
        client,
        digest.as_bytes(),
        hint,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn expire_current_secret(conn: &mut Conn, client: &str, at: OffsetDateTime) -> Result<()> {
    sqlx::query!("update client_secrets set expires_at = $2 where client_id = $1 and expires_at is null", client, at)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn delete_old_secrets(conn: &mut Conn, client: &str) -> Result<()> {
    sqlx::query!("delete from client_secrets where client_id = $1 and expires_at is not null", client)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut Conn, client: &str) -> Result<()> {
    sqlx::query!("delete from clients where id = $1", client).execute(conn).await?;
    Ok(())
}

/// Notes when clients last got a call through; both slices have the same length.
pub(super) async fn touch(conn: &mut Conn, ids: &[String], at: &[OffsetDateTime]) -> Result<()> {
    sqlx::query!(
        "update clients c set last_used_at = u.at
         from unnest($1::text[], $2::timestamptz[]) as u(id, at)
         where c.id = u.id and (c.last_used_at is null or c.last_used_at < u.at)",
        ids,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
