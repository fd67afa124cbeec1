//! The revocation endpoint (RFC 7009): a client says that it needs a token no longer.

use crate::base::error::Result;
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::credentials::client_model::RegisteredClient;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grant::EndReason;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::request::TokenRequest;
use crate::domain::oauth::{client_auth, grant, refresh_store, revocations};
use std::net::IpAddr;

const ANOTHER_CLIENTS: Refusal = Refusal::InvalidGrant("The token was issued to another client.");

/// Revokes the token of a request. What is no token of ours, or no longer one, is revoked enough (RFC 7009 §2.2).
///
/// `token_type_hint` is not looked at: our tokens tell what they are, so a wrong hint costs nothing and a right one saves
/// nothing (RFC 7009 §2.1).
pub async fn revoke(ctx: &Ctx, issuer: &Issuer, request: &TokenRequest, from: IpAddr) -> Result<Result<(), Refusal>> {
    let client = match client_auth::authenticate(ctx, issuer, &request.presented, from).await? {
        Ok(client) => client,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(token) = request.parameter("token") else {
        return Ok(Err(Refusal::InvalidRequest("The parameter token is missing.")));
    };
    match Plain::parse(Kind::RefreshToken, token) {
        Some(token) => refresh_token(ctx, client.client(), &token).await,
        None => access_token(ctx, issuer, client.client(), token).await,
    }
}

/// The whole grant ends, whichever of its refresh tokens this is: an older one is as much a proof that the client has
/// held the grant (RFC 7009 §2.1 wants its access tokens to end too).
async fn refresh_token(ctx: &Ctx, client: &RegisteredClient, token: &Plain) -> Result<Result<(), Refusal>> {
    let mut tx = ctx.db.begin().await?;
    let Some(found) = refresh_store::find(&mut tx, &token.digest()).await? else {
        return Ok(Ok(()));
    };
    if found.client != client.id {
        return Ok(Err(ANOTHER_CLIENTS));
    }
    grant::end(&mut tx, ctx, found.grant, EndReason::Revoked).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// The access token alone ends: the user's grant is worth more than one of its tokens.
async fn access_token(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &RegisteredClient,
    token: &str,
) -> Result<Result<(), Refusal>> {
    let Ok(claims) = issuer.access(token, ctx.clock.now()) else {
        return Ok(Ok(()));
    };
    if claims.client_id != client.id {
        return Ok(Err(ANOTHER_CLIENTS));
    }
    let mut tx = ctx.db.begin().await?;
    if revocations::holds(&mut tx, &claims).await? {
        return Ok(Ok(()));
    }
    let done = revocations::token(&mut tx, ctx, &claims).await?;
    tx.commit().await?;
    Ok(done)
}
