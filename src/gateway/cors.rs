//! Calls from the portal's own pages: they work in a browser with nothing to set up (Fetch standard, CORS protocol).

use crate::gateway::body::Reply;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

/// The request's `Origin`, if it is the portal's.
pub(super) fn origin(headers: &HeaderMap, portal: &str) -> Option<HeaderValue> {
    headers.get(ORIGIN).filter(|origin| origin.as_bytes() == portal.as_bytes()).cloned()
}

/// Whether a page of the portal asks if it may call.
pub(super) fn is_preflight<B>(request: &Request<B>, portal: &str) -> bool {
    *request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && origin(request.headers(), portal).is_some()
}

/// It may, with the method and the headers it named.
pub(super) fn preflight<B>(request: &Request<B>) -> Response<Reply> {
    let mut response = Response::new(Reply::text(String::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answers = [
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
    ];
    for (asked, allowed) in answers {
        if let Some(value) = request.headers().get(asked) {
            response.headers_mut().insert(allowed, value.clone());
        }
    }
    response.headers_mut().insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Lets a page at `origin` read the answer.
pub(super) fn expose(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    headers.append(VARY, HeaderValue::from_static("origin"));
}
