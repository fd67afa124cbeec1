//! SQL of the scopes of APIs, and of the clients that may introspect their tokens.

use crate::base::error::Result;
use crate::base::id::ApiId;
use crate::domain::catalog::model::Scope;
use crate::domain::catalog::spec::ScopeInForce;
use crate::infra::db::Conn;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The scopes of an API, in order.
pub(super) async fn of_api(conn: &mut Conn, api: ApiId) -> Result<Vec<Scope>> {
    let scopes =
        sqlx::query_as!(Scope, "select name, title, roles from api_scopes where api_id = $1 order by position", api.0)
            .fetch_all(conn)
            .await?;
    Ok(scopes)
}

/// What publishers said about scopes, by API.
pub(super) async fn said(conn: &mut Conn) -> Result<BTreeMap<Uuid, Vec<Scope>>> {
    let rows = sqlx::query!(
        r#"select api_id, name, manifest_title as "title!", roles
           from api_scopes
           where manifest_title is not null
           order by api_id, position"#,
    )
    .fetch_all(conn)
    .await?;
    let mut said: BTreeMap<Uuid, Vec<Scope>> = BTreeMap::new();
    for row in rows {
        said.entry(row.api_id).or_default().push(Scope { name: row.name, title: row.title, roles: row.roles });
    }
    Ok(said)
}

/// Makes these the scopes of an API.
pub(super) async fn replace(conn: &mut Conn, api: ApiId, scopes: &[ScopeInForce]) -> Result<()> {
    let names: Vec<String> = scopes.iter().map(|s| s.scope.name.clone()).collect();
    sqlx::query!("delete from api_scopes where api_id = $1 and name <> all ($2)", api.0, &names)
        .execute(&mut *conn)
        .await?;
    let rows: serde_json::Value = (0_i32..).zip(scopes).map(|(position, scope)| as_json(position, scope)).collect();
    sqlx::query!(
        "insert into api_scopes (api_id, name, title, roles, position, manifest_title)
         select $1, s.name, s.title, s.roles, s.position, s.manifest_title
         from jsonb_to_recordset($2::jsonb) as s(name text, title text, roles text[], position integer,
             manifest_title text)
         on conflict (api_id, name) do update
         set title = excluded.title, roles = excluded.roles, position = excluded.position,
             manifest_title = excluded.manifest_title",
        api.0,
        rows,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn as_json(position: i32, ScopeInForce { scope, manifest_title }: &ScopeInForce) -> serde_json::Value {
    serde_json::json!({
        "name": scope.name,
        "title": scope.title,
        "roles": scope.roles,
        "position": position,
        "manifest_title": manifest_title,
    })
}

/// The clients that may introspect tokens, by API, sorted.
pub(super) async fn resource_servers(conn: &mut Conn) -> Result<BTreeMap<Uuid, Vec<String>>> {
    let rows = sqlx::query!("select api_id, client_id from api_resource_servers order by api_id, client_id")
        .fetch_all(conn)
        .await?;
    let mut servers: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for row in rows {
        servers.entry(row.api_id).or_default().push(row.client_id);
    }
    Ok(servers)
}

/// Makes these the clients that may introspect tokens for an API.
pub(super) async fn replace_resource_servers(conn: &mut Conn, api: ApiId, clients: &[String]) -> Result<()> {
    sqlx::query!("delete from api_resource_servers where api_id = $1 and client_id <> all ($2)", api.0, clients)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into api_resource_servers (api_id, client_id) select $1, unnest($2::text[]) on conflict do nothing",
        api.0,
        clients,
    )
    .execute(conn)
    .await?;
    Ok(())
}
