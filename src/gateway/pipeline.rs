//! One request, from its head to the head of its answer. Everything that happens to a call is named here, in order.

use crate::gateway::authn;
use crate::gateway::body::Reply;
use crate::gateway::connection::Client;
use crate::gateway::cors;
use crate::gateway::forward;
use crate::gateway::headers;
use crate::gateway::meter::Call;
use crate::gateway::permit::{self, Asked, Limit};
use crate::gateway::refusal::{Refusal, Refused};
use crate::gateway::resource;
use crate::gateway::route::{self, Unmatched};
use crate::gateway::snapshot::Snapshot;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use std::sync::Arc;

/// Answers a request. Never an error: whatever goes wrong is an answer too.
pub(super) async fn call(client: &Arc<Client>, request: Request<Incoming>) -> Response<Reply> {
    let mut call = Call::begin(client);
    let request_id = client.peer.request_id(request.headers(), &client.core.ids);
    let from_portal = cors::origin(request.headers(), &client.core.settings.portal_origin);
    // HTTP/1 would have to read the rest of a refused body to use the connection again.
    let closes = request.version() < Version::HTTP_2 && !request.body().is_end_stream();

    let table = client.core.table.load_full();
    let mut limit = None;
    let outcome = match table.as_deref() {
        Some(table) => proceed(client, table, request, &request_id, (&mut call, &mut limit)).await,
        None => Err(Refusal::NotReady.into()),
    };
    let mut response = outcome.unwrap_or_else(|refused| {
        call.refused(refused.refusal);
        tracing::debug!(reason = refused.refusal.label(), request.id = ?request_id, "refused");
        let mut response = refused.answer(client.environment, &client.core.settings.urls, &request_id);
        if closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    });
    response.headers_mut().insert(headers::REQUEST_ID, request_id);
    if let Some((rate, standing)) = limit {
        standing.write(rate, response.headers_mut());
    }
    if let Some(origin) = from_portal {
        cors::expose(response.headers_mut(), origin);
    }
    call.answered(response.status());
    response.map(|reply| reply.with(call))
}

async fn proceed<'t>(
    client: &Client,
    table: &'t Snapshot,
    request: Request<Incoming>,
    request_id: &HeaderValue,
    (call, limit): (&mut Call, &mut Option<Limit<'t>>),
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
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let matched = route::find(table, &method, &uri).map_err(|unmatched| match unmatched {
        Unmatched::Unknown(refusal) => refusal.into(),
        Unmatched::Known(route, refusal) => {
            call.is_for(route.api.id, route.version);
            Refused { route: Some(route), ..refusal.into() }
        }
    })?;
    let (route, api) = (matched.route, &*matched.route.api);
    let no = |refusal: Refusal| Refused { route: Some(route), ..refusal.into() };
    // 3. A preflight of the portal's own pages carries no credential and costs nothing.
    if cors::is_preflight(&request, &client.core.settings.portal_origin) {
        return Ok(cors::preflight(&request));
    }
    call.is_for(api.id, route.version);
    // 4. The one credential that this API takes, and whose it is.
    let presented = authn::find(api, client.environment, request.headers()).map_err(no)?;
    let caller = authn::identify(&client.core, client.environment, &table.keys, presented).await.map_err(no)?;
    call.is_by(caller.credential());
    // 5. Whether that caller may make this call now.
    let now = client.core.settings.clock.now();
    let asked = Asked { method: &method, headers: request.headers() };
    let permit = permit::check(table, matched, asked, (&caller, client.environment), now).map_err(|denied| {
        *limit = denied.limit;
        Refused { scopes: denied.scopes, ..no(denied.refusal) }
    })?;
    *limit = permit.limit;
    // 6. The backend.
    let mut response = forward::forward(client, &permit, request, request_id, call).await.map_err(no)?;
    response.headers_mut().insert(headers::API_VERSION, route.version_header.clone());
    Ok(response)
}
