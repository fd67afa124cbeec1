//! What the owner of an API key has narrowed it to: until when, from where, for which operations.

use crate::gateway::client_address;
use crate::gateway::enforce;
use crate::gateway::headers::Peer;
use crate::gateway::listing::Operation;
use crate::gateway::refusal::Refusal;
use crate::gateway::route::Matched;
use crate::gateway::store::ApiKeyRow;
use http::HeaderMap;
use ipnet::IpNet;
use time::OffsetDateTime;

/// What narrows a key. Most keys have none.
pub(super) struct KeyLimits {
    /// It works strictly before this.
    expires_at: Option<OffsetDateTime>,
    /// Networks that it may be used from; empty: from anywhere.
    addresses: Box<[IpNet]>,
    /// Methods and path templates that it opens; empty: all.
    operations: Box<[(Box<str>, Box<str>)]>,
}

/// Where a call came from: the connection's other end, and the proxies that are believed.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The other end.
    pub(super) peer: &'a Peer,
    /// Proxies whose word counts.
    pub(super) trusted: &'a [IpNet],
}

impl KeyLimits {
    /// From a row: `Some(None)` where nothing narrows the key, nothing where it cannot be read. A limit that is not
    /// understood must not become none.
    #[expect(clippy::option_option, reason = "no limits and unreadable limits are two things")]
    pub(super) fn read(row: &ApiKeyRow) -> Option<Option<Box<Self>>> {
        let addresses = row.addresses.as_deref().unwrap_or_default();
        let operations = row.operations.as_deref().unwrap_or_default();
        if row.expires_at.is_none() && addresses.is_empty() && operations.is_empty() {
            return Some(None);
        }
        let addresses = addresses.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?;
        let operation = |text: &String| text.split_once(' ').map(|(method, path)| (method.into(), path.into()));
        let operations = operations.iter().map(operation).collect::<Option<_>>()?;
        Some(Some(Box::new(Self { expires_at: row.expires_at, addresses, operations })))
    }

    /// Whether the key has expired.
    pub(super) fn has_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    /// Whether the key may be used from there.
    pub(super) fn check_address(&self, origin: Origin<'_>, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.addresses.is_empty() {
            return Ok(());
        }
        let from = client_address::of(origin.peer, headers, origin.trusted);
        let is_allowed = from.is_some_and(|from| self.addresses.iter().any(|net| net.contains(&from)));
        is_allowed.then_some(()).ok_or(Refusal::AddressNotAllowed)
    }

    /// Whether the key opens the call. However its path is read, and whichever method the backend is told to take, it has to
    /// be an operation that the key lists.
    pub(super) fn check_operation<'m>(
        &self,
        matched: Matched<'_, '_>,
        methods: &(impl Iterator<Item = &'m str> + Clone),
    ) -> Result<(), Refusal> {
        if self.operations.is_empty() {
            return Ok(());
        }
        let lists = |operation: &Operation<'_>| {
            self.operations.iter().any(|(method, path)| **method == *operation.method && **path == *operation.path)
        };
        enforce::check_those(matched.endpoint.listing.as_deref(), methods, matched.rest, &lists)
            .map_err(|_outside| Refusal::OperationNotAllowed)
    }
}
