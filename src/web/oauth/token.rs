//! `POST /oauth2/token`: hands the request to the domain and its answer back, as RFC 6749 §5 has it.

use crate::domain::oauth::grants::{self, Answer};
use crate::web::client_ip::ClientIp;
use crate::web::oauth::cors::Readers;
use crate::web::oauth::{answer, cors, read};
use crate::web::state::PortalState;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;

pub(super) async fn token(
    State(state): State<PortalState>,
    ClientIp(from): ClientIp,
    request: Request<Body>,
) -> Response {
    let (head, request) = read::form(request).await;
    let (response, readers) = match &request {
        Err(refusal) => (answer::refused(*refusal), Readers::All),
        Ok(request) => match grants::token(&state.ctx, &state.issuer, request, from).await {
            // Whoever names no client has signed for one: no page does that.
            Ok(Answer::Issued(issued)) => {
                (answer::granted(&issued), Readers::Of(request.client_id().unwrap_or_default()))
            }
            Ok(Answer::Refused(refusal)) => (answer::refused(refusal), Readers::All),
            Err(error) => (answer::failed(&head, &error), Readers::All),
        },
    };
    cors::open(&state, &head.headers, readers, response).await
}
