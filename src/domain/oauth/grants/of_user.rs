//! The tokens of a grant that a client asks for at the token endpoint: all that the user has granted, or less.

use crate::base::error::Result;
use crate::base::scope::Scopes;
use crate::domain::Ctx;
use crate::domain::accounts::users;
use crate::domain::credentials::client_model::RegisteredClient;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::mint::{self, Issued, Wanted};
use crate::domain::oauth::request::TokenRequest;
use crate::domain::oauth::resources;
use crate::domain::oauth::scopes::{self, Subject};
use crate::infra::db::Conn;

/// What the client asks for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// `scope` and `resource`.
    pub(super) request: &'a TokenRequest,
    /// Of the authorization request.
    pub(super) nonce: Option<&'a str>,
}

/// Access token and, with `openid`, ID token. The narrowing counts for these tokens only: the grant stays as it is
/// (RFC 6749 §6), and the caller adds the refresh token.
pub(super) async fn tokens(
    conn: &mut Conn,
    ctx: &Ctx,
    issuer: &Issuer,
    (client, grant): (&RegisteredClient, &Grant),
    asked: Asked<'_>,
) -> Result<Result<Issued, Refusal>> {
    let Some(member) = users::by_id(conn, grant.user).await? else {
        return Ok(Err(Refusal::InvalidGrant("The account of the user is disabled.")));
    };
    let scopes = narrow_scopes(client, Subject::User(&member), grant, asked.request.parameter("scope"));
    let resources = narrow_resources(client, issuer, grant, asked.request.resources());
    let (scopes, resources) = match (scopes, resources) {
        (Ok(scopes), Ok(resources)) => (scopes, resources),
        (Err(refusal), _) | (_, Err(refusal)) => return Ok(Err(refusal)),
    };
    let wanted = Wanted { scopes: &scopes, resources: &resources, nonce: asked.nonce };
    Ok(Ok(mint::for_grant(conn, ctx, issuer, (client, grant), wanted).await?))
}

/// Asked for none: what is still open of the grant's, since subscriptions and roles come and go. Asked for some: each of
/// them, or a refusal.
fn narrow_scopes(
    client: &RegisteredClient,
    subject: Subject<'_>,
    grant: &Grant,
    requested: Option<&str>,
) -> Result<Scopes, Refusal> {
    let Some(requested) = requested else { return Ok(scopes::still_open(client, subject, &grant.scopes)) };
    let resolved = scopes::resolve(client, subject, Some(requested))?;
    if resolved.is_subset_of(&grant.scopes) { Ok(resolved) } else { Err(Refusal::InvalidScope) }
}

/// The resources of the token are among those of the grant (RFC 8707 §2.2). A grant without any is for all APIs of the
/// application, as is one for the gateway itself; but one whose APIs are all gone is not.
fn narrow_resources(
    client: &RegisteredClient,
    issuer: &Issuer,
    grant: &Grant,
    requested: &[String],
) -> Result<Vec<String>, Refusal> {
    let granted = &grant.resources;
    if requested.is_empty() {
        let is_open = |name: &&String| resources::resolve(client, issuer, std::slice::from_ref(name)).is_ok();
        let open: Vec<String> = granted.iter().filter(is_open).cloned().collect();
        return if open.is_empty() && !granted.is_empty() { Err(Refusal::InvalidTarget) } else { Ok(open) };
    }
    let resolved = resources::resolve(client, issuer, requested)?;
    let gateway = issuer.urls().gateway(client.environment);
    let covers_all = granted.is_empty() || granted.iter().any(|name| name == gateway);
    if covers_all || resolved.iter().all(|name| granted.contains(name)) {
        Ok(resolved)
    } else {
        Err(Refusal::InvalidTarget)
    }
}
