//! The catalogue as a viewer sees it.

use crate::base::error::{Error, Result};
use crate::base::id::{ApiId, EndpointId};
use crate::base::policy::Policies;
use crate::domain::Ctx;
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::model::{
    Api, ApiVersion, Definition, Document, DocumentEntry, MajorVersion, Operation, Scope,
};
use crate::domain::catalog::{document_store, scope_store, store};
use crate::infra::db::Conn;
use std::collections::BTreeMap;

/// The visible majors of one API, newest first; not found when there is none.
pub async fn majors(ctx: &Ctx, viewer: &Viewer, api: &str) -> Result<Vec<MajorVersion>> {
    named(&mut *ctx.conn().await?, viewer, api).await
}

/// One major version; not found when the viewer may not see it.
pub async fn major(conn: &mut Conn, viewer: &Viewer, api: &str, major: u16) -> Result<MajorVersion> {
    named(conn, viewer, api).await?.into_iter().find(|m| m.major == major).ok_or(Error::NotFound)
}

/// The documents of an API that the caller has found by [`majors`] or [`major`].
pub async fn documents(ctx: &Ctx, api: ApiId) -> Result<Vec<DocumentEntry>> {
    document_store::of_api(&mut *ctx.conn().await?, api).await
}

/// One of its documents, with what is in it.
pub async fn document(ctx: &Ctx, api: ApiId, name: &str) -> Result<Document> {
    document_store::find(&mut *ctx.conn().await?, api, name).await?.ok_or(Error::NotFound)
}

/// Where its consumers get help: an e-mail address or a URL; empty when nobody has said.
pub async fn support(ctx: &Ctx, api: ApiId) -> Result<String> {
    Ok(store::support(&mut *ctx.conn().await?, api).await?.unwrap_or_default())
}

/// The scopes of an API that the caller has found by [`majors`] or [`major`], in order.
pub async fn scopes(ctx: &Ctx, api: ApiId) -> Result<Vec<Scope>> {
    scope_store::of_api(&mut *ctx.conn().await?, api).await
}

/// The policies of an API that the caller has found by [`majors`] or [`major`].
pub async fn policies(ctx: &Ctx, api: ApiId) -> Result<Policies> {
    store::policies(&mut *ctx.conn().await?, api).await?.ok_or(Error::NotFound)
}

/// The operations of an endpoint that the caller has found so, in the definition's order.
pub async fn operations(ctx: &Ctx, endpoint: EndpointId) -> Result<Vec<Operation>> {
    operations_in(&mut *ctx.conn().await?, endpoint).await
}

/// The same, inside a transaction.
pub async fn operations_in(conn: &mut Conn, endpoint: EndpointId) -> Result<Vec<Operation>> {
    store::operations(conn, endpoint).await
}

/// The first path of an endpoint that a plain GET opens, if it has one.
pub async fn plain_path(ctx: &Ctx, endpoint: EndpointId) -> Result<Option<String>> {
    store::plain_path(&mut *ctx.conn().await?, endpoint).await
}

/// The definition of an endpoint that the caller has found so, as published.
pub async fn definition(ctx: &Ctx, endpoint: EndpointId) -> Result<Option<Definition>> {
    store::definition(&mut *ctx.conn().await?, endpoint).await
}

async fn named(conn: &mut Conn, viewer: &Viewer, api: &str) -> Result<Vec<MajorVersion>> {
    let api = store::by_name(&mut *conn, viewer, api).await?;
    let majors = with_versions(conn, api.into_iter().collect()).await?;
    if majors.is_empty() { Err(Error::NotFound) } else { Ok(majors) }
}

/// Two queries, however many APIs there are.
async fn with_versions(conn: &mut Conn, apis: Vec<Api>) -> Result<Vec<MajorVersion>> {
    let ids: Vec<_> = apis.iter().map(|api| api.id.0).collect();
    let mut versions: BTreeMap<ApiId, Vec<ApiVersion>> = BTreeMap::new();
    for (api, version) in store::versions(conn, &ids).await? {
        versions.entry(api).or_default().push(version);
    }
    Ok(apis
        .into_iter()
        .flat_map(|api| {
            let versions = versions.remove(&api.id).unwrap_or_default();
            by_major(&api, versions)
        })
        .collect())
}

/// Splits an API's versions, which come newest first, at each new major.
fn by_major(api: &Api, versions: Vec<ApiVersion>) -> Vec<MajorVersion> {
    let mut majors: Vec<MajorVersion> = Vec::new();
    for version in versions {
        match majors.last_mut() {
            Some(last) if last.major == version.version.major => last.versions.push(version),
            _ => {
                let major = version.version.major;
                majors.push(MajorVersion { api: api.clone(), major, versions: vec![version] });
            }
        }
    }
    majors
}
