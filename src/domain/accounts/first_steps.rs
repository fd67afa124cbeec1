//! Putting the first steps on the home page away. How far somebody is stands in `usage::first_steps`.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::accounts::first_steps_store;
use crate::domain::accounts::model::Member;

/// Hides them for good. It is a matter of looks, like the theme, so no audit event tells of it.
pub async fn hide(ctx: &Ctx, member: &Member) -> Result<()> {
    first_steps_store::hide(&mut *ctx.conn().await?, member.id, ctx.clock.now()).await
}
