//! SQL of publishing: the whole catalogue, and changing it.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApiVersionId, EndpointId};
use crate::base::policy::Policies;
use crate::base::version::{Version, VersionState};
use crate::domain::catalog::document_store;
use crate::domain::catalog::model::{Operation, Visibility};
use crate::domain::catalog::reference_store;
use crate::domain::catalog::scope_store;
use crate::domain::catalog::spec::{
    ApiSpec, Attributes, DefinitionSpec, EndpointSpec, FoundScope, ScopesSpec, VersionSpec,
};
use crate::infra::db::Conn;
use sqlx::types::Json;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// Every API, by name; definitions without their content. Seven queries, however many there are.
pub(super) async fn live(conn: &mut Conn) -> Result<Vec<ApiSpec>> {
    let mut versions = versions(&mut *conn).await?;
    let mut documents = document_store::all(&mut *conn).await?;
    let mut scopes = scope_store::said(&mut *conn).await?;
    let mut resource_servers = scope_store::resource_servers(&mut *conn).await?;
    let rows = sqlx::query!(
        r#"select a.id, a.name, a.title, a.context, a.summary, a.description, a.owner, a.support, a.tags,
               a.visibility as "visibility: Visibility", a.takes_api_key, a.takes_bearer, a.api_key_header,
               a.bearer_header, a.policies as "policies: Json<Policies>", a.has_scopes,
               array(select u.role from api_audiences u where u.api_id = a.id order by u.role) as "roles!",
               array(select o.email from api_owners o where o.api_id = a.id order by o.email) as "owners!"
           from apis a
           order by a.name"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ApiSpec {
            name: row.name,
            attributes: Attributes {
                title: row.title,
                context: row.context,
                summary: row.summary,
                description: row.description,
                owner: row.owner,
                support: row.support,
                tags: row.tags,
                visibility: row.visibility,
                takes_api_key: row.takes_api_key,
                takes_bearer: row.takes_bearer,
                api_key_header: row.api_key_header,
                bearer_header: row.bearer_header,
                policies: row.policies.0,
            },
            roles: row.roles,
            owners: row.owners,
            documents: documents.remove(&row.id).unwrap_or_default(),
            scopes: match scopes.remove(&row.id).unwrap_or_default() {
                said if row.has_scopes => ScopesSpec::On(said),
                _ => ScopesSpec::Off,
            },
            resource_servers: resource_servers.remove(&row.id).unwrap_or_default(),
            versions: versions.remove(&row.id).unwrap_or_default(),
        })
        .collect())
}

async fn versions(conn: &mut Conn) -> Result<BTreeMap<Uuid, BTreeMap<Version, VersionSpec>>> {
    let mut endpoints = endpoints(&mut *conn).await?;
    let rows = sqlx::query!(
        r#"select id, api_id, major, minor, state as "state: VersionState", changelog, sunset_on from api_versions"#
    )
    .fetch_all(conn)
    .await?;
    let mut versions: BTreeMap<Uuid, BTreeMap<Version, VersionSpec>> = BTreeMap::new();
    for row in rows {
        let endpoints = endpoints.remove(&row.id).unwrap_or_default();
        let spec = VersionSpec { state: row.state, changelog: row.changelog, sunset_on: row.sunset_on, endpoints };
        versions.entry(row.api_id).or_default().insert(Version::from_columns(row.major, row.minor), spec);
    }
    Ok(versions)
}

async fn endpoints(conn: &mut Conn) -> Result<BTreeMap<Uuid, Vec<EndpointSpec>>> {
    let mut backends: BTreeMap<Uuid, BTreeMap<Environment, String>> = BTreeMap::new();
    let rows =
        sqlx::query!(r#"select endpoint_id, environment as "environment: Environment", url from endpoint_backends"#)
            .fetch_all(&mut *conn)
            .await?;
    for row in rows {
        backends.entry(row.endpoint_id).or_default().insert(row.environment, row.url);
    }
    let rows = sqlx::query!(
        r#"select e.id, e.api_version_id, e.name, e.title, e.path, d.digest as "digest?",
               d.scopes as "scopes?: Json<Vec<FoundScope>>"
           from endpoints e left join api_definitions d on d.endpoint_id = e.id
           order by e.api_version_id, e.position"#,
    )
    .fetch_all(conn)
    .await?;
    let mut endpoints: BTreeMap<Uuid, Vec<EndpointSpec>> = BTreeMap::new();
    for row in rows {
        let digest = row.digest.and_then(|digest| digest.try_into().ok());
        let found = row.scopes.map(|Json(found)| found).unwrap_or_default();
        endpoints.entry(row.api_version_id).or_default().push(EndpointSpec {
            name: row.name,
            title: row.title,
            path: row.path,
            backends: backends.remove(&row.id).unwrap_or_default(),
            definition: digest.map(|digest| DefinitionSpec { digest, scopes: found, content: None }),
        });
    }
    Ok(endpoints)
}

pub(super) async fn sources(conn: &mut Conn) -> Result<Vec<(String, Version, String, String)>> {
    let rows = sqlx::query!(
        "select a.name as api, v.major, v.minor, e.name as endpoint, d.source
         from api_definitions d
         join endpoints e on e.id = d.endpoint_id
         join api_versions v on v.id = e.api_version_id
         join apis a on a.id = v.api_id",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.api, Version::from_columns(row.major, row.minor), row.endpoint, row.source))
        .collect())
}

pub(super) async fn operations(conn: &mut Conn, apis: &[String]) -> Result<Vec<(String, Version, (String, String))>> {
    let rows = sqlx::query!(
        "select a.name as api, v.major, v.minor, o.method, o.path
         from api_operations o
         join endpoints e on e.id = o.endpoint_id
         join api_versions v on v.id = e.api_version_id
         join apis a on a.id = v.api_id
         where a.name = any ($1) and v.state <> 'retired'",
        apis,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.api, Version::from_columns(row.major, row.minor), (row.method, row.path)))
        .collect())
}

