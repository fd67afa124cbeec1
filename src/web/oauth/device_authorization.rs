//! `POST /oauth2/device_authorization`: where a device without a browser begins (RFC 8628 §3.1).

use crate::domain::oauth::device::{self, Begun};
use crate::domain::oauth::metadata::DEVICE;
use crate::web::client_ip::ClientIp;
use crate::web::oauth::cors::Readers;
use crate::web::oauth::{answer, cors, read};
use crate::web::state::PortalState;
use crate::web::urls;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use serde_json::json;

pub(super) async fn create(
    State(state): State<PortalState>,
    ClientIp(from): ClientIp,
    request: Request<Body>,
) -> Response {
    let (head, request) = read::form(request).await;
    let (response, readers) = match &request {
        Err(refusal) => (answer::refused(*refusal), Readers::All),
        Ok(request) => match device::begin(&state.ctx, &state.issuer, request, from).await {
            Ok(Ok(begun)) => (show(&state, &begun), Readers::Of(request.client_id().unwrap_or_default())),
            Ok(Err(refusal)) => (answer::refused(refusal), Readers::All),
            Err(error) => (answer::failed(&head, &error), Readers::All),
        },
    };
    cors::open(&state, &head.headers, readers, response).await
}

/// RFC 8628 §3.2.
fn show(state: &PortalState, begun: &Begun) -> Response {
    let (issuer, user_code) = (state.issuer.name(), begun.user_code.to_string());
    let body = json!({
        "device_code": begun.device_code.expose(),
        "user_code": user_code,
        "verification_uri": format!("{issuer}{DEVICE}"),
        "verification_uri_complete": format!("{issuer}{}", urls::device(&user_code)),
        "expires_in": begun.expires_in,
        "interval": begun.interval,
    });
    answer::json(StatusCode::OK, &body)
}
