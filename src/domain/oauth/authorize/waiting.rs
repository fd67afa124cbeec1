//! Requests that wait for their users. Each is known by a handle in the address of its pages; only the handle's digest
//! is stored. That address is the return address of the sign-in page too, so none travels in a parameter.

use crate::base::error::{Error, Result};
use crate::base::id::SessionId;
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::throttle;
use crate::domain::oauth::authorize::answer::{Answer, Fault};
use crate::domain::oauth::authorize::flow::Step;
use crate::domain::oauth::authorize::parameters::Parameters;
use crate::domain::oauth::authorize::request::{self, Request};
use crate::domain::oauth::authorize_store;
use crate::domain::oauth::issuer::Issuer;
use crate::infra::db::Conn;
use std::net::IpAddr;
use time::Duration;

/// How long a request waits for its user.
const PATIENCE: Duration = Duration::hours(1);
/// Requests of one network that may wait at once: anybody can make us store one.
const MOST_WAITING: i64 = 100;

/// A request that waits.
pub(super) struct Waiting {
    pub(super) handle: Plain,
    pub(super) request: Request,
    /// The session that was opened on its own sign-in page.
    pub(super) session: Option<SessionId>,
    parameters: Parameters,
}

/// How it is stored.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    parameters: Parameters,
    session: Option<SessionId>,
}

/// The request that the parameters make, or the step that it ends with. The client is looked up anew each time.
pub(super) async fn understand(ctx: &Ctx, issuer: &Issuer, parameters: &Parameters) -> Result<Result<Request, Step>> {
    let client = match parameters.get("client_id") {
        Some(id) => issuer.registry().client(ctx, id).await?,
        None => None,
    };
    let Some(client) = client else { return Ok(Err(Step::Fault(Fault::UnknownClient))) };
    let to = match request::return_to(&client, parameters) {
        Ok(to) => to,
        Err(fault) => return Ok(Err(Step::Fault(fault))),
    };
    Ok(request::understand(issuer, client, to.clone(), parameters)
        .map_err(|problem| Step::Answer(Answer::refused(issuer, &to, problem))))
}

/// Stores a request; the answer is its handle.
pub(super) async fn keep(
    conn: &mut Conn,
    ctx: &Ctx,
    request: &Request,
    parameters: Parameters,
    from: IpAddr,
) -> Result<Result<Plain, Fault>> {
    let now = ctx.clock.now();
    let network = throttle::network(from);
    if authorize_store::waiting(conn, &network, now).await? >= MOST_WAITING {
        return Ok(Err(Fault::TooMany));
    }
    let handle = Plain::mint(Kind::AuthorizationRequest, &ctx.random);
    let stored = serde_json::to_value(Stored { parameters, session: None }).map_err(Error::internal)?;
    let times = (now, now + PATIENCE);
    authorize_store::insert_request(conn, &handle.digest(), (&request.client.id, &stored), &network, times).await?;
    Ok(Ok(handle))
}

impl Waiting {
    /// The request with this handle, or the step that it ends with: what was right when it came may not be any more.
    pub(super) async fn find(ctx: &Ctx, issuer: &Issuer, handle: &str) -> Result<Result<Self, Step>> {
        const ENDED: Step = Step::Fault(Fault::Ended);
        let Some(handle) = Plain::parse(Kind::AuthorizationRequest, handle) else { return Ok(Err(ENDED)) };
        let mut conn = ctx.conn().await?;
        let stored = authorize_store::request(&mut conn, &handle.digest(), ctx.clock.now()).await?;
        let Some(stored) = stored else { return Ok(Err(ENDED)) };
        drop(conn);
        let Stored { parameters, session } = serde_json::from_value(stored).map_err(Error::internal)?;
        match understand(ctx, issuer, &parameters).await? {
            Ok(request) => Ok(Ok(Self { handle, request, session, parameters })),
            Err(step) => {
                let is_first = authorize_store::use_request(&mut *ctx.conn().await?, &handle.digest()).await?;
                Ok(Err(if is_first { step } else { ENDED }))
            }
        }
    }

    /// Notes the session that was opened on the request's own sign-in page.
    pub(super) async fn note_session(&mut self, conn: &mut Conn, session: SessionId) -> Result<()> {
        self.session = Some(session);
        let stored = Stored { parameters: self.parameters.clone(), session: self.session };
        let stored = serde_json::to_value(stored).map_err(Error::internal)?;
        authorize_store::update_request(conn, &self.handle.digest(), &stored).await
    }

    /// Uses it up. Of two answers that come at once, say after a double click, one gets through.
    pub(super) async fn use_up(&self, conn: &mut Conn) -> Result<Result<(), Step>> {
        let is_first = authorize_store::use_request(conn, &self.handle.digest()).await?;
        Ok(if is_first { Ok(()) } else { Err(Step::Fault(Fault::Ended)) })
    }
}
