//! Devices without a browser (RFC 8628): they show a code, a user enters it elsewhere and decides, they ask until then.

use crate::base::environment::Environment;
use crate::base::error::{Error, Result};
use crate::base::scope::Scopes;
use crate::base::secret::{Kind, Plain};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::sessions;
use crate::domain::accounts::throttle::{self, Attempt, Gate};
use crate::domain::audit;
use crate::domain::credentials::client_model::{GrantType, RegisteredClient};
use crate::domain::oauth::authorize::consents::{self, Permission};
use crate::domain::oauth::device_store::{Codes, Polled, Waiting};
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::request::TokenRequest;
use crate::domain::oauth::scopes::Subject;
use crate::domain::oauth::user_code::UserCode;
use crate::domain::oauth::{client_auth, device_store, grant, resources, scopes};
use crate::infra::db::Conn;
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use time::Duration;

/// How long a user may take to enter the code, in seconds.
const LIFETIME_SECONDS: u32 = 600;
/// How long a device waits between two questions, in seconds; it grows for one that does not wait.
const INTERVAL_SECONDS: u32 = 5;
/// Requests of one client that have not ended. Anybody can begin one for a public client, so it is a bound on what
/// strangers can make us store, far above what people are at once.
const MOST_OF_CLIENT: i64 = 5000;
/// The same from one network.
const MOST_FROM_NETWORK: i64 = 100;
/// How often a user code may turn out to be taken before something must be wrong.
const DRAWS: usize = 5;

/// What a device gets to begin with (RFC 8628 §3.2). It holds credentials, so it has no `Debug`.
pub struct Begun {
    /// For the device alone: it asks with it.
    pub device_code: Plain,
    /// For the user.
    pub user_code: UserCode,
    /// Seconds until both end.
    pub expires_in: u32,
    /// Seconds between two questions.
    pub interval: u32,
}

/// What a device asks for, as the user sees it who has entered its code.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The application's name.
    pub application: String,
    /// Whose it is.
    pub owner: String,
    /// Where its tokens will work.
    pub environment: Environment,
    /// The code that the device shows.
    pub user_code: UserCode,
    /// What it would be let do; none when it asks for something that is not this user's to grant.
    pub permissions: Option<Vec<Permission>>,
    /// Stands for what is asked, and of whom: it comes back with the answer, so that nobody agrees to what they have
    /// not seen.
    pub seal: String,
    client: Arc<RegisteredClient>,
    scopes: Scopes,
    resources: Vec<String>,
}

/// What the user says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision<'a> {
    /// Yes, to the question with this seal.
    Allow(&'a str),
    /// No.
    Deny,
}

/// What became of it.
#[derive(Debug)]
pub enum Decided {
    /// It is done.
    Done(Asked),
    /// The question has changed since it was shown: this is what it is now.
    Again(Asked),
}

