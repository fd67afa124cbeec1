//! API keys and OAuth clients: who may hold them, and their secrets.

pub mod access;
mod addresses;
pub mod api_keys;
pub mod client_model;
mod client_store;
pub mod clients;
pub mod direct;
mod jwks;
pub mod model;
mod origin_store;
pub mod origins;
pub mod settings;
mod store;

use crate::base::error::Result;
use crate::base::id::ApiKeyId;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// Notes when credentials were last called with, as told by the gateway; never goes back. Rows are locked in the order of
/// their ids, so that nodes do not lock one another.
pub async fn touch(
    conn: &mut Conn,
    keys: &[(ApiKeyId, OffsetDateTime)],
    clients: &[(String, OffsetDateTime)],
) -> Result<()> {
    if !keys.is_empty() {
        let (ids, at): (Vec<_>, Vec<_>) = keys.iter().map(|(id, at)| (id.0, *at)).unzip();
        store::touch(conn, &ids, &at).await?;
    }
    if !clients.is_empty() {
        let (ids, at): (Vec<_>, Vec<_>) = clients.iter().cloned().unzip();
        client_store::touch(conn, &ids, &at).await?;
    }
    Ok(())
}
