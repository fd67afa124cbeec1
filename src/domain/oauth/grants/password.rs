//! The password grant (RFC 6749 §4.3): the user's password in the application's hands.

use crate::base::error::{Error, Result};
use crate::domain::Ctx;
use crate::domain::accounts::sign_in::{self, Passwords};
use crate::domain::credentials::client_model::GrantType;
use crate::domain::oauth::client_auth::AuthenticatedClient;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grants::of_user::{self, Asked};
use crate::domain::oauth::grants::{Answer, refresh_token};
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::request::TokenRequest;
use crate::domain::oauth::scopes::Subject;
use crate::domain::oauth::{grant, resources, scopes};
use std::net::IpAddr;

/// Signs the user in as the page does, with the same count of failures: whoever guesses here is kept out there too.
/// Scopes and resources are looked at before the password, which costs more.
pub(super) async fn token(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &AuthenticatedClient,
    request: &TokenRequest,
    from: IpAddr,
) -> Result<Answer> {
    let client = client.client();
    let (Some(username), Some(password)) = (request.parameter("username"), request.parameter("password")) else {
        return Ok(Answer::Refused(Refusal::InvalidRequest("The parameters username and password are needed.")));
    };
    let requested = request.parameter("scope");
    let resources = match scopes::resolve(client, Subject::SomeUser, requested)
        .and_then(|_| resources::resolve(client, issuer, request.resources()))
    {
        Ok(resources) => resources,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    // Where passwords are for administrators, the configuration has closed this grant.
    let member = match sign_in::sign_in(ctx, Passwords::ForEverybody, (username, password), from).await {
        Ok(member) => member,
        Err(Error::Invalid(_)) => {
            return Ok(Answer::Refused(Refusal::InvalidGrant("The username or the password is not right.")));
        }
        Err(Error::Busy(wait)) => return Ok(Answer::Refused(Refusal::TooManyFailures(wait))),
        Err(other) => return Err(other),
    };
    let scopes = match scopes::resolve(client, Subject::User(&member), requested) {
        Ok(scopes) => scopes,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    let mut tx = ctx.db.begin().await?;
    let who = (GrantType::Password, member.id, ctx.clock.now());
    let grant = grant::begin(&mut tx, ctx, client, who, (scopes, resources)).await?;
    let asked = Asked { request, nonce: None };
    let mut tokens = match of_user::tokens(&mut tx, ctx, issuer, (client, &grant), asked).await? {
        Ok(tokens) => tokens,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    tokens.refresh_token = refresh_token::first(&mut tx, ctx, client, &grant).await?;
    tx.commit().await?;
    Ok(Answer::Issued(tokens))
}
