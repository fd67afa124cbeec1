//! SQL of the catalogue as viewers read it.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::{ApiId, ApiVersionId, EndpointId};
use crate::base::policy::Policies;
use crate::base::version::{Version, VersionState};
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::model::{Api, ApiVersion, Definition, DefinitionFormat, Endpoint, Operation, Visibility};
use crate::infra::db::Conn;
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The API of that name, if the viewer may see it.
pub(super) async fn by_name(conn: &mut Conn, viewer: &Viewer, name: &str) -> Result<Option<Api>> {
    let api = sqlx::query_as!(
        Api,
        r#"select a.id, a.name, a.title, a.context, a.summary, a.description, a.owner, a.tags,
               a.visibility as "visibility: Visibility", a.takes_api_key, a.takes_bearer, a.api_key_header,
               a.bearer_header, a.created_at, a.updated_at
           from apis a
           where a.name = $3 and api_visible(a, $1, $2)"#,
        viewer.is_signed_in(),
        viewer.roles(),
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(api)
}

/// The versions to show of these APIs with their endpoints, newest first; two queries however many there are.
pub(super) async fn versions(conn: &mut Conn, apis: &[Uuid]) -> Result<Vec<(ApiId, ApiVersion)>> {
    let mut endpoints = endpoints(&mut *conn, apis).await?;
    let rows = sqlx::query!(
        r#"select id, api_id, major, minor, state as "state: VersionState", changelog, published_at, sunset_on
           from api_versions
           where api_id = any ($1) and state in ('published', 'deprecated', 'blocked')
           order by api_id, major desc, minor desc"#,
        apis,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let version = ApiVersion {
                id: ApiVersionId(row.id),
                version: Version::from_columns(row.major, row.minor),
                state: row.state,
                changelog: row.changelog,
                published_at: row.published_at,
                sunset_on: row.sunset_on,
                endpoints: endpoints.remove(&row.id).unwrap_or_default(),
            };
            (ApiId(row.api_id), version)
        })
        .collect())
}

async fn endpoints(conn: &mut Conn, apis: &[Uuid]) -> Result<BTreeMap<Uuid, Vec<Endpoint>>> {
    let rows = sqlx::query!(
        r#"select e.id, e.api_version_id, e.name, e.title, e.path,
               array(select b.environment from endpoint_backends b where b.endpoint_id = e.id order by b.environment)
                   as "environments!: Vec<Environment>",
               exists (select from api_definitions d where d.endpoint_id = e.id) as "has_definition!"
           from endpoints e
           join api_versions v on v.id = e.api_version_id
           where v.api_id = any ($1)
           order by e.api_version_id, e.position"#,
        apis,
    )
    .fetch_all(conn)
    .await?;
    let mut found: BTreeMap<Uuid, Vec<Endpoint>> = BTreeMap::new();
    for row in rows {
        found.entry(row.api_version_id).or_default().push(Endpoint {
            id: EndpointId(row.id),
            name: row.name,
            title: row.title,
            path: row.path,
            environments: row.environments,
            has_definition: row.has_definition,
        });
    }
    Ok(found)
}

pub(super) async fn policies(conn: &mut Conn, api: ApiId) -> Result<Option<Policies>> {
    let policies =
        sqlx::query_scalar!(r#"select policies as "policies: Json<Policies>" from apis where id = $1"#, api.0)
            .fetch_optional(conn)
            .await?;
    Ok(policies.map(|Json(policies)| policies))
}

pub(super) async fn support(conn: &mut Conn, api: ApiId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!("select support from apis where id = $1", api.0).fetch_optional(conn).await?)
}

pub(super) async fn operations(conn: &mut Conn, endpoint: EndpointId) -> Result<Vec<Operation>> {
    let operations = sqlx::query_as!(
        Operation,
        r#"select o.method, o.path, o.operation_id, o.summary, o.tags, o.deprecated,
               case when a.takes_bearer and a.has_scopes then o.scopes else '{}' end as "scopes!"
           from api_operations o
           join endpoints e on e.id = o.endpoint_id
           join api_versions v on v.id = e.api_version_id
           join apis a on a.id = v.api_id
           where o.endpoint_id = $1
           order by o.position"#,
        endpoint.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(operations)
}

/// The first path that a plain GET opens: no parameter in it, and nothing that a shell would read.
pub(super) async fn plain_path(conn: &mut Conn, endpoint: EndpointId) -> Result<Option<String>> {
    let path = sqlx::query_scalar!(
        r#"select o.path
           from api_operations o
           where o.endpoint_id = $1 and o.method = 'GET' and not o.deprecated and o.path ~ '^/[A-Za-z0-9/_.~-]*$'
           order by o.position
           limit 1"#,
        endpoint.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(path)
}

pub(super) async fn definition(conn: &mut Conn, endpoint: EndpointId) -> Result<Option<Definition>> {
    let definition = sqlx::query_as!(
        Definition,
        r#"select source, format as "format: DefinitionFormat", openapi_version, title
           from api_definitions
           where endpoint_id = $1"#,
        endpoint.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(definition)
}
