//! One request, from its head to the head of its answer. Everything that happens to a call is named here, in order.

use crate::gateway::access_log::Asked;
use crate::gateway::authn;
use crate::gateway::body::{Inbound, Reply};
use crate::gateway::connection::Client;
use crate::gateway::cors::{self, Asker, Cors};
use crate::gateway::forward;
use crate::gateway::headers;
use crate::gateway::key_in_query::{self, InQuery};
use crate::gateway::key_limits::Origin;
use crate::gateway::limits::Standings;
use crate::gateway::meter::Call;
use crate::gateway::permit;
use crate::gateway::policy::Assertions;
use crate::gateway::refusal::{Refusal, Refused};
use crate::gateway::resource;
use crate::gateway::route::{self, Unmatched};
use crate::gateway::snapshot::Snapshot;
use http::header::{CONNECTION, DATE};
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::Body as _;
use std::sync::Arc;
use std::time::Instant;

/// Answers a request. Never an error: whatever goes wrong is an answer too.
pub(super) async fn call(client: &Arc<Client>, request: Request<Inbound>) -> Response<Reply> {
    let mut call = Call::begin(client);
    let request_id = client.peer.request_id(request.headers(), &client.core.ids);
    let asked = Asked { method: request.method().clone(), uri: request.uri().clone(), protocol: request.version() };
    call.is_traced(&asked, request.headers(), &request_id);
    let page = Asker::of(request.headers(), &client.core.settings.portal_origin);
    // HTTP/1 would have to read the rest of a refused body to use the connection again.
    let closes = request.version() < Version::HTTP_2 && !request.body().is_end_stream();

    let table = client.core.table.load_full();
    let (mut limit, mut cors) = (None, None);
    let outcome = match table.as_deref() {
        Some(table) => {
            proceed(client, table, (request, &asked), (&request_id, &page), (&mut call, &mut limit, &mut cors)).await
        }
        None => Err(Refusal::NotReady.into()),
    };
    let mut response = outcome.unwrap_or_else(|refused| {
        call.refused(refused.refusal, &asked, &request_id);
        tracing::debug!(reason = refused.refusal.label(), request.id = ?request_id, "refused");
        let mut response = refused.answer(client.environment, &client.core.settings.urls, &request_id);
        if closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    });
    response.headers_mut().insert(headers::REQUEST_ID, request_id);
    if let Some(limit) = limit {
        limit.write(response.headers_mut());
    }
    cors::expose(response.headers_mut(), page, cors);
    finish(client, response, call)
}

/// Refuses what is no request that could be looked at.
pub(super) fn refuse(client: &Arc<Client>, refusal: Refusal) -> Response<Reply> {
    let mut call = Call::begin(client);
    let request_id = client.core.ids.next();
    let asked = Asked::unreadable();
    call.is_traced(&asked, &HeaderMap::new(), &request_id);
    call.refused(refusal, &asked, &request_id);
    let mut response = Refused::from(refusal).answer(client.environment, &client.core.settings.urls, &request_id);
    response.headers_mut().insert(headers::REQUEST_ID, request_id);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    finish(client, response, call)
}

/// What every answer says, and the record that stays with it until its end.
fn finish(client: &Client, mut response: Response<Reply>, mut call: Call) -> Response<Reply> {
    if !response.headers().contains_key(DATE)
        && let Some(date) = client.core.dates.at(client.core.settings.clock.now())
    {
        response.headers_mut().insert(DATE, date);
    }
    call.answered(response.status());
    response.map(|reply| reply.with(call))
}

