//! SQL of OAuth clients and their secrets.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApplicationId, ClientSecretId, UserId};
use crate::base::secret::Digest;
use crate::domain::credentials::client_model::{
    ApiScope, Client, ClientKind, ClientSettings, GrantType, RegisteredClient, SubscribedApi,
};
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// The columns of [`ClientSettings`].
struct SettingsRow {
    grant_types: Vec<String>,
    is_public: bool,
    pkce_mandatory: bool,
    pkce_plain_allowed: bool,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    cors_origins: Vec<String>,
    access_token_seconds: i32,
    refresh_token_seconds: i32,
    id_token_seconds: i32,
    refresh_leeway_seconds: i32,
    scopes: Option<Vec<String>>,
    jwks: Option<serde_json::Value>,
}

impl From<SettingsRow> for ClientSettings {
    fn from(row: SettingsRow) -> Self {
        let seconds = |value: i32| u32::try_from(value).unwrap_or(0);
        Self {
            grant_types: row.grant_types.iter().filter_map(|name| GrantType::parse(name)).collect(),
            kind: if row.is_public { ClientKind::Public } else { ClientKind::Confidential },
            pkce_mandatory: row.pkce_mandatory,
            pkce_plain_allowed: row.pkce_plain_allowed,
            redirect_uris: row.redirect_uris,
            post_logout_redirect_uris: row.post_logout_redirect_uris,
            cors_origins: row.cors_origins,
            access_token_seconds: seconds(row.access_token_seconds),
            refresh_token_seconds: seconds(row.refresh_token_seconds),
            id_token_seconds: seconds(row.id_token_seconds),
            refresh_leeway_seconds: seconds(row.refresh_leeway_seconds),
            scopes: row.scopes,
            jwks: row.jwks,
        }
    }
}

