//! What an access token says and opens, for people: which of their APIs, and why not the others. The gateway decides by the
//! same rules in `gateway/permit.rs`; here they are told in words.

use crate::base::environment::Environment;
use crate::base::error::Result;
use crate::base::id::ApplicationId;
use crate::base::jwt::{AccessClaims, TokenError};
use crate::base::scope::Scopes;
use crate::base::version::VersionState;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::oauth::inspect_store::{self, Row};
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::revocations;
use crate::domain::subscriptions::model::State as SubscriptionState;

/// Operations of one API that are named at most.
const MOST_OPERATIONS: usize = 20;

/// A token that we have issued.
#[derive(Debug)]
pub struct Inspection {
    /// What it says.
    pub claims: AccessClaims,
    /// Whether it is good for anything now.
    pub state: State,
    /// Whose it is, where the member reaches the application; for others it stays unsaid.
    pub holder: Option<Holder>,
    /// The APIs that the member's applications are subscribed to: first those of the token's. None without a holder.
    pub apis: Vec<Opening>,
}

/// The application that a token was issued to.
#[derive(Debug)]
pub struct Holder {
    /// Its id.
    pub id: ApplicationId,
    /// Its name.
    pub name: String,
    /// Whether it has a page; one behind credentials directly on an API has none.
    pub is_listed: bool,
}

/// Whether a token is good for anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It is.
    Alive,
    /// Its time is over.
    Expired,
    /// Its time has not begun: the clock that it was issued by goes ahead.
    Early,
    /// It was revoked, itself or with all that it hangs on.
    Revoked,
}

/// One API, and whether the token opens it now.
#[derive(Debug)]
pub struct Opening {
    /// The API's name in URLs.
    pub api: String,
    /// The API's name for people.
    pub title: String,
    /// The major version.
    pub major: u16,
    /// The answer.
    pub verdict: Verdict,
}

/// Whether a token opens an API now.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Opens,
    /// It does, but for operations that need scopes which it lacks.
    But(Lacking),
    /// It does not.
    No(Reason),
}

/// Operations that a token does not open.
#[derive(Debug, PartialEq, Eq)]
pub struct Lacking {
    /// Some of them: method, path below the version, and the alternatives of scopes.
    pub operations: Vec<(String, String, Vec<String>)>,
    /// How many there are in all.
    pub count: usize,
}

/// Why a token does not open an API. In the order in which the reasons are told: one at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The token is not alive.
    Dead(State),
    /// The API takes no access tokens.
    TakesNoTokens,
    /// The application is not subscribed.
    NotSubscribed,
    /// Somebody has to approve the subscription.
    SubscriptionPending,
    /// The subscription was not approved.
    SubscriptionRejected,
    /// The publisher has stopped the subscription.
    SubscriptionBlocked,
    /// The token is meant for other APIs only.
    OtherResource,
    /// Nothing of the version is published any more.
    Gone,
    /// The version is blocked for the time being.
    Blocked,
    /// It has no backend in the token's environment.
    NotServed(Environment),
}

/// Looks at a token. The inner error says why it is no access token of ours.
pub async fn inspect(
    ctx: &Ctx,
    issuer: &Issuer,
    member: &Member,
    token: &str,
) -> Result<Result<Inspection, TokenError>> {
    let claims = match issuer.access_at_any_time(token) {
        Ok(claims) => claims,
        Err(error) => return Ok(Err(error)),
    };
    let mut conn = ctx.conn().await?;
    let now = ctx.clock.now().unix_timestamp();
    let state = if claims.exp <= now {
        State::Expired
    } else if !claims.is_alive(now) {
        State::Early
    } else if revocations::holds(&mut conn, &claims).await? {
        State::Revoked
    } else {
        State::Alive
    };
    let Some(holder) = inspect_store::holder(&mut conn, &claims.client_id, member).await? else {
        return Ok(Ok(Inspection { claims, state, holder: None, apis: Vec::new() }));
    };
    let rows = inspect_store::majors(&mut conn, member, (holder.id, claims.env)).await?;
    let versions: Vec<_> = rows.iter().filter_map(|row| row.version_id).collect();
    let guarded = inspect_store::guarded(&mut conn, &versions, claims.env).await?;
    let scopes = Scopes::parse(&claims.scope).unwrap_or_default();
    let gateway = issuer.urls().gateway(claims.env);
    let opening = |row: Row| {
        let lacks = guarded.iter().filter(|o| Some(o.version_id) == row.version_id && o.lacks(&scopes));
        let lacks: Vec<_> = lacks.map(|o| (o.method.clone(), o.full_path(), o.scopes.clone())).collect();
        let verdict = match reason(&row, &claims, state, gateway) {
            Some(reason) => Verdict::No(reason),
            None if lacks.is_empty() => Verdict::Opens,
            None => Verdict::But(Lacking {
                count: lacks.len(),
                operations: lacks.into_iter().take(MOST_OPERATIONS).collect(),
            }),
        };
        Opening { api: row.name, title: row.title, major: u16::try_from(row.major).unwrap_or(0), verdict }
    };
    let apis = rows.into_iter().map(opening).collect();
    Ok(Ok(Inspection { claims, state, holder: Some(holder), apis }))
}

fn reason(row: &Row, claims: &AccessClaims, state: State, gateway: &str) -> Option<Reason> {
    let resource = format!("{gateway}/{}/v{}", row.context, row.major);
    let is_meant = claims.aud.contains(gateway) || claims.aud.contains(&resource);
    Some(match (row.subscription, row.version_state) {
        _ if state != State::Alive => Reason::Dead(state),
        _ if !row.takes_bearer => Reason::TakesNoTokens,
        (None, _) => Reason::NotSubscribed,
        (Some(subscription), _) if !subscription.is_open(claims.env) => match subscription {
            SubscriptionState::Pending => Reason::SubscriptionPending,
            SubscriptionState::Rejected => Reason::SubscriptionRejected,
            _ => Reason::SubscriptionBlocked,
        },
        _ if !is_meant => Reason::OtherResource,
        (_, None) => Reason::Gone,
        (_, Some(VersionState::Blocked)) => Reason::Blocked,
        _ if !row.is_served => Reason::NotServed(claims.env),
        _ => return None,
    })
}