async fn proceed<'t>(
    client: &Client,
    table: &'t Snapshot,
    (request, Asked { method, uri, .. }): (Request<Inbound>, &Asked),
    (request_id, page): (&HeaderValue, &Asker),
    (call, limit, cors): (&mut Call, &mut Option<Standings<'t>>, &mut Option<&'t Cors>),
) -> Result<Response<Reply>, Refused<'t>> {
    // 1. A request whose end or host two readers could see differently is nobody's.
    if !headers::is_well_framed(request.headers(), request.version(), request.uri().authority().is_some()) {
        return Err(Refusal::BadFraming.into());
    }
    // What is not a call but a question about an API.
    if let Some(about) = resource::asked(request.uri().path()) {
        return Ok(resource::answer(client, table, request.method(), about)?);
    }
    // 2. Which version and endpoint.
    let matched = route::find(table, method, uri).map_err(|unmatched| match unmatched {
        Unmatched::Unknown(refusal) => refusal.into(),
        Unmatched::Known(route, refusal) => {
            *cors = route.api.rules.as_ref().and_then(|rules| rules.cors.as_ref());
            call.is_for(&route.api, route.version);
            Refused { route: Some(route), ..refusal.into() }
        }
    })?;
    let (route, api) = (matched.route, &*matched.route.api);
    let no = |refusal: Refusal| Refused { route: Some(route), ..refusal.into() };
    // A newer release may have asked for something that only it can do.
    let Some(rules) = &api.rules else {
        call.is_for(api, route.version);
        return Err(no(Refusal::PoliciesUnreadable));
    };
    // 3. A preflight carries no credential and costs nothing.
    *cors = rules.cors.as_ref();
    if cors::is_preflight(&request, page, *cors) {
        return Ok(cors::preflight(&request, page, *cors));
    }
    call.is_for(api, route.version);
    let operation = matched.endpoint.operation(method, matched.rest);
    call.is_operation(operation.as_ref());
    // 4. The one credential that this API takes, and whose it is.
    let in_query = match &api.key_header {
        Some(_) => key_in_query::find(matched.query, rules.key_parameter.as_deref()),
        None => InQuery::Nothing,
    };
    let presented = authn::find(api, client.environment, request.headers(), &in_query).map_err(no)?;
    let identified = authn::identify(&client.core, client.environment, &table.keys, presented).await;
    let caller = identified.map_err(|unidentified| {
        call.is_by(unidentified.owner);
        no(unidentified.refusal)
    })?;
    call.is_by(caller.credential());
    // 5. Whether that caller may make this call now.
    let now = client.core.settings.clock.now();
    call.is_at(now);
    let rewritten = rules.rewrite.as_ref().and_then(|rewrite| rewrite.apply(matched.rest));
    let origin = Origin { peer: &client.peer, trusted: &client.core.settings.trusted_proxies };
    let asked = permit::Asked { method, headers: request.headers(), origin };
    let permit = permit::check(&client.core.limiter, table, matched, asked, (&caller, client.environment), now);
    let mut permit = permit.await.map_err(|denied| {
        *limit = denied.limit;
        Refused { scopes: denied.scopes, allow: denied.allow, ..no(denied.refusal) }
    })?;
    *limit = permit.limit.take();
    call.is_under(permit.identity.as_ref().map(|identity| identity.subscription));
    // 6. The backend: what it gets of the target, and who it hears calls.
    if let Some(rest) = &rewritten {
        permit.matched.rest = rest;
    }
    if let InQuery::One { rest, .. } = &in_query {
        permit.matched.query = rest.as_deref();
    }
    if rules.assertion == Assertions::Signed {
        let at = (table.keys.at(now).1, now);
        let about = client.core.assertions.about(&client.core, (&permit, &caller), client.environment, at);
        permit.assertion = about.map_err(|error| {
            tracing::error!(%error, "a statement for a backend cannot be signed");
            no(Refusal::Unavailable)
        })?;
    }
    let sent = Instant::now();
    let response = forward::forward(client, &permit, request, request_id, call).await;
    call.waited(sent.elapsed());
    let mut response = response.map_err(no)?;
    rules.response.make(response.headers_mut());
    cors::remove_foreign(response.headers_mut(), *cors);
    response.headers_mut().insert(headers::API_VERSION, route.version_header.clone());
    if let Some(retirement) = &route.retirement {
        retirement.write(response.headers_mut(), route, &client.core.settings.urls.portal);
    }
    Ok(response)
}
