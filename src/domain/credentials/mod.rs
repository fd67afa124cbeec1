//! API keys and OAuth clients: who may hold them, and their secrets.

pub mod access;
mod addresses;
pub mod api_keys;
pub mod client_model;
mod client_store;
pub mod clients;
pub mod direct;
mod jwks;
pub mod key_lists;
pub mod limits;
mod list_store;
pub mod model;
mod origin_store;
pub mod origins;
pub mod settings;
mod store;
pub mod testing;

use crate::base::error::Result;
use crate::base::id::ApiKeyId;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// What the gateway tells of the use of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// How many calls came with it, by either secret.
    pub calls: u64,
    /// The last of them, to the minute.
    pub last: OffsetDateTime,
    /// How many of them came with the secret that was replaced.
    pub old_calls: u64,
    /// The last of those.
    pub old_last: Option<OffsetDateTime>,
}

/// Notes how often and when credentials were last called with, as told by the gateway; never goes back. Rows are locked in
/// the order of their ids, so that nodes do not lock one another.
pub async fn touch(conn: &mut Conn, keys: &[(ApiKeyId, KeyUse)], clients: &[(String, OffsetDateTime)]) -> Result<()> {
    if !keys.is_empty() {
        store::touch(conn, keys).await?;
    }
    if !clients.is_empty() {
        let (ids, at): (Vec<_>, Vec<_>) = clients.iter().cloned().unzip();
        client_store::touch(conn, &ids, &at).await?;
    }
    Ok(())
}