/// Begins: the client proves who it is, and what it asks for must be something that some user could grant.
pub async fn begin(ctx: &Ctx, issuer: &Issuer, request: &TokenRequest, from: IpAddr) -> Result<Result<Begun, Refusal>> {
    let client = match client_auth::authenticate(ctx, issuer, &request.presented, from).await? {
        Ok(client) => client,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let client = client.client();
    if !client.settings.has(GrantType::DeviceCode) {
        return Ok(Err(Refusal::UnauthorizedClient));
    }
    let requested = request.parameter("scope");
    let scopes = match scopes::resolve(client, Subject::SomeUser, requested) {
        Ok(scopes) => requested.map(|_| scopes.as_slice().to_vec()),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let resources = match resources::resolve(client, issuer, request.resources()) {
        Ok(resources) => resources,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let waiting = Waiting { client: client.id.clone(), scopes, resources };
    store(ctx, issuer, &waiting, &throttle::network(from)).await
}

async fn store(ctx: &Ctx, issuer: &Issuer, waiting: &Waiting, address: &str) -> Result<Result<Begun, Refusal>> {
    let now = ctx.clock.now();
    let mut conn = ctx.conn().await?;
    let (of_client, from_network) = device_store::count_waiting(&mut conn, &waiting.client, address, now).await?;
    if of_client >= MOST_OF_CLIENT || from_network >= MOST_FROM_NETWORK {
        return Ok(Err(Refusal::TooManyWaiting(std::time::Duration::from_mins(1))));
    }
    let (expires_in, interval) = (LIFETIME_SECONDS, INTERVAL_SECONDS);
    let device_code = Plain::mint(Kind::DeviceCode, &ctx.random);
    for _ in 0..DRAWS {
        let user_code = UserCode::mint(&ctx.random);
        let codes = Codes {
            device: device_code.digest(),
            user: user_code.digest(issuer.master_key())?,
            address,
            now,
            expires_at: now + Duration::seconds(expires_in.into()),
            interval_seconds: i32::try_from(interval).unwrap_or(i32::MAX),
        };
        if device_store::insert(&mut conn, waiting, &codes).await? {
            return Ok(Ok(Begun { device_code, user_code, expires_in, interval }));
        }
    }
    Err(Error::internal("no user code is free"))
}

/// What waits under the code that a member has typed. Wrong codes are counted against guessing (RFC 8628 §5.1), and a
/// right one does not make them forgotten: a guesser can always get a right one for a device of their own.
pub async fn find(ctx: &Ctx, issuer: &Issuer, member: &Member, typed: &str) -> Result<Asked> {
    let Some(user_code) = UserCode::parse(typed) else {
        return Err(Error::field("user_code", "Enter the 8 letters that the device shows."));
    };
    let now = ctx.clock.now();
    let attempt = Attempt::of_device_code(member.id);
    let mut conn = ctx.conn().await?;
    if let Gate::Closed(wait) = attempt.gate(&mut conn, now).await? {
        return Err(Error::Busy(wait));
    }
    let Some(waiting) = device_store::waiting(&mut conn, &user_code.digest(issuer.master_key())?, now).await? else {
        attempt.failed(&mut conn, now).await?;
        return Err(unknown());
    };
    drop(conn); // the registry may need one
    let client = issuer.registry().client(ctx, &waiting.client).await?;
    // A client that has lost the grant since asks for nothing any more.
    let client = client.filter(|client| client.settings.has(GrantType::DeviceCode)).ok_or_else(unknown)?;
    let requested = waiting.scopes.map(|scopes| scopes.join(" "));
    let scopes = scopes::resolve(&client, Subject::User(member), requested.as_deref()).ok();
    let permissions = scopes.as_ref().map(|scopes| consents::in_words(&client, scopes));
    let scopes = scopes.unwrap_or_default();
    Ok(Asked {
        application: client.application_name.clone(),
        owner: client.owner_name.clone(),
        environment: client.environment,
        permissions,
        seal: format!("{} {scopes}", member.id),
        user_code,
        client,
        scopes,
        resources: waiting.resources,
    })
}

/// Decides about what waits under the code; it is looked up again, for much may have changed since the member saw it.
pub async fn decide(
    ctx: &Ctx,
    issuer: &Issuer,
    member: &Member,
    typed: &str,
    decision: Decision<'_>,
) -> Result<Decided> {
    let asked = find(ctx, issuer, member, typed).await?;
    let digest = asked.user_code.digest(issuer.master_key())?;
    let mut tx = ctx.db.begin().await?;
    let grant = match decision {
        Decision::Deny => None,
        Decision::Allow(seal) if seal != asked.seal || asked.permissions.is_none() => {
            return Ok(Decided::Again(asked));
        }
        Decision::Allow(_) => Some(allow(&mut tx, ctx, member, &asked).await?.id),
    };
    if !device_store::decide(&mut tx, &digest, grant, ctx.clock.now()).await? {
        return Err(unknown());
    }
    let action = if grant.is_some() { "device.allowed" } else { "device.denied" };
    let (client, application) = (&*asked.client.id, Some(asked.client.application));
    audit::record(&mut tx, ctx, &member.into(), (action, client), application, json!({})).await?;
    tx.commit().await?;
    Ok(Decided::Done(asked))
}

/// Begins the grant and remembers the consent; what was agreed to before is asked for again all the same, because
/// somebody else may have started the device (RFC 8628 §5.4).
async fn allow(conn: &mut Conn, ctx: &Ctx, member: &Member, asked: &Asked) -> Result<Grant> {
    let auth_time = match member.session {
        Some(session) => sessions::opened_at(conn, session).await?,
        None => None,
    };
    let who = (GrantType::DeviceCode, member.id, auth_time.ok_or(Error::NotFound)?);
    consents::remember(conn, ctx, member, &asked.client, &asked.scopes).await?;
    grant::begin(conn, ctx, &asked.client, who, (asked.scopes.clone(), asked.resources.clone())).await
}

fn unknown() -> Error {
    Error::field("user_code", "No device is waiting with this code. Check the letters, or start again on the device.")
}

/// The grant that the code of the client's device stands for, once; or why there is none (RFC 8628 §3.5).
pub(super) async fn redeem(
    conn: &mut Conn,
    ctx: &Ctx,
    client: &RegisteredClient,
    device_code: &Plain,
) -> Result<Result<Grant, Refusal>> {
    let (now, digest) = (ctx.clock.now(), device_code.digest());
    let Some(polled) = device_store::poll(conn, &digest, &client.id, now).await? else {
        return Ok(Err(UNKNOWN));
    };
    match polled {
        Polled::Ended => return Ok(Err(Refusal::ExpiredToken)),
        Polled::Denied => return Ok(Err(Refusal::AccessDenied)),
        Polled::Waiting => return Ok(Err(Refusal::AuthorizationPending)),
        Polled::TooEarly => return Ok(Err(Refusal::SlowDown)),
        Polled::Allowed => {}
    }
    let Some(id) = device_store::redeem(conn, &digest, &client.id, now).await? else { return Ok(Err(UNKNOWN)) };
    // The user may have been disabled, or have taken everything back, since they agreed. Locked, so that whoever ends it
    // now takes the tokens along that are about to be made.
    Ok(grant::lock(conn, id, now).await?.ok_or(Refusal::AccessDenied))
}

/// Never issued, used up, or another client's.
pub(super) const UNKNOWN: Refusal =
    Refusal::InvalidGrant("The device code is unknown, was used, or is another client's.");
