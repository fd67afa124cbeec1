//! What browsers are told to refuse: foreign scripts, frames, sniffing. A handler that set a header itself keeps it.

use crate::base::environment::Environment;
use crate::web::state::{PortalState, Transport};
use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

/// The headers of this instance, made once.
#[derive(Clone, Debug)]
pub struct SecurityHeaders(Arc<[(HeaderName, HeaderValue)]>);

impl SecurityHeaders {
    /// From the public URLs.
    pub fn new(state: &PortalState) -> Self {
        let mut headers = vec![
            (CONTENT_SECURITY_POLICY, policy(state, "")),
            (X_CONTENT_TYPE_OPTIONS, Some(HeaderValue::from_static("nosniff"))),
            (X_FRAME_OPTIONS, Some(HeaderValue::from_static("DENY"))),
            // `no-referrer` would make browsers post our own forms with `Origin: null`.
            (REFERRER_POLICY, Some(HeaderValue::from_static("same-origin"))),
            (HeaderName::from_static("cross-origin-opener-policy"), Some(HeaderValue::from_static("same-origin"))),
            (HeaderName::from_static("cross-origin-resource-policy"), Some(HeaderValue::from_static("same-origin"))),
        ];
        if state.transport() == Transport::Tls {
            headers.push((STRICT_TRANSPORT_SECURITY, Some(HeaderValue::from_static("max-age=31536000"))));
        }
        Self(headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }
}

/// Adds them.
pub async fn layer(State(SecurityHeaders(all)): State<SecurityHeaders>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().reserve(all.len());
    for (name, value) in all.iter() {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}

/// The content policy: pages may call the gateways (to try an API out) and nothing else. `form_target` is a further source
/// to which forms may lead, for a page that sets the header itself; it stands last, so that nothing follows it.
pub fn policy(state: &PortalState, form_target: &str) -> Option<HeaderValue> {
    let [production, sandbox] = Environment::ALL.map(|environment| origin(state.urls.gateway(environment)));
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
         connect-src 'self' {production} {sandbox}; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {form_target}"
    );
    HeaderValue::from_str(policy.trim_end()).ok()
}

/// `scheme://host[:port]` of a base URL, which may have a path.
fn origin(url: &str) -> String {
    url.parse::<url::Url>().map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}
