//! Which versions the applications of a member are subscribed to, for lists of APIs.

use crate::base::error::Result;
use crate::base::id::ApiId;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::subscriptions::coverage_store as store;

/// The versions to which an application of the member, own or shared, is subscribed; at most 2000.
pub async fn versions(ctx: &Ctx, member: &Member) -> Result<Vec<(ApiId, u16)>> {
    store::versions(&mut *ctx.conn().await?, member).await
}

/// The applications of the member that are subscribed to one of these APIs: API, major, name; at most 500.
pub async fn applications(ctx: &Ctx, member: &Member, apis: &[ApiId]) -> Result<Vec<(ApiId, u16, String)>> {
    if apis.is_empty() {
        return Ok(Vec::new());
    }
    store::applications(&mut *ctx.conn().await?, member, apis).await
}
