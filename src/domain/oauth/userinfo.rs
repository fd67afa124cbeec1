//! The `UserInfo` endpoint (OIDC Core §5.3): who the user is that an access token stands for, as far as its scopes go.

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::base::scope::Scopes;
use crate::domain::Ctx;
use crate::domain::accounts::users;
use crate::domain::oauth::bearer::{self, BearerRefusal};
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::request::RawRequest;
use crate::domain::oauth::scopes::{EMAIL, OPENID, PROFILE};
use serde::Serialize;

/// Claims about a user (OIDC Core §5.1), with the client that gets them. Whether the e-mail address was verified is not
/// said, because nothing verifies it.
#[derive(Debug, Serialize)]
pub struct UserInfo {
    /// Whom the token was issued to.
    #[serde(skip)]
    pub client: String,
    sub: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// Answers whoever holds an access token with the scope `openid`.
pub async fn userinfo(ctx: &Ctx, issuer: &Issuer, raw: &RawRequest<'_>) -> Result<Result<UserInfo, BearerRefusal>> {
    let token = match bearer::find(raw) {
        Ok(token) => token,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let claims = match bearer::check(ctx, issuer, &token).await? {
        Ok(claims) => claims,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let scopes = Scopes::parse(&claims.scope).unwrap_or_default();
    if !scopes.contains(OPENID) {
        return Ok(Err(BearerRefusal::InsufficientScope(OPENID)));
    }
    // The name spaces of users and clients do not meet, but only a grant says that `sub` is a user.
    let user = match claims.gid.map(|_grant| claims.sub.parse::<UserId>()) {
        Some(Ok(id)) => users::by_id(&mut *ctx.conn().await?, id).await?,
        _ => None,
    };
    let Some(user) = user else { return Ok(Err(BearerRefusal::InvalidToken)) };
    Ok(Ok(UserInfo {
        client: claims.client_id,
        sub: user.id,
        name: scopes.contains(PROFILE).then_some(user.name),
        email: scopes.contains(EMAIL).then(|| user.email.to_string()),
    }))
}
