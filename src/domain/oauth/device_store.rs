//! SQL of device codes.

use crate::base::error::Result;
use crate::base::id::GrantId;
use crate::base::secret::Digest;
use crate::infra::db::Conn;
use time::OffsetDateTime;

/// A device's request, before a user has decided.
pub(super) struct Waiting {
    pub(super) client: String,
    /// What was asked for; none: nothing in particular.
    pub(super) scopes: Option<Vec<String>>,
    pub(super) resources: Vec<String>,
}

/// The codes of a new request and where it came from.
pub(super) struct Codes<'a> {
    pub(super) device: Digest,
    pub(super) user: Digest,
    pub(super) address: &'a str,
    pub(super) now: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
    pub(super) interval_seconds: i32,
}

/// What a device finds when it asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Polled {
    /// The code is too old.
    Ended,
    /// The user has said no.
    Denied,
    /// The user has agreed.
    Allowed,
    /// The user has not answered yet.
    Waiting,
    /// The same, and the interval was not kept.
    TooEarly,
}

/// How many requests wait: of the client, and from the address.
pub(super) async fn count_waiting(
    conn: &mut Conn,
    client: &str,
    address: &str,
    now: OffsetDateTime,
) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select
               (select count(*) from device_codes where client_id = $1 and expires_at > $3) as "of_client!",
               (select count(*) from device_codes where address = $2 and expires_at > $3) as "from_address!""#,
        client,
        address,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.of_client, row.from_address))
}

/// Whether it could be stored: a user code that another request has is not taken again.
pub(super) async fn insert(conn: &mut Conn, waiting: &Waiting, codes: &Codes<'_>) -> Result<bool> {
    let done = sqlx::query!(
        "insert into device_codes
             (digest, user_code, client_id, scopes, resources, address, interval_seconds, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (user_code) do nothing",
        codes.device.as_bytes(),
        codes.user.as_bytes(),
        waiting.client,
        waiting.scopes.as_deref(),
        &waiting.resources,
        codes.address,
        codes.interval_seconds,
        codes.now,
        codes.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The request that waits for a decision under this user code.
pub(super) async fn waiting(conn: &mut Conn, user_code: &Digest, now: OffsetDateTime) -> Result<Option<Waiting>> {
    let row = sqlx::query_as!(
        Waiting,
        "select client_id as client, scopes, resources
         from device_codes
         where user_code = $1 and expires_at > $2 and grant_id is null and denied_at is null",
        user_code.as_bytes(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Stores the decision, unless it was made before or came too late: a grant for yes, none for no.
pub(super) async fn decide(
    conn: &mut Conn,
    user_code: &Digest,
    grant: Option<GrantId>,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update device_codes
         set grant_id = $2, denied_at = case when $2::uuid is null then $3::timestamptz end
         where user_code = $1 and expires_at > $3 and grant_id is null and denied_at is null",
        user_code.as_bytes(),
        grant.map(|grant| grant.0),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that the client's device asks now; the interval grows by five seconds when it asks before its time. A second
/// of that is forgiven: the way through the network is not always equally long.
pub(super) async fn poll(
    conn: &mut Conn,
    device_code: &Digest,
    client: &str,
    now: OffsetDateTime,
) -> Result<Option<Polled>> {
    let row = sqlx::query!(
        r#"with before as (
               select digest, coalesce(polled_at + make_interval(secs => interval_seconds - 1) > $3, false) as is_early
               from device_codes
               where digest = $1 and client_id = $2
               for update
           )
           update device_codes d
           set polled_at = $3, interval_seconds = d.interval_seconds + case when b.is_early then 5 else 0 end
           from before b
           where d.digest = b.digest
           returning b.is_early as "is_early!", d.expires_at <= $3 as "has_ended!", d.denied_at is not null as "is_denied!",
               d.grant_id is not null as "is_allowed!""#,
        device_code.as_bytes(),
        client,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| match row {
        row if row.has_ended => Polled::Ended,
        row if row.is_denied => Polled::Denied,
        row if row.is_allowed => Polled::Allowed,
        row if row.is_early => Polled::TooEarly,
        _ => Polled::Waiting,
    }))
}

/// Uses the code up and answers its grant: one statement, so that of two requests only one gets it.
pub(super) async fn redeem(
    conn: &mut Conn,
    device_code: &Digest,
    client: &str,
    now: OffsetDateTime,
) -> Result<Option<GrantId>> {
    let grant = sqlx::query_scalar!(
        r#"delete from device_codes
           where digest = $1 and client_id = $2 and expires_at > $3 and denied_at is null and grant_id is not null
           returning grant_id as "grant!: GrantId""#,
        device_code.as_bytes(),
        client,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(grant)
}
