//! The refresh token grant (RFC 6749 §6, RFC 9700 §4.14).

use crate::base::error::Result;
use crate::base::secret::Plain;
use crate::domain::Ctx;
use crate::domain::credentials::client_model::{GrantType, RegisteredClient};
use crate::domain::oauth::client_auth::AuthenticatedClient;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::grants::Answer;
use crate::domain::oauth::grants::of_user::{self, Asked};
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::refresh::{self, Rotated};
use crate::domain::oauth::request::TokenRequest;
use crate::infra::db::Conn;

/// The first refresh token of a grant; none if the application has not chosen to have them.
pub(in crate::domain::oauth) async fn first(
    conn: &mut Conn,
    ctx: &Ctx,
    client: &RegisteredClient,
    grant: &Grant,
) -> Result<Option<Plain>> {
    if !client.settings.has(GrantType::RefreshToken) {
        return Ok(None);
    }
    Ok(Some(refresh::issue(conn, ctx, &client.settings, grant).await?))
}

/// New tokens and always a new refresh token. The old one is used up by the transaction that makes them.
pub(super) async fn token(
    ctx: &Ctx,
    issuer: &Issuer,
    client: &AuthenticatedClient,
    request: &TokenRequest,
) -> Result<Answer> {
    let client = client.client();
    let Some(sent) = request.parameter("refresh_token") else {
        return Ok(Answer::Refused(Refusal::InvalidRequest("The parameter refresh_token is missing.")));
    };
    let Rotated { mut tx, grant, successor } = match refresh::rotate(ctx, issuer, client, sent).await? {
        Ok(rotated) => rotated,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    // OIDC Core §12.2: the nonce belongs to the first ID token alone.
    let asked = Asked { request, nonce: None };
    let mut tokens = match of_user::tokens(&mut tx, ctx, issuer, (client, &grant), asked).await? {
        Ok(tokens) => tokens,
        Err(refusal) => return Ok(Answer::Refused(refusal)),
    };
    tokens.refresh_token = Some(successor);
    tx.commit().await?;
    Ok(Answer::Issued(tokens))
}
