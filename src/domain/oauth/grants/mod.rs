//! The token endpoint: authenticate the client, then let the grant decide.

mod authorization_code;
mod client_credentials;
mod device_code;
mod of_user;
mod password;
pub(super) mod refresh_token;

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::credentials::client_model::GrantType;
use crate::domain::oauth::client_auth;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::issuer::{Issuer, Legacy};
use crate::domain::oauth::mint::Issued;
use crate::domain::oauth::request::TokenRequest;
use std::net::IpAddr;

/// The grants of an instance, as in `grant_type` and in the metadata.
pub(super) fn supported(legacy: Legacy) -> impl Iterator<Item = GrantType> {
    GrantType::ALL.into_iter().filter(move |grant| legacy == Legacy::Allowed || !grant.is_legacy())
}

/// What the token endpoint answers.
pub enum Answer {
    /// A token.
    Issued(Issued),
    /// The reason why there is none.
    Refused(Refusal),
}

/// Answers a request. The client proves who it is before anything else of the request is looked at (RFC 6749 §3.2.1).
pub async fn token(ctx: &Ctx, issuer: &Issuer, request: &TokenRequest, from: IpAddr) -> Result<Answer> {
    let client = match client_auth::authenticate(ctx, issuer, &request.presented, from).await? {
        Ok(client) => client,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    let Some(grant_type) = request.parameter("grant_type") else {
        return Ok(Answer::Refused(Refusal::InvalidRequest("The parameter grant_type is missing.")));
    };
    // `implicit` is a response type of the authorization endpoint, not a grant_type of this one.
    let known = GrantType::parse(grant_type).filter(|grant| *grant != GrantType::Implicit);
    let Some(grant) = known.filter(|grant| supported(issuer.legacy()).any(|known| known == *grant)) else {
        return Ok(Answer::Refused(Refusal::UnsupportedGrantType));
    };
    if !client.client().settings.has(grant) {
        return Ok(Answer::Refused(Refusal::UnauthorizedClient));
    }
    match grant {
        GrantType::ClientCredentials => client_credentials::token(ctx, issuer, &client, request),
        GrantType::AuthorizationCode => authorization_code::token(ctx, issuer, &client, request).await,
        GrantType::RefreshToken => refresh_token::token(ctx, issuer, &client, request).await,
        GrantType::Password => password::token(ctx, issuer, &client, request, from).await,
        GrantType::DeviceCode => device_code::token(ctx, issuer, &client, request).await,
        GrantType::Implicit => Ok(Answer::Refused(Refusal::UnsupportedGrantType)),
    }
}
