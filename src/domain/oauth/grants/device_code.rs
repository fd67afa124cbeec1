//! The device code grant at the token endpoint (RFC 8628 §3.4).

use crate::base::error::Result;
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::oauth::client_auth::AuthenticatedClient;
use crate::domain::oauth::device;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grants::of_user::{self, Asked};
use crate::domain::oauth::grants::{Answer, refresh_token};
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::request::TokenRequest;

/// The code is used up by the transaction that makes the tokens: a device that asked for too much, or got no answer
/// because we broke, may ask again.
pub(super) async fn token(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &AuthenticatedClient,
    request: &TokenRequest,
) -> Result<Answer> {
    let client = client.client();
    let Some(text) = request.parameter("device_code") else {
        return Ok(Answer::Refused(Refusal::InvalidRequest("The parameter device_code is missing.")));
    };
    let Some(device_code) = Plain::parse(Kind::DeviceCode, text) else { return Ok(Answer::Refused(device::UNKNOWN)) };
    let mut tx = ctx.db.begin().await?;
    let grant = match device::redeem(&mut tx, ctx, client, &device_code).await? {
        Ok(grant) => grant,
        Err(refusal) => {
            tx.commit().await?; // when it asked counts
            return Ok(Answer::Refused(refusal));
        }
    };
    let asked = Asked { request, nonce: None };
    let mut tokens = match of_user::tokens(&mut tx, ctx, issuer, (client, &grant), asked).await? {
        Ok(tokens) => tokens,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    tokens.refresh_token = refresh_token::first(&mut tx, ctx, client, &grant).await?;
    tx.commit().await?;
    Ok(Answer::Issued(tokens))
}
