//! The authorization code grant at the token endpoint (RFC 6749 §4.1.3, RFC 7636 §4.5).

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::oauth::client_auth::AuthenticatedClient;
use crate::domain::oauth::codes::{self, Redeemed, Redemption};
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grants::of_user::{self, Asked};
use crate::domain::oauth::grants::{Answer, refresh_token};
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::request::TokenRequest;

/// The code is used up by the transaction that makes the tokens: a request that is refused, or a server that fails on
/// the way, leaves it as it was.
pub(super) async fn token(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &AuthenticatedClient,
    request: &TokenRequest,
) -> Result<Answer> {
    let client = client.client();
    let Some(code) = request.parameter("code") else {
        return Ok(Answer::Refused(Refusal::InvalidRequest("The parameter code is missing.")));
    };
    let Some(redirect_uri) = request.parameter("redirect_uri") else {
        return Ok(Answer::Refused(Refusal::InvalidRequest("The parameter redirect_uri is missing.")));
    };
    let sent = Redemption { code, redirect_uri, verifier: request.parameter("code_verifier") };
    let Redeemed { mut tx, grant, nonce } = match codes::redeem(ctx, client, sent).await? {
        Ok(redeemed) => redeemed,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    let asked = Asked { request, nonce: nonce.as_deref() };
    let mut tokens = match of_user::tokens(&mut tx, ctx, issuer, (client, &grant), asked).await? {
        Ok(tokens) => tokens,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    tokens.refresh_token = refresh_token::first(&mut tx, ctx, client, &grant).await?;
    tx.commit().await?;
    Ok(Answer::Issued(tokens))
}
