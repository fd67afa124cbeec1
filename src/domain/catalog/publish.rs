//! Writing the catalogue. Whoever calls has checked what it writes and holds the transaction.

use crate::base::error::{Error, Result};
use crate::base::id::{ApiId, ApiVersionId, DocumentId, EndpointId};
use crate::base::version::Version;
use crate::domain::Ctx;
use crate::domain::catalog::document_store;
use crate::domain::catalog::model::Document;
use crate::domain::catalog::reference_store;
use crate::domain::catalog::scope_store;
use crate::domain::catalog::spec::{ApiSpec, Attributes, EndpointSpec, Reading, VersionSpec};
use crate::domain::catalog::write_store as store;
use crate::infra::db::Conn;

/// Every API there is, whatever its state, by name. Definitions come without their content.
pub async fn live(conn: &mut Conn) -> Result<Vec<ApiSpec>> {
    store::live(conn).await
}

/// The source of every definition there is: `(API, version, endpoint, source)`.
pub async fn sources(conn: &mut Conn) -> Result<Vec<(String, Version, String, String)>> {
    store::sources(conn).await
}

/// The operations of the versions of these APIs that are not retired: `(API, version, (method, path))`.
pub async fn operations(conn: &mut Conn, apis: &[String]) -> Result<Vec<(String, Version, (String, String))>> {
    store::operations(conn, apis).await
}

/// The endpoint of a definition that another release has read otherwise, with its source; none: all are read as this
/// release reads them.
pub async fn read_otherwise(conn: &mut Conn) -> Result<Option<(EndpointId, String)>> {
    reference_store::read_otherwise(conn).await
}

/// Makes this what the reference shows of a definition.
pub async fn set_reading(conn: &mut Conn, endpoint: EndpointId, reading: &Reading) -> Result<()> {
    reference_store::put(conn, endpoint, reading).await
}

/// The bytes of every document that is a file: `(API, document, bytes)`.
pub async fn files(conn: &mut Conn) -> Result<Vec<(String, String, Vec<u8>)>> {
    document_store::files(conn).await
}

/// Adds an API without versions.
pub async fn add_api(conn: &mut Conn, ctx: &Ctx, name: &str, attributes: &Attributes) -> Result<ApiId> {
    let now = ctx.clock.now();
    let id = ApiId(ctx.random.uuid(now));
    store::insert_api(conn, (id, now), name, attributes).await?;
    Ok(id)
}

/// Changes what holds for all versions of an API.
pub async fn change_api(conn: &mut Conn, ctx: &Ctx, name: &str, attributes: &Attributes) -> Result<()> {
    store::update_api(conn, ctx.clock.now(), name, attributes).await
}

/// The id of an API.
pub async fn api_id(conn: &mut Conn, name: &str) -> Result<ApiId> {
    store::api_id(conn, name).await?.ok_or(Error::NotFound)
}

/// Makes exactly these roles the ones that see a restricted API.
pub async fn set_roles(conn: &mut Conn, api: ApiId, roles: &[String]) -> Result<()> {
    store::set_audience(conn, api, roles).await
}

/// Makes exactly these people, by e-mail address, the ones who look after an API.
pub async fn set_owners(conn: &mut Conn, api: ApiId, owners: &[String]) -> Result<()> {
    store::set_owners(conn, api, owners).await
}

/// Makes the scopes of an API those of `spec`.
pub async fn set_scopes(conn: &mut Conn, api: ApiId, spec: &ApiSpec) -> Result<()> {
    store::set_has_scopes(conn, api, &spec.scopes).await?;
    scope_store::replace(conn, api, &spec.scopes_in_force()).await
}

/// Makes exactly these clients the ones that may introspect tokens for an API.
pub async fn set_resource_servers(conn: &mut Conn, api: ApiId, clients: &[String]) -> Result<()> {
    scope_store::replace_resource_servers(conn, api, clients).await
}

