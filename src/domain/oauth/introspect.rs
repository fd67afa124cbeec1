//! The introspection endpoint (RFC 7662): what a token is worth now, for the client that holds it and for the resource
//! servers of the API that it opens.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::jwt::{AccessClaims, Audience};
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::credentials::client_model::{ClientKind, RegisteredClient};
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::refresh_store::{self, StoredToken};
use crate::domain::oauth::request::TokenRequest;
use crate::domain::oauth::{client_auth, grant, revocations};
use serde::Serialize;
use std::net::IpAddr;

/// What is known of a token.
#[derive(Debug)]
pub enum Introspection {
    /// It is good.
    Active(Box<Active>),
    /// It is not, or the client may not know: told apart by nothing (RFC 7662 §2.2).
    Inactive,
}

/// A token that is good (RFC 7662 §2.2). Neither name nor address of the user: `sub` says who it is.
#[derive(Debug, Serialize)]
pub struct Active {
    #[serde(rename = "active")]
    is_good: True,
    iss: String,
    sub: String,
    aud: Audience,
    client_id: String,
    scope: String,
    token_type: &'static str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    env: Environment,
}

/// What `active` says of a token that is described at all.
#[derive(Debug)]
struct True;

impl Serialize for True {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

/// Answers a confidential client; an id alone proves nothing, and others must not learn what a token is worth by trying
/// (RFC 7662 §2.1, §4).
pub async fn introspect(
    ctx: &Ctx,
    issuer: &Issuer,
    request: &TokenRequest,
    from: IpAddr,
) -> Result<Result<Introspection, Refusal>> {
    let client = match client_auth::authenticate(ctx, issuer, &request.presented, from).await? {
        Ok(client) => client,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let client = client.client();
    if client.settings.kind == ClientKind::Public {
        return Ok(Err(Refusal::InvalidClient));
    }
    let Some(token) = request.parameter("token") else {
        return Ok(Err(Refusal::InvalidRequest("The parameter token is missing.")));
    };
    let found = match Plain::parse(Kind::RefreshToken, token) {
        Some(token) => refresh_token(ctx, issuer, client, &token).await?,
        None => access_token(ctx, issuer, client, token).await?,
    };
    Ok(Ok(found.map_or(Introspection::Inactive, |active| Introspection::Active(Box::new(active)))))
}

async fn access_token(ctx: &Ctx, issuer: &Issuer, asking: &RegisteredClient, token: &str) -> Result<Option<Active>> {
    let Ok(claims) = issuer.access(token, ctx.clock.now()) else { return Ok(None) };
    if claims.client_id != asking.id && !is_served_by(ctx, issuer, asking, &claims).await? {
        return Ok(None);
    }
    if revocations::holds(&mut *ctx.conn().await?, &claims).await? {
        return Ok(None);
    }
    Ok(Some(Active {
        is_good: True,
        iss: claims.iss,
        sub: claims.sub,
        aud: claims.aud,
        client_id: claims.client_id,
        scope: claims.scope,
        token_type: "Bearer",
        iat: claims.iat,
        exp: claims.exp,
        jti: Some(claims.jti),
        env: claims.env,
    }))
}

/// Whether `asking` is a resource server of an API that the token opens now: one that the token's application is subscribed
/// to, and that the token names or, being for the whole gateway, does not exclude. A resource server of one environment
/// learns nothing about the other.
async fn is_served_by(ctx: &Ctx, issuer: &Issuer, asking: &RegisteredClient, claims: &AccessClaims) -> Result<bool> {
    if asking.resource_server_of.is_empty() || asking.environment != claims.env {
        return Ok(false);
    }
    let Some(holder) = issuer.registry().client(ctx, &claims.client_id).await? else { return Ok(false) };
    let gateway = issuer.urls().gateway(claims.env);
    let is_whole = claims.aud.contains(gateway);
    let mut served = holder.apis.iter().filter(|api| asking.resource_server_of.contains(&api.api));
    Ok(served.any(|api| is_whole || claims.aud.contains(&api.identifier(gateway))))
}

/// A refresh token is nobody's business but its client's; used ones are worth nothing, though a lost answer may be asked
/// for again.
async fn refresh_token(ctx: &Ctx, issuer: &Issuer, asking: &RegisteredClient, token: &Plain) -> Result<Option<Active>> {
    let (now, mut conn) = (ctx.clock.now(), ctx.conn().await?);
    let found = refresh_store::find(&mut conn, &token.digest()).await?;
    let is_good = |found: &StoredToken| found.client == asking.id && found.used_at.is_none() && found.expires_at > now;
    let Some(found) = found.filter(is_good) else { return Ok(None) };
    let Some(grant) = grant::live(&mut conn, found.grant, now).await? else { return Ok(None) };
    Ok(Some(Active {
        is_good: True,
        iss: issuer.name().to_owned(),
        sub: grant.user.to_string(),
        aud: Audience::One(issuer.name().to_owned()),
        client_id: grant.client,
        scope: grant.scopes.to_string(),
        token_type: "refresh_token",
        iat: found.created_at.unix_timestamp(),
        exp: found.expires_at.unix_timestamp(),
        jti: None,
        env: asking.environment,
    }))
}
