//! Sends a permitted request to its backend and brings the answer back, streamed both ways.
//!
//! A request is sent again only where that cannot do anything twice: when nothing of it was written, or when a pooled
//! connection died and the request has no body and an idempotent method (RFC 9110 §9.2.2).

use crate::base::policy::Protocol;
use crate::gateway::body::{End, Inbound, Outgoing, Progress, Reply};
use crate::gateway::connection::Client;
use crate::gateway::exchange::{Exchange, Failure};
use crate::gateway::headers;
use crate::gateway::meter::Call;
use crate::gateway::permit::Permit;
use crate::gateway::pool::Age;
use crate::gateway::refusal::Refusal;
use crate::gateway::upgrade;
use crate::gateway::wire::spare;
use http::header::{CONNECTION, EXPECT, HOST, UPGRADE};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, request};
use http_body::Body as _;
use std::sync::Arc;
use std::time::Duration;

/// Forwards. `call` learns how much was sent.
pub(super) async fn forward(
    client: &Client,
    permit: &Permit<'_, '_>,
    request: Request<Inbound>,
    request_id: &HeaderValue,
    call: &mut Call,
) -> Result<Response<Reply>, Refusal> {
    let rules = permit.rules;
    if request.body().size_hint().lower() > rules.max_body {
        return Err(Refusal::BodyTooLarge);
    }
    let (mut head, body) = request.into_parts();
    // HTTP/2 says the host in `:authority`, as an absolute-form target does; either stands above `Host` (RFC 9110 §7.2).
    if let Some(host) = head.uri.authority().and_then(|host| HeaderValue::try_from(host.as_str()).ok()) {
        head.headers.insert(HOST, host);
    }
    let protocol = permit.backend.origin.protocol;
    let upgrade = upgrade::wanted(&head).filter(|_| protocol == Protocol::Http1);
    headers::outbound(&mut head.headers, permit, (&client.peer, client.environment), head.version, request_id);
    if let Some(upgrade) = &upgrade {
        head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.insert(UPGRADE, upgrade.clone());
    }
    if let Some(trace) = call.trace {
        trace.write(&mut head.headers);
    }
    let target = target(permit)?;
    head.extensions.clear();
    let (body, progress) = Outgoing::new(body, rules.max_body, rules.idle);
    call.progress.clone_from(&progress);
    let progress = progress.as_ref();

    let mut response = match protocol {
        Protocol::Http1 => {
            head.uri = target.into();
            if body.awaits_word() {
                head.headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
            }
            let response = over_http1(client, permit, &head, body, progress).await?;
            spare::give(head.headers);
            response
        }
        Protocol::Http2 => over_http2(client, permit, head, target, (body, progress)).await?,
    };
    let head = response.status();
    if head == StatusCode::SWITCHING_PROTOCOLS
        && !upgrade.is_some_and(|asked| upgrade::is_met(&asked, response.headers()))
    {
        // Nobody asked for this protocol, so nobody would speak it.
        return Err(Refusal::BackendBroken);
    }
    let kept = (head == StatusCode::SWITCHING_PROTOCOLS).then(|| response.headers().get(UPGRADE).cloned()).flatten();
    headers::inbound(response.headers_mut());
    if let Some(kept) = kept {
        response.headers_mut().insert(UPGRADE, kept);
    }
    *response.version_mut() = Version::HTTP_11;
    Ok(response)
}

/// The backend's path: its base, what follows the endpoint, and the query, each byte for byte.
fn target(permit: &Permit<'_, '_>) -> Result<PathAndQuery, Refusal> {
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
    PathAndQuery::from_maybe_shared(bytes::Bytes::from(text)).or(Err(Refusal::BadTarget))
}

async fn over_http1(
    client: &Client,
    permit: &Permit<'_, '_>,
    head: &request::Parts,
    mut body: Outgoing,
    progress: Option<&Arc<Progress>>,
) -> Result<Response<Reply>, Refusal> {
    let (pool, rules) = (&client.core.pool, permit.rules);
    let origin = &permit.backend.origin;
    let mut pooled = pool.take(origin);
    loop {
        let lease = match pooled.take() {
            Some(lease) => lease,
            // Boxed, because it is rare and large: what every request carries along is copied for every request.
            None => Box::pin(pool.open(origin, rules.connect)).await?,
        };
        let age = lease.age;
        let has_body = !body.is_end_stream();
        let mut exchange = Box::new(Exchange::new(lease, head, body, rules.idle));
        let failure = match exchange.head(client, &head.method, rules.first_byte, progress).await {
            Ok(response) => return Ok(response.map(|()| Reply::wire(exchange))),
            Err(failure) => failure,
        };
        let may_repeat = !exchange.has_written() || is_idempotent(&head.method);
        match failure {
            // Only a pooled connection can die like that by bad luck alone.
            Failure::Died(_) if age == Age::Used && !has_body && may_repeat => body = Outgoing::Empty,
            failure => return Err(reason(&failure, progress)),
        }
    }
}

async fn over_http2(
    client: &Client,
    permit: &Permit<'_, '_>,
    mut head: request::Parts,
    target: PathAndQuery,
    (mut body, progress): (Outgoing, Option<&Arc<Progress>>),
) -> Result<Response<Reply>, Refusal> {
    let rules = permit.rules;
    let origin = &permit.backend.origin;
    let authority = head.headers.remove(HOST).unwrap_or_else(|| origin.authority.clone());
    let authority = Authority::try_from(authority.as_bytes()).or(Err(Refusal::BadFraming))?;
    head.uri = Uri::builder()
        .scheme(origin.scheme.as_str())
        .authority(authority)
        .path_and_query(target)
        .build()
        .or(Err(Refusal::BadTarget))?;
    head.version = Version::HTTP_2;
    head.headers.remove(CONNECTION);
    loop {
        let (mut sender, age) = Box::pin(client.core.pool.shared(origin, rules.connect)).await?;
        let may_repeat = body.is_end_stream() && age == Age::Used;
        let request = Request::from_parts(head.clone(), std::mem::replace(&mut body, Outgoing::Empty));
        let answer = async {
            sender.ready().await?;
            sender.send_request(request).await
        };
        match first_byte(answer, progress, rules.first_byte).await? {
            Ok(response) => return Ok(response.map(|body| Reply::http2(body, rules.idle))),
            Err(error) if may_repeat && (error.is_canceled() || error.is_closed()) => {}
            Err(error) => {
                tracing::warn!(%error, "a backend gave no answer");
                return Err(reason(&Failure::Upload, progress));
            }
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

fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// Whose fault a failed exchange is.
fn reason(failure: &Failure, progress: Option<&Arc<Progress>>) -> Refusal {
    match (progress.map(|p| p.end()), failure) {
        (Some(End::TooLarge), _) => return Refusal::BodyTooLarge,
        (Some(End::Stalled), _) => return Refusal::BodyTimeout,
        (Some(End::Broken), _) => return Refusal::BodyBroken,
        (_, Failure::Silent) => return Refusal::BackendTimeout,
        (_, Failure::Died(error)) => tracing::warn!(%error, "a backend closed the connection without an answer"),
        (_, Failure::NoHttp) => tracing::warn!("a backend's answer is not HTTP, or it cannot be told where it ends"),
        (_, Failure::Upload) => {}
    }
    Refusal::BackendBroken
}
