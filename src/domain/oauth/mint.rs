//! Makes tokens: access tokens after RFC 9068.

use crate::base::error::{Error, Result};
use crate::base::jwt::{ACCESS_TOKEN, AccessClaims};
use crate::base::secret;
use crate::domain::Ctx;
use crate::domain::credentials::model::RegisteredClient;
use crate::domain::oauth::issuer::Issuer;

/// What the token endpoint hands out (RFC 6749 §5.1). It holds a credential, so it has no `Debug`.
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// Seconds it lives.
    pub expires_in: u32,
    /// Granted scopes, separated by spaces.
    pub scope: String,
}

/// Characters of a `jti`: 131 random bits.
const ID_LENGTH: usize = 22;

/// An access token in which no user is involved: the client is its subject (RFC 9068 §2.2). Its environment decides
/// the audience, and the client's setting how long it lives.
pub(super) fn access_token_of_client(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &RegisteredClient,
    scope: &str,
) -> Result<Issued> {
    let issued_at = ctx.clock.now().unix_timestamp();
    let claims = AccessClaims {
        iss: issuer.name().to_owned(),
        sub: client.id.clone(),
        aud: issuer.urls().gateway(client.environment).to_owned(),
        client_id: client.id.clone(),
        scope: scope.to_owned(),
        jti: secret::base62(&ctx.random, ID_LENGTH),
        iat: issued_at,
        exp: issued_at + i64::from(client.access_token_seconds),
        env: client.environment,
    };
    let access_token = issuer.signing_key().sign(ACCESS_TOKEN, &claims).map_err(Error::internal)?;
    Ok(Issued { access_token, expires_in: client.access_token_seconds, scope: claims.scope })
}
