//! Refuses forms that another site made a browser send (CSRF): by `Sec-Fetch-Site`, or by comparing `Origin` with the
//! portal's public URL, so that it also works behind a proxy that ends TLS or rewrites `Host`. Together with
//! `SameSite=Lax` cookies this needs no token in forms.

use crate::web::error::Failure;
use crate::web::state::PortalState;
use axum::response::{IntoResponse as _, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

/// The layer, for pages. OAuth clients call their endpoints from other origins and are authenticated otherwise.
pub fn layer(
    state: &PortalState,
) -> CsrfLayer<impl FnMut(ProtectionError) -> Response + Clone + Send + Sync + 'static> {
    let public = state.urls.portal.parse::<url::Url>().map(|url| url.origin().ascii_serialization());
    let layer = CsrfLayer::new();
    // Without a usable public URL the comparison with `Host` remains.
    let layer = public.ok().and_then(|origin| layer.clone().add_trusted_origin(origin).ok()).unwrap_or(layer);
    layer.with_rejection_response(|_| Failure::CrossSite.into_response())
}
