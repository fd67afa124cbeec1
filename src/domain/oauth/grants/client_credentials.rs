//! The client credentials grant (RFC 6749 §4.4): the application itself, no user, no refresh token.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::credentials::client_model::ClientKind;
use crate::domain::oauth::client_auth::AuthenticatedClient;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grants::Answer;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::request::TokenRequest;
use crate::domain::oauth::scopes::Subject;
use crate::domain::oauth::{mint, resources, scopes};

/// Only a confidential client may use this grant: an id alone proves nothing.
pub(super) fn token(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &AuthenticatedClient,
    request: &TokenRequest,
) -> Result<Answer> {
    let client = client.client();
    if client.settings.kind == ClientKind::Public {
        return Ok(Answer::Refused(Refusal::UnauthorizedClient));
    }
    let scopes = match scopes::resolve(client, Subject::Client, request.parameter("scope")) {
        Ok(scopes) => scopes,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    let resources = match resources::resolve(client, issuer, request.resources()) {
        Ok(resources) => resources,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    Ok(Answer::Issued(mint::for_client(ctx, issuer, client, &scopes, &resources)?))
}
