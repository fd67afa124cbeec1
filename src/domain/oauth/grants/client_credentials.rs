//! The client credentials grant (RFC 6749 §4.4): the application itself, no user, no refresh token.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::credentials::model::ClientKind;
use crate::domain::oauth::client_auth::AuthenticatedClient;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grants::Answer;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::mint;
use crate::domain::oauth::request::TokenRequest;

pub(super) const GRANT_TYPE: &str = "client_credentials";

/// Only a confidential client may use this grant: an id alone proves nothing. No scope is defined yet, so every
/// request for one is refused rather than narrowed in silence, and the granted scope is empty.
pub(super) fn token(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &AuthenticatedClient,
    request: &TokenRequest,
) -> Result<Answer> {
    if client.client().kind == ClientKind::Public {
        return Ok(Answer::Refused(Refusal::UnauthorizedClient));
    }
    if request.parameter("scope").is_some_and(|scope| !scope.trim().is_empty()) {
        return Ok(Answer::Refused(Refusal::InvalidScope));
    }
    Ok(Answer::Issued(mint::access_token_of_client(ctx, issuer, client.client(), "")?))
}
