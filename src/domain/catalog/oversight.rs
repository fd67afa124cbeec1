//! Who looks after an API: administrators and publishers after all of them, owners after theirs. They see who has
//! subscribed and what is called, and never a secret.

use crate::base::error::{Error, Result};
use crate::base::id::ApiId;
use crate::base::text::Email;
use crate::domain::accounts::model::{ADMIN, Member, PUBLISHER, Viewer};
use crate::domain::catalog::model::MajorVersion;
use crate::domain::catalog::{browse, oversight_store};
use crate::infra::db::Conn;

/// Owners who are written to.
const MOST_OWNERS: i64 = 20;

/// A version of an API that the member looks after. Only [`version`] makes one.
#[derive(Clone, Debug)]
pub struct Overseen(MajorVersion);

impl Overseen {
    /// The version.
    pub fn version(&self) -> &MajorVersion {
        &self.0
    }
}

/// A version that the member looks after. For everybody else there is nothing to see: not found.
pub async fn version(conn: &mut Conn, member: &Member, api: &str, major: u16) -> Result<Overseen> {
    let version = browse::major(conn, &Viewer::Member(member.clone()), api, major).await?;
    if !oversees(conn, member, version.api.id).await? {
        return Err(Error::NotFound);
    }
    Ok(Overseen(version))
}

/// Whether the member looks after every API.
pub fn oversees_all(member: &Member) -> bool {
    member.has(ADMIN) || member.has(PUBLISHER)
}

/// Whether the member looks after an API, for pages that link to what is for them alone.
pub async fn oversees(conn: &mut Conn, member: &Member, api: ApiId) -> Result<bool> {
    if oversees_all(member) {
        return Ok(true);
    }
    oversight_store::is_owner(conn, api, &member.email).await
}

/// Whom to write to about an API: at most 20 of its owners.
pub async fn owners(conn: &mut Conn, api: ApiId) -> Result<Vec<Email>> {
    oversight_store::owners(conn, api, MOST_OWNERS).await
}

/// Whether the member is an owner of some API.
pub async fn owns_any(conn: &mut Conn, member: &Member) -> Result<bool> {
    oversight_store::owns_any(conn, &member.email).await
}
