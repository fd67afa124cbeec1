//! Makes tokens: access tokens after RFC 9068, ID tokens after OIDC Core §2.

use crate::base::error::{Error, Result};
use crate::base::id::GrantId;
use crate::base::jwt::{ACCESS_TOKEN, AccessClaims, Audience};
use crate::base::scope::Scopes;
use crate::base::secret::{self, Plain};
use crate::domain::Ctx;
use crate::domain::credentials::client_model::RegisteredClient;
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::scopes::OPENID;
use crate::domain::oauth::{grant_store, resources};
use crate::infra::db::Conn;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

/// What the token endpoint hands out (RFC 6749 §5.1, OIDC Core §3.1.3.3). It holds credentials, so it has no `Debug`.
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// Seconds it lives.
    pub expires_in: u32,
    /// Granted scopes, separated by spaces.
    pub scope: String,
    /// Who the user is, where the scope `openid` was granted.
    pub id_token: Option<String>,
    /// For the next access token.
    pub refresh_token: Option<Plain>,
}

/// Claims of an ID token (OIDC Core §2).
#[derive(Debug, Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: String,
    aud: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
}

/// What to make tokens of a grant from.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The scopes of these tokens; not more than the grant's.
    pub(super) scopes: &'a Scopes,
    /// The resources of the access token; not more than the grant's.
    pub(super) resources: &'a [String],
    /// What the client sent to recognise its own request by.
    pub(super) nonce: Option<&'a str>,
}

/// Characters of a `jti`: 131 random bits.
const ID_LENGTH: usize = 22;
/// The `typ` of an ID token.
pub(super) const ID_TOKEN: &str = "JWT";

/// An access token in which no user is involved: the client is its subject (RFC 9068 §2.2). Touches no table.
pub(super) fn for_client(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &RegisteredClient,
    scopes: &Scopes,
    resources: &[String],
) -> Result<Issued> {
    access_token(ctx, issuer, client, (&client.id, None), scopes, resources)
}

/// The tokens of a grant. The caller adds the refresh token.
pub(super) async fn for_grant(
    conn: &mut Conn,
    ctx: &Ctx,
    issuer: &Issuer,
    (client, grant): (&RegisteredClient, &Grant),
    wanted: Wanted<'_>,
) -> Result<Issued> {
    let sub = grant.user.to_string();
    let mut tokens = access_token(ctx, issuer, client, (&sub, Some(grant.id)), wanted.scopes, wanted.resources)?;
    if wanted.scopes.contains(OPENID) {
        let now = ctx.clock.now().unix_timestamp();
        let claims = IdClaims {
            iss: issuer.name(),
            sub,
            aud: &client.id,
            iat: now,
            exp: now + i64::from(client.settings.id_token_seconds),
            auth_time: grant.auth_time.unix_timestamp(),
            nonce: wanted.nonce,
            at_hash: at_hash(&tokens.access_token),
        };
        tokens.id_token = Some(issuer.id_key().sign(ID_TOKEN, &claims).map_err(Error::internal)?);
    }
    let until: OffsetDateTime = ctx.clock.now() + Duration::seconds(tokens.expires_in.into());
    grant_store::extend(conn, grant.id, until).await?;
    Ok(tokens)
}

/// The client's environment decides the audience, and its setting how long the token lives.
fn access_token(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &RegisteredClient,
    (sub, gid): (&str, Option<GrantId>),
    scopes: &Scopes,
    resources: &[String],
) -> Result<Issued> {
    let issued_at = ctx.clock.now().unix_timestamp();
    let seconds = client.settings.access_token_seconds;
    let claims = AccessClaims {
        iss: issuer.name().to_owned(),
        sub: sub.to_owned(),
        aud: Audience::new(resources::audience(client, issuer, resources)),
        client_id: client.id.clone(),
        scope: scopes.to_string(),
        jti: secret::base62(&ctx.random, ID_LENGTH),
        iat: issued_at,
        exp: issued_at + i64::from(seconds),
        env: client.environment,
        gid,
    };
    let access_token = issuer.access_key().sign(ACCESS_TOKEN, &claims).map_err(Error::internal)?;
    Ok(Issued { access_token, expires_in: seconds, scope: claims.scope, id_token: None, refresh_token: None })
}

/// OIDC Core §3.1.3.6: the left half of the hash that the signature uses; both our algorithms use SHA-256.
fn at_hash(access_token: &str) -> String {
    let digest = Sha256::digest(access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
}
