//! Authorization codes (RFC 6749 §4.1.2): issued to a browser, redeemed once at the token endpoint.

use crate::base::error::Result;
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::credentials::client_model::RegisteredClient;
use crate::domain::oauth::code_store;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grant::{self, EndReason, Grant};
use crate::domain::oauth::pkce::Challenge;
use crate::infra::db::{Conn, Tx};
use time::Duration;

/// How long a code works: the client's next request brings it.
const LIFETIME: Duration = Duration::minutes(1);

/// Unknown, used, expired, of another client, for another address: the client is told no more than this.
const NOT_GOOD: Refusal = Refusal::InvalidGrant("The code is unknown, used or expired, or belongs to another request.");
const NOT_VERIFIED: Refusal = Refusal::InvalidGrant("The code_verifier is not the one of the authorization request.");

/// What a new code is bound to, besides its grant.
#[derive(Clone, Copy)]
pub(super) struct NewCode<'a> {
    /// Where the browser takes it.
    pub(super) redirect_uri: &'a str,
    /// Whose verifier the client must know.
    pub(super) challenge: Option<&'a Challenge>,
    /// For the ID token.
    pub(super) nonce: Option<&'a str>,
}

/// What the client sends to redeem a code.
#[derive(Clone, Copy)]
pub(super) struct Redemption<'a> {
    /// The code.
    pub(super) code: &'a str,
    /// Where the browser took it.
    pub(super) redirect_uri: &'a str,
    /// The proof that the client has made the authorization request.
    pub(super) verifier: Option<&'a str>,
}

/// A code that this transaction has used up; it is as good as new if the transaction does not commit.
pub(super) struct Redeemed {
    /// In which the tokens are to be made.
    pub(super) tx: Tx,
    /// What the user has let the client do; locked, so that it cannot end before the tokens are known to it.
    pub(super) grant: Grant,
    /// For the ID token.
    pub(super) nonce: Option<String>,
}

/// Makes a code. It is good once the transaction has committed.
pub(super) async fn issue(conn: &mut Conn, ctx: &Ctx, grant: &Grant, new: NewCode<'_>) -> Result<Plain> {
    let code = Plain::mint(Kind::AuthorizationCode, &ctx.random);
    let expires_at = ctx.clock.now() + LIFETIME;
    let bound = (grant.id, new.redirect_uri);
    code_store::insert(conn, &code.digest(), bound, (new.challenge, new.nonce), expires_at).await?;
    Ok(code)
}

/// Uses a code up for an authenticated client.
///
/// What does not belong to the code – another client, another address, no verifier or a wrong one – is refused and
/// changes nothing: whoever has only read the code, from a log or a history, can neither use it nor spoil it. For the
/// same reason only a second use with everything right ends the grant (RFC 6749 §4.1.2, RFC 9700 §4.5); of parallel
/// uses, each that comes second is one.
pub(super) async fn redeem(
    ctx: &Ctx,
    client: &RegisteredClient,
    sent: Redemption<'_>,
) -> Result<Result<Redeemed, Refusal>> {
    let Some(digest) = Plain::parse(Kind::AuthorizationCode, sent.code).map(|code| code.digest()) else {
        return Ok(Err(NOT_GOOD));
    };
    let now = ctx.clock.now();
    let mut tx = ctx.db.begin().await?;
    let Some(code) = code_store::find(&mut tx, &digest).await? else { return Ok(Err(NOT_GOOD)) };
    if code.client != client.id || code.redirect_uri != sent.redirect_uri {
        return Ok(Err(NOT_GOOD));
    }
    match (&code.challenge, sent.verifier) {
        (None, None) => {}
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => {}
        // A verifier without a challenge: somebody has taken the challenge out of the request (RFC 9700 §4.8.2).
        (_, _) => return Ok(Err(NOT_VERIFIED)),
    }
    // The grant first, as everything that ends one does: no deadlock, and no token that an ended grant does not know.
    let Some(grant) = grant::lock(&mut tx, code.grant, now).await? else { return Ok(Err(NOT_GOOD)) };
    if code_store::consume(&mut tx, &digest, now).await? {
        return Ok(Ok(Redeemed { tx, grant, nonce: code.nonce }));
    }
    if code_store::is_used(&mut tx, &digest).await? {
        grant::end(&mut tx, ctx, grant.id, EndReason::CodeReused).await?;
        tx.commit().await?;
    }
    Ok(Err(NOT_GOOD))
}
