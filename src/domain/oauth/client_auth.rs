//! Client authentication (RFC 6749 §2.3): by secret, or by id alone for public clients.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::secret::{Digest, Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::throttle::{Attempt, Gate};
use crate::domain::credentials::clients;
use crate::domain::credentials::model::{ClientKind, RegisteredClient};
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::request::Presented;
use crate::infra::db::Conn;
use std::net::IpAddr;
use subtle::{Choice, ConstantTimeEq as _};

/// A client that has proved who it is. Only [`authenticate`] makes one.
pub(super) struct AuthenticatedClient(RegisteredClient);

impl AuthenticatedClient {
    /// Its record.
    pub(super) fn client(&self) -> &RegisteredClient {
        &self.0
    }
}

/// The client that `presented` proves to be. Failures are counted for (client, network address), so that somebody
/// guessing from elsewhere cannot lock the client out. A success writes nothing, unless failures came before it.
pub(super) async fn authenticate(
    conn: &mut Conn,
    ctx: &Ctx,
    presented: &Presented,
    from: IpAddr,
) -> Result<Result<AuthenticatedClient, Refusal>> {
    let (id, secret) = match presented {
        Presented::Nothing => return Ok(Err(Refusal::InvalidClient)),
        Presented::Id(id) => (id, None),
        Presented::Secret { id, secret } => (id, Some(secret.as_str())),
    };
    let now = ctx.clock.now();
    let attempt = Attempt::of_client(id, from);
    let gate = attempt.gate(conn, now).await?;
    if let Gate::Closed(wait) = gate {
        return Ok(Err(Refusal::TooManyFailures(wait)));
    }
    let client = clients::registered(conn, id, now).await?;
    match client {
        Some(client) if proves(&client, secret) => {
            if gate == Gate::OpenAfterFailures {
                attempt.forget(conn).await?;
            }
            Ok(Ok(AuthenticatedClient(client)))
        }
        _ => {
            attempt.failed(conn, now).await?;
            Ok(Err(Refusal::InvalidClient))
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
fn proves(client: &RegisteredClient, secret: Option<&str>) -> bool {
    let Some(secret) = secret else { return client.kind == ClientKind::Public };
    let Some(digest) = digest(secret) else { return false };
    let matches = |right: Choice, live: &Digest| right | live.as_bytes().ct_eq(digest.as_bytes());
    client.secrets.iter().fold(Choice::from(0), matches).into()
}
