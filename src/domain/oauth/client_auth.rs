//! Client authentication (RFC 6749 §2.3): by secret, by a signed token, or by id alone for public clients.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::secret::{Digest, Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::throttle::{Attempt, Gate};
use crate::domain::credentials::client_model::{ClientKind, RegisteredClient};
use crate::domain::oauth::client_assertion::Assertion;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::request::Presented;
use std::net::IpAddr;
use std::sync::Arc;
use subtle::{Choice, ConstantTimeEq as _};
use time::OffsetDateTime;

/// A client that has proved who it is. Only [`authenticate`] makes one.
pub(super) struct AuthenticatedClient(Arc<RegisteredClient>);

impl AuthenticatedClient {
    /// Its record.
    pub(super) fn client(&self) -> &RegisteredClient {
        &self.0
    }
}

/// The client that `presented` proves to be. Failures are counted for (client, network address), so that somebody
/// guessing from elsewhere cannot lock the client out.
///
/// A client that is remembered, and for which no failure is, proves itself without a table being touched. Whatever
/// would be a failure is asked about in the database first: a secret that was made a moment ago must work on every node.
pub(super) async fn authenticate(
    ctx: &Ctx,
    issuer: &Issuer,
    presented: &Presented,
    from: IpAddr,
) -> Result<Result<AuthenticatedClient, Refusal>> {
    let read;
    let (id, proof) = match presented {
        Presented::Nothing => return Ok(Err(Refusal::InvalidClient)),
        Presented::Id(id) => (id.as_str(), Proof::None),
        Presented::Secret { id, secret } => (id.as_str(), Proof::Secret(secret)),
        Presented::Assertion { id, kind, assertion } => {
            read = Assertion::read(id.as_deref(), kind, assertion);
            let Some(assertion) = &read else { return Ok(Err(Refusal::InvalidClient)) };
            (assertion.client(), Proof::Assertion(assertion))
        }
    };
    let (now, registry) = (ctx.clock.now(), issuer.registry());
    let attempt = Attempt::of_client(id, from);
    if !registry.failures().has(&attempt)
        && let Some(client) = registry.remembered(id)
        && proof.holds_alone(&client, now)
    {
        return Ok(Ok(AuthenticatedClient(client)));
    }
    let mut conn = ctx.conn().await?;
    let gate = attempt.gate(&mut conn, now).await?;
    if let Gate::Closed(wait) = gate {
        registry.failures().add(attempt);
        return Ok(Err(Refusal::TooManyFailures(wait)));
    }
    let proven = match (registry.read(&mut conn, id).await?, proof) {
        (Some(client), Proof::Assertion(assertion)) => {
            assertion.proves(&mut conn, issuer, &client, now).await?.then_some(client)
        }
        (client, proof) => client.filter(|client| proof.holds_alone(client, now)),
    };
    let Some(client) = proven else {
        attempt.failed(&mut conn, now).await?;
        registry.failures().add(attempt);
        return Ok(Err(Refusal::InvalidClient));
    };
    if gate == Gate::OpenAfterFailures {
        attempt.forget(&mut conn).await?;
    }
    registry.failures().remove(&attempt);
    Ok(Ok(AuthenticatedClient(client)))
}

/// What a client proves itself by.
#[derive(Clone, Copy)]
enum Proof<'a> {
    /// Nothing: enough for a public one.
    None,
    /// Its secret.
    Secret(&'a str),
    /// A token that it has signed.
    Assertion(&'a Assertion<'a>),
}

impl Proof<'_> {
    /// Whether it can be seen without the database that the client is the one. An assertion is used up there.
    fn holds_alone(self, client: &RegisteredClient, now: OffsetDateTime) -> bool {
        match self {
            Self::None => proves(client, None, now),
            Self::Secret(secret) => proves(client, Some(secret), now),
            Self::Assertion(_) => false,
        }
    }
}

/// What was sent for a secret: none for text that no secret of ours can be.
fn digest(secret: &str) -> Option<Digest> {
    Environment::ALL
        .iter()
        .find_map(|environment| Plain::parse(Kind::ClientSecret(*environment), secret))
        .map(|plain| plain.digest())
}

/// A secret that was sent must be right, also for a public client; only a public one may send none. Every live secret
/// is compared, in constant time.
fn proves(client: &RegisteredClient, secret: Option<&str>, now: OffsetDateTime) -> bool {
    let Some(secret) = secret else { return client.settings.kind == ClientKind::Public };
    let Some(digest) = digest(secret) else { return false };
    let matches = |right: Choice, live: &Digest| right | live.as_bytes().ct_eq(digest.as_bytes());
    let live =
        client.secrets.iter().filter(|(_, until)| until.is_none_or(|until| now < until)).map(|(digest, _)| digest);
    live.fold(Choice::from(0), matches).into()
}