pub(super) async fn api_id(conn: &mut Conn, name: &str) -> Result<Option<ApiId>> {
    Ok(sqlx::query_scalar!("select id from apis where name = $1", name).fetch_optional(conn).await?.map(ApiId))
}

pub(super) async fn insert_api(
    conn: &mut Conn,
    (id, now): (ApiId, OffsetDateTime),
    name: &str,
    api: &Attributes,
) -> Result<()> {
    sqlx::query!(
        "insert into apis (id, name, title, context, summary, description, owner, tags, visibility, takes_api_key,
             takes_bearer, api_key_header, bearer_header, policies, created_at, updated_at, support)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16)",
        id.0,
        name,
        api.title,
        api.context,
        api.summary,
        api.description,
        api.owner,
        &api.tags,
        api.visibility.as_str(),
        api.takes_api_key,
        api.takes_bearer,
        api.api_key_header,
        api.bearer_header,
        Json(&api.policies) as _,
        now,
        api.support,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn update_api(conn: &mut Conn, now: OffsetDateTime, name: &str, api: &Attributes) -> Result<()> {
    sqlx::query!(
        "update apis
         set title = $2, context = $3, summary = $4, description = $5, owner = $6, tags = $7, visibility = $8,
             takes_api_key = $9, takes_bearer = $10, api_key_header = $11, bearer_header = $12, policies = $13,
             updated_at = $14, support = $15
         where name = $1",
        name,
        api.title,
        api.context,
        api.summary,
        api.description,
        api.owner,
        &api.tags,
        api.visibility.as_str(),
        api.takes_api_key,
        api.takes_bearer,
        api.api_key_header,
        api.bearer_header,
        Json(&api.policies) as _,
        now,
        api.support,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the API has scopes at all.
pub(super) async fn set_has_scopes(conn: &mut Conn, api: ApiId, has: &ScopesSpec) -> Result<()> {
    sqlx::query!("update apis set has_scopes = $2 where id = $1", api.0, matches!(has, ScopesSpec::On(_)))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn set_audience(conn: &mut Conn, api: ApiId, roles: &[String]) -> Result<()> {
    sqlx::query!("delete from api_audiences where api_id = $1 and role <> all ($2)", api.0, roles)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into api_audiences (api_id, role) select $1, unnest($2::text[]) on conflict do nothing",
        api.0,
        roles,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn set_owners(conn: &mut Conn, api: ApiId, owners: &[String]) -> Result<()> {
    sqlx::query!("delete from api_owners where api_id = $1 and email <> all ($2)", api.0, owners)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into api_owners (api_id, email) select $1, unnest($2::text[]) on conflict do nothing",
        api.0,
        owners,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn version_id(conn: &mut Conn, api: ApiId, version: Version) -> Result<Option<ApiVersionId>> {
    let id = sqlx::query_scalar!(
        "select id from api_versions where api_id = $1 and major = $2 and minor = $3",
        api.0,
        i32::from(version.major),
        i32::from(version.minor),
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(ApiVersionId))
}

pub(super) async fn insert_version(
    conn: &mut Conn,
    (id, now): (ApiVersionId, OffsetDateTime),
    api: ApiId,
    version: Version,
    spec: &VersionSpec,
) -> Result<()> {
    sqlx::query!(
        "insert into api_versions (id, api_id, major, minor, state, changelog, created_at, published_at, sunset_on, deprecated_at)
         values ($1, $2, $3, $4, $5, $6, $7, case when $5 in ('published', 'deprecated') then $7::timestamptz end, $8,
             case when $5 = 'deprecated' then $7::timestamptz end)",
        id.0,
        api.0,
        i32::from(version.major),
        i32::from(version.minor),
        spec.state.as_str(),
        spec.changelog,
        now,
        spec.sunset_on,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn update_version(
    conn: &mut Conn,
    now: OffsetDateTime,
    id: ApiVersionId,
    spec: &VersionSpec,
) -> Result<()> {
    sqlx::query!(
        "update api_versions
         set state = $2, changelog = $3, sunset_on = $5,
             published_at = coalesce(published_at, case when $2 in ('published', 'deprecated') then $4::timestamptz end),
             deprecated_at = case when $2 = 'deprecated' then coalesce(deprecated_at, $4::timestamptz) end
         where id = $1",
        id.0,
        spec.state.as_str(),
        spec.changelog,
        now,
        spec.sunset_on,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn endpoint_id(conn: &mut Conn, version: ApiVersionId, name: &str) -> Result<Option<EndpointId>> {
    let id = sqlx::query_scalar!("select id from endpoints where api_version_id = $1 and name = $2", version.0, name)
        .fetch_optional(conn)
        .await?;
    Ok(id.map(EndpointId))
}

pub(super) async fn insert_endpoint(
    conn: &mut Conn,
    id: EndpointId,
    version: ApiVersionId,
    endpoint: &EndpointSpec,
    position: i32,
) -> Result<()> {
    sqlx::query!(
        "insert into endpoints (id, api_version_id, name, title, path, position) values ($1, $2, $3, $4, $5, $6)",
        id.0,
        version.0,
        endpoint.name,
        endpoint.title,
        endpoint.path,
        position,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn update_endpoint(conn: &mut Conn, id: EndpointId, endpoint: &EndpointSpec) -> Result<()> {
    sqlx::query!("update endpoints set title = $2, path = $3 where id = $1", id.0, endpoint.title, endpoint.path)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn move_endpoint(conn: &mut Conn, id: EndpointId, position: i32) -> Result<()> {
    sqlx::query!("update endpoints set position = $2 where id = $1", id.0, position).execute(conn).await?;
    Ok(())
}

pub(super) async fn delete_endpoint(conn: &mut Conn, version: ApiVersionId, name: &str) -> Result<()> {
    sqlx::query!("delete from endpoints where api_version_id = $1 and name = $2", version.0, name)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn put_backend(conn: &mut Conn, id: EndpointId, environment: Environment, url: &str) -> Result<()> {
    sqlx::query!(
        "insert into endpoint_backends (endpoint_id, environment, url) values ($1, $2, $3)
         on conflict (endpoint_id, environment) do update set url = excluded.url",
        id.0,
        environment.as_str(),
        url,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn delete_backend(conn: &mut Conn, id: EndpointId, environment: Environment) -> Result<()> {
    sqlx::query!(
        "delete from endpoint_backends where endpoint_id = $1 and environment = $2",
        id.0,
        environment.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Replaces an endpoint's definition and its list of operations. One that was not read is the one that is there.
pub(super) async fn put_definition(conn: &mut Conn, id: EndpointId, definition: &DefinitionSpec) -> Result<()> {
    let Some(content) = &definition.content else {
        return Ok(());
    };
    sqlx::query!(
        "insert into api_definitions (endpoint_id, source, format, openapi_version, title, digest, scopes)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (endpoint_id) do update
         set source = excluded.source, format = excluded.format, openapi_version = excluded.openapi_version,
             title = excluded.title, digest = excluded.digest, scopes = excluded.scopes,
             mark = gen_random_uuid()",
        id.0,
        content.source,
        content.format.as_str(),
        content.openapi_version,
        content.title,
        &definition.digest[..],
        Json(&definition.scopes) as _,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from api_operations where endpoint_id = $1", id.0).execute(&mut *conn).await?;
    let operations: serde_json::Value = (0..).zip(&content.operations).map(|(at, o)| as_json(at, o)).collect();
    sqlx::query!(
        "insert into api_operations (endpoint_id, position, method, path, operation_id, summary, tags, deprecated,
             scopes)
         select $1, o.position, o.method, o.path, o.operation_id, o.summary, o.tags, o.deprecated, o.scopes
         from jsonb_to_recordset($2::jsonb) as o(position integer, method text, path text, operation_id text,
             summary text, tags text[], deprecated boolean, scopes text[])",
        id.0,
        operations,
    )
    .execute(&mut *conn)
    .await?;
    reference_store::put(conn, id, &content.reading).await
}

fn as_json(position: i32, operation: &Operation) -> serde_json::Value {
    serde_json::json!({
        "position": position,
        "method": operation.method,
        "path": operation.path,
        "operation_id": operation.operation_id,
        "summary": operation.summary,
        "tags": operation.tags,
        "deprecated": operation.deprecated,
        "scopes": operation.scopes,
    })
}

pub(super) async fn delete_definition(conn: &mut Conn, id: EndpointId) -> Result<()> {
    sqlx::query!("delete from api_definitions where endpoint_id = $1", id.0).execute(&mut *conn).await?;
    sqlx::query!("delete from api_operations where endpoint_id = $1", id.0).execute(conn).await?;
    Ok(())
}
