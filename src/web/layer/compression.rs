//! Pages travel compressed. Not those that show a secret: whoever can watch lengths and make the page repeat words of
//! theirs could guess at it (BREACH). Such a page says `no-store` itself; the session layer, which says it of every
//! page of a member's, stands outside of this one.

use axum::http::header::CACHE_CONTROL;
use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};

/// The layer. Its level is the one at which a page costs less to pack than it saves on its way.
pub fn layer() -> CompressionLayer<impl tower_http::compression::Predicate> {
    let shows_no_secret = |_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions| {
        !headers.get(CACHE_CONTROL).is_some_and(|value| value.as_bytes().starts_with(b"no-store"))
    };
    CompressionLayer::new()
        .quality(CompressionLevel::Precise(4))
        .compress_when(DefaultPredicate::new().and(shows_no_secret))
}