/// Makes these the documents of an API, in this order.
pub async fn set_documents(conn: &mut Conn, ctx: &Ctx, api: ApiId, documents: &[Document]) -> Result<()> {
    let now = ctx.clock.now();
    for (position, document) in (0..).zip(documents) {
        document_store::put(conn, DocumentId(ctx.random.uuid(now)), api, document, position).await?;
    }
    let names: Vec<String> = documents.iter().map(|d| d.name.clone()).collect();
    document_store::delete_others(conn, api, &names).await
}

/// Adds a version with its endpoints.
pub async fn add_version(
    conn: &mut Conn,
    ctx: &Ctx,
    api: ApiId,
    version: Version,
    spec: &VersionSpec,
) -> Result<ApiVersionId> {
    let now = ctx.clock.now();
    let id = ApiVersionId(ctx.random.uuid(now));
    store::insert_version(conn, (id, now), api, version, spec).await?;
    for (position, endpoint) in (0..).zip(&spec.endpoints) {
        add_endpoint(conn, ctx, id, endpoint, position).await?;
    }
    Ok(id)
}

/// Changes a version's own fields and makes its endpoints those of `spec`, where they differ from `before`. Endpoints
/// keep their ids as long as they keep their names.
pub async fn change_version(
    conn: &mut Conn,
    ctx: &Ctx,
    (api, version): (ApiId, Version),
    before: &VersionSpec,
    spec: &VersionSpec,
) -> Result<()> {
    let id = store::version_id(conn, api, version).await?.ok_or(Error::NotFound)?;
    if (before.state, &before.changelog, before.sunset_on) != (spec.state, &spec.changelog, spec.sunset_on) {
        store::update_version(conn, ctx.clock.now(), id, spec).await?;
    }
    for gone in before.endpoints.iter().filter(|b| !spec.endpoints.iter().any(|e| e.name == b.name)) {
        store::delete_endpoint(conn, id, &gone.name).await?;
    }
    for (index, endpoint) in spec.endpoints.iter().enumerate() {
        let position = i32::try_from(index).unwrap_or(i32::MAX);
        match before.endpoints.iter().position(|b| b.name == endpoint.name) {
            None => add_endpoint(conn, ctx, id, endpoint, position).await?,
            Some(at) => {
                let moved = at != index;
                let Some(old) = before.endpoints.get(at) else {
                    continue;
                };
                let there = store::endpoint_id(conn, id, &endpoint.name).await?.ok_or(Error::NotFound)?;
                change_endpoint(conn, there, (old, endpoint), moved.then_some(position)).await?;
            }
        }
    }
    Ok(())
}

async fn add_endpoint(
    conn: &mut Conn,
    ctx: &Ctx,
    version: ApiVersionId,
    endpoint: &EndpointSpec,
    position: i32,
) -> Result<()> {
    let id = EndpointId(ctx.random.uuid(ctx.clock.now()));
    store::insert_endpoint(conn, id, version, endpoint, position).await?;
    for (environment, url) in &endpoint.backends {
        store::put_backend(conn, id, *environment, url).await?;
    }
    if let Some(definition) = &endpoint.definition {
        store::put_definition(conn, id, definition).await?;
    }
    Ok(())
}

async fn change_endpoint(
    conn: &mut Conn,
    id: EndpointId,
    (before, after): (&EndpointSpec, &EndpointSpec),
    position: Option<i32>,
) -> Result<()> {
    if before.title != after.title || before.path != after.path {
        store::update_endpoint(conn, id, after).await?;
    }
    if let Some(position) = position {
        store::move_endpoint(conn, id, position).await?;
    }
    for environment in before.backends.keys().filter(|e| !after.backends.contains_key(e)) {
        store::delete_backend(conn, id, *environment).await?;
    }
    for (environment, url) in &after.backends {
        if before.backends.get(environment) != Some(url) {
            store::put_backend(conn, id, *environment, url).await?;
        }
    }
    match &after.definition {
        _ if before.definition == after.definition => Ok(()),
        Some(definition) => store::put_definition(conn, id, definition).await,
        None => store::delete_definition(conn, id).await,
    }
}
