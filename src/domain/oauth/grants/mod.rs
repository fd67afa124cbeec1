//! The token endpoint: authenticate the client, then let the grant decide.

mod client_credentials;

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::oauth::client_auth;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::mint::Issued;
use crate::domain::oauth::request::TokenRequest;
use std::net::IpAddr;

/// The grants that work, as in `grant_type` and in the metadata.
pub(super) const SUPPORTED: [&str; 1] = [client_credentials::GRANT_TYPE];

/// What the token endpoint answers.
pub enum Answer {
    /// A token.
    Issued(Issued),
    /// The reason why there is none.
    Refused(Refusal),
}

/// Answers a request. The client proves who it is before anything else of the request is looked at (RFC 6749 §3.2.1).
/// No transaction: `client_credentials` writes nothing.
pub async fn token(ctx: &Ctx, issuer: &Issuer, request: &TokenRequest, from: IpAddr) -> Result<Answer> {
    let mut conn = ctx.conn().await?;
    let client = match client_auth::authenticate(&mut conn, ctx, &request.presented, from).await? {
        Ok(client) => client,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    drop(conn); // signing needs none
    let Some(grant_type) = request.parameter("grant_type") else {
        return Ok(Answer::Refused(Refusal::InvalidRequest("The parameter grant_type is missing.")));
    };
    if !SUPPORTED.contains(&grant_type) {
        return Ok(Answer::Refused(Refusal::UnsupportedGrantType));
    }
    if !client.client().grant_types.iter().any(|chosen| chosen == grant_type) {
        return Ok(Answer::Refused(Refusal::UnauthorizedClient));
    }
    client_credentials::token(ctx, issuer, &client, request)
}
