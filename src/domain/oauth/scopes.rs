//! Which scopes a client may have: those of the APIs that its application is subscribed to, narrowed by what its owner
//! has chosen and by the user's roles, and those of OpenID Connect. Nothing is dropped in silence.

use crate::base::scope::Scopes;
pub use crate::base::scope::{EMAIL, OFFLINE_ACCESS, OPENID, OPENID_CONNECT, PROFILE};
use crate::domain::accounts::model::Member;
use crate::domain::credentials::client_model::{GrantType, RegisteredClient};
use crate::domain::oauth::error::Refusal;

/// On whose behalf the client asks.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    /// Its own.
    Client,
    /// A user's who has not signed in yet: roles are asked about later.
    SomeUser,
    /// This user's.
    User(&'a Member),
}

/// The scopes of a request. Asked for none, they are all that its APIs have to give to this subject.
pub(super) fn resolve(
    client: &RegisteredClient,
    subject: Subject<'_>,
    requested: Option<&str>,
) -> Result<Scopes, Refusal> {
    let Some(requested) = requested else {
        let names = client.apis.iter().flat_map(|api| &api.scopes).map(|scope| scope.name.as_str());
        return Ok(Scopes::new(names.filter(|name| is_open(client, subject, name))));
    };
    let scopes = Scopes::parse(requested).ok_or(Refusal::InvalidScope)?;
    if scopes.iter().all(|name| is_open(client, subject, name)) { Ok(scopes) } else { Err(Refusal::InvalidScope) }
}

/// Those of `granted` that the client may still have for this subject.
pub(super) fn still_open(client: &RegisteredClient, subject: Subject<'_>, granted: &Scopes) -> Scopes {
    Scopes::new(granted.iter().filter(|name| is_open(client, subject, name)))
}

/// Whether the client may have the scope for this subject. Where several of its APIs have a scope of that name, each of
/// them must agree: a token does not say whose scope was meant.
fn is_open(client: &RegisteredClient, subject: Subject<'_>, name: &str) -> bool {
    if client.settings.scopes.as_ref().is_some_and(|chosen| !chosen.iter().any(|scope| scope == name)) {
        return false;
    }
    if OPENID_CONNECT.contains(&name) {
        let needs_refresh = name == OFFLINE_ACCESS;
        return !matches!(subject, Subject::Client) && (!needs_refresh || client.settings.has(GrantType::RefreshToken));
    }
    let mut same = client.apis.iter().flat_map(|api| &api.scopes).filter(|scope| scope.name == name).peekable();
    same.peek().is_some()
        && same.all(|scope| match subject {
            _ if scope.roles.is_empty() => true,
            Subject::Client => false,
            Subject::SomeUser => true,
            Subject::User(member) => scope.roles.iter().any(|role| member.has(role)),
        })
}
