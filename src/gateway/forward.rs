//! Sends a permitted request to its backend and brings the answer back, streamed both ways.
//!
//! A request is sent again only where that cannot do anything twice: when nothing of it was written, or when a pooled
//! connection died and the request has no body and an idempotent method (RFC 9110 §9.2.2).

use crate::gateway::body::{End, Outgoing, Progress, Reply};
use crate::gateway::connection::Client;
use crate::gateway::headers;
use crate::gateway::meter::Call;
use crate::gateway::permit::Permit;
use crate::gateway::pool::{Age, Lease};
use crate::gateway::refusal::Refusal;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

/// Forwards. `call` learns how much was sent.
pub(super) async fn forward(
    client: &Client,
    permit: &Permit<'_, '_>,
    request: Request<Incoming>,
    request_id: &HeaderValue,
    call: &mut Call,
) -> Result<Response<Reply>, Refusal> {
    let settings = &client.core.settings;
    if request.body().size_hint().lower() > settings.max_body_bytes {
        return Err(Refusal::BodyTooLarge);
    }
    let (mut head, body) = request.into_parts();
    // HTTP/2 says the host in `:authority`, as an absolute-form target does; either stands above `Host` (RFC 9110 §7.2).
    if let Some(host) = head.uri.authority().and_then(|host| HeaderValue::try_from(host.as_str()).ok()) {
        head.headers.insert(HOST, host);
    }
    headers::outbound(&mut head.headers, permit, (&client.peer, client.environment), head.version, request_id);
    head.uri = target(permit)?;
    head.version = Version::HTTP_11;
    head.extensions.clear();
    let (body, progress) = Outgoing::new(body, settings.max_body_bytes, settings.idle);
    call.progress.clone_from(&progress);
    let request = Request::from_parts(head, body);

    let (response, lease) = exchange(client, permit, request, progress.as_ref()).await?;
    let (mut head, body) = response.into_parts();
    // We asked for no upgrade, so nobody would speak the new protocol.
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Refusal::BackendBroken);
    }
    headers::inbound(&mut head.headers);
    head.version = Version::HTTP_11;
    Ok(Response::from_parts(head, Reply::backend(body, lease, settings.idle)))
}

/// The backend's path: its base, what follows the endpoint, and the query, each byte for byte.
fn target(permit: &Permit<'_, '_>) -> Result<Uri, Refusal> {
    let (base, rest) = (&*permit.backend.base, permit.matched.rest);
    let base = if rest.is_empty() { base } else { base.trim_end_matches('/') };
    let query = permit.matched.query;
    let mut text = String::with_capacity(base.len() + rest.len() + query.map_or(0, |q| q.len() + 1) + 1);
    text.push_str(base);
    text.push_str(rest);
    if text.is_empty() {
        text.push('/');
    }
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    PathAndQuery::from_maybe_shared(bytes::Bytes::from(text)).map(Uri::from).or(Err(Refusal::BadTarget))
}

async fn exchange(
    client: &Client,
    permit: &Permit<'_, '_>,
    mut request: Request<Outgoing>,
    progress: Option<&Arc<Progress>>,
) -> Result<(Response<Incoming>, Lease), Refusal> {
    let pool = &client.core.pool;
    let origin = &permit.backend.origin;
    let mut pooled = pool.take(origin);
    loop {
        let mut lease = match pooled.take() {
            Some(lease) => lease,
            // Boxed, because it is rare and large: what every request carries along is copied for every request.
            None => Box::pin(pool.open(origin)).await?,
        };
        let spare = (lease.age == Age::Used).then(|| spare(&request)).flatten();
        let answer = lease.sender.try_send_request(request);
        let mut failure = match first_byte(answer, progress, client.core.settings.first_byte).await? {
            Ok(response) => return Ok((response, lease)),
            Err(failure) => failure,
        };
        match (failure.take_message(), spare) {
            // Nothing was written. Only a pooled connection can be closed like that by bad luck alone.
            (Some(unsent), _) if lease.age == Age::Used => request = unsent,
            (None, Some(spare)) if died(failure.error()) => request = spare,
            _ => return Err(reason(failure.error(), progress)),
        }
    }
}

/// Waits for the answer's head. While an upload makes progress, the backend has nothing to answer yet.
async fn first_byte<T>(
    answer: impl Future<Output = T>,
    progress: Option<&Arc<Progress>>,
    limit: Duration,
) -> Result<T, Refusal> {
    let mut answer = std::pin::pin!(answer);
    let mut sent = 0;
    loop {
        if let Ok(answer) = tokio::time::timeout(limit, answer.as_mut()).await {
            return Ok(answer);
        }
        match progress.map(|p| p.bytes()) {
            Some(bytes) if bytes > sent => sent = bytes,
            _ => return Err(Refusal::BackendTimeout),
        }
    }
}

/// A copy to send if the pooled connection turns out to be dead: only of what may be sent twice.
fn spare(request: &Request<Outgoing>) -> Option<Request<Outgoing>> {
    let repeatable =
        matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE);
    if !repeatable || !matches!(request.body(), Outgoing::Empty) {
        return None;
    }
    let mut copy = Request::new(Outgoing::Empty);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// Whether the connection went away without a byte of an answer.
fn died(error: &hyper::Error) -> bool {
    let io = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    error.is_incomplete_message() || error.is_canceled() || error.is_closed() || io.is_some()
}

/// Whose fault a failed exchange is.
fn reason(error: &hyper::Error, progress: Option<&Arc<Progress>>) -> Refusal {
    match progress.map(|p| p.end()) {
        Some(End::TooLarge) => Refusal::BodyTooLarge,
        Some(End::Stalled) => Refusal::BodyTimeout,
        Some(End::Broken) => Refusal::BodyBroken,
        Some(End::Running | End::Complete) | None => {
            tracing::warn!(%error, "a backend gave no answer");
            Refusal::BackendBroken
        }
    }
}
