//! Origins: whose pages may read, in a browser, what the OAuth endpoints answer.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::credentials::origin_store;

/// Whether some client has pages of this origin.
pub async fn is_of_some_client(ctx: &Ctx, origin: &str) -> Result<bool> {
    origin_store::is_of_some_client(&mut *ctx.conn().await?, origin).await
}

/// Whether this client has.
pub async fn is_of_client(ctx: &Ctx, origin: &str, client: &str) -> Result<bool> {
    origin_store::is_of_client(&mut *ctx.conn().await?, origin, client).await
}
