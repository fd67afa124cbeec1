//! SQL of putting the first steps away.

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::infra::db::Conn;
use time::OffsetDateTime;

pub(super) async fn hide(conn: &mut Conn, user: UserId, now: OffsetDateTime) -> Result<()> {
    sqlx::query!("update users set first_steps_hidden_at = $2 where id = $1", user.0, now).execute(conn).await?;
    Ok(())
}