async fn settings(conn: &mut Conn, id: &str) -> Result<ClientSettings> {
    let row = sqlx::query_as!(
        SettingsRow,
        "select grant_types, is_public, pkce_mandatory, pkce_plain_allowed, redirect_uris, post_logout_redirect_uris,
             cors_origins, access_token_seconds, refresh_token_seconds, id_token_seconds, refresh_leeway_seconds, scopes, jwks
         from clients
         where id = $1",
        id,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

pub(super) async fn find(
    conn: &mut Conn,
    application: ApplicationId,
    environment: Environment,
) -> Result<Option<Client>> {
    let row = sqlx::query!(
        r#"select c.id, c.created_at, c.last_used_at,
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
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Client {
        settings: settings(conn, &row.id).await?,
        id: row.id,
        application,
        environment,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        secret_hint: row.secret_hint,
        old_secret: row.old_hint.zip(row.old_expires_at),
    }))
}

/// The client by its consumer key, as the authorization server needs it.
pub(super) async fn registered(conn: &mut Conn, id: &str) -> Result<Option<RegisteredClient>> {
    let row = sqlx::query!(
        r#"select c.id, c.application_id as "application: ApplicationId", c.environment as "environment: Environment",
               a.name as application_name, a.owner_id as "owner: UserId", u.name as owner_name
           from clients c
           join applications a on a.id = c.application_id
           join users u on u.id = a.owner_id
           where c.id = $1"#,
        id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let secrets = sqlx::query!("select digest, expires_at from client_secrets where client_id = $1", id)
        .fetch_all(&mut *conn)
        .await?;
    let resource_server_of =
        sqlx::query_scalar!(r#"select api_id as "api: ApiId" from api_resource_servers where client_id = $1"#, id)
            .fetch_all(&mut *conn)
            .await?;
    let apis = subscribed(conn, row.application, row.environment).await?;
    Ok(Some(RegisteredClient {
        settings: settings(conn, id).await?,
        id: row.id,
        application: row.application,
        application_name: row.application_name,
        owner: row.owner,
        owner_name: row.owner_name,
        environment: row.environment,
        secrets: secrets
            .into_iter()
            .filter_map(|secret| Some((Digest(secret.digest.try_into().ok()?), secret.expires_at)))
            .collect(),
        apis,
        resource_server_of,
    }))
}

/// Whether some client may use the challenge method `plain`.
pub(super) async fn any_allows_plain_challenges(conn: &mut Conn) -> Result<bool> {
    let any = sqlx::query_scalar!(r#"select exists (select from clients where pkce_plain_allowed) as "any!""#);
    Ok(any.fetch_one(conn).await?)
}

/// What an application may call in an environment by its subscriptions, with the scopes there are.
pub(super) async fn subscribed(
    conn: &mut Conn,
    application: ApplicationId,
    environment: Environment,
) -> Result<Vec<SubscribedApi>> {
    let rows = sqlx::query!(
        r#"select a.id as "api: ApiId", a.title, a.context, s.major, o.name as "scope?", o.title as "scope_title?",
               o.roles as "roles?"
           from subscriptions s
           join apis a on a.id = s.api_id
           left join api_scopes o on o.api_id = a.id
           where s.application_id = $1
             and (s.state = 'active' or s.state = 'production_blocked' and $2 = 'sandbox')
           order by a.name, s.major, o.position"#,
        application.0,
        environment.as_str(),
    )
    .fetch_all(conn)
    .await?;
    let mut apis: Vec<SubscribedApi> = Vec::new();
    for row in rows {
        let major = u16::try_from(row.major).unwrap_or(0);
        if apis.last().is_none_or(|last| (last.api, last.major) != (row.api, major)) {
            let api = SubscribedApi { api: row.api, title: row.title, context: row.context, major, scopes: Vec::new() };
            apis.push(api);
        }
        if let (Some(api), Some(name)) = (apis.last_mut(), row.scope) {
            let (title, roles) = (row.scope_title.unwrap_or_default(), row.roles.unwrap_or_default());
            api.scopes.push(ApiScope { name, title, roles });
        }
    }
    Ok(apis)
}

/// A client that may do nothing yet: [`update_settings`] comes next.
pub(super) async fn insert(
    conn: &mut Conn,
    id: &str,
    (application, environment): (ApplicationId, Environment),
    (created_by, now): (UserId, OffsetDateTime),
) -> Result<()> {
    sqlx::query!(
        "insert into clients (id, application_id, environment, grant_types, created_by, created_at)
         values ($1, $2, $3, '{}', $4, $5)",
        id,
        application.0,
        environment.as_str(),
        created_by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `origins`: those whose pages may read answers, as [`ClientSettings`] says them in two places.
pub(super) async fn update_settings(
    conn: &mut Conn,
    id: &str,
    settings: &ClientSettings,
    origins: &[String],
) -> Result<()> {
    let seconds = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let grant_types: Vec<String> = settings.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect();
    sqlx::query!(
        "update clients
         set grant_types = $2, is_public = $3, pkce_mandatory = $4, pkce_plain_allowed = $5, redirect_uris = $6,
             post_logout_redirect_uris = $7, cors_origins = $8, allowed_origins = $9, access_token_seconds = $10,
             refresh_token_seconds = $11, id_token_seconds = $12, refresh_leeway_seconds = $13, scopes = $14, jwks = $15
         where id = $1",
        id,
        &grant_types,
        settings.kind == ClientKind::Public,
        settings.pkce_mandatory,
        settings.pkce_plain_allowed,
        &settings.redirect_uris,
        &settings.post_logout_redirect_uris,
        &settings.cors_origins,
        origins,
        seconds(settings.access_token_seconds),
        seconds(settings.refresh_token_seconds),
        seconds(settings.id_token_seconds),
        seconds(settings.refresh_leeway_seconds),
        settings.scopes.as_deref(),
        settings.jwks,
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
        "with due as (
             select c.id, u.at
             from unnest($1::text[], $2::timestamptz[]) as u(id, at)
             join clients c on c.id = u.id
             where c.last_used_at is null or c.last_used_at < u.at
             order by c.id
             for no key update of c
         )
         update clients c set last_used_at = due.at
         from due
         where c.id = due.id and (c.last_used_at is null or c.last_used_at < due.at)",
        ids,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
