//! An access token that comes with a request to us (RFC 6750): where it may be, and why it is refused.

use crate::base::error::Result;
use crate::base::jwt::AccessClaims;
use crate::domain::Ctx;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::request::{self, RawRequest, TokenRequest};
use crate::domain::oauth::revocations;

/// Why an access token opens nothing here. A value, not a failure of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BearerRefusal {
    /// There is none. RFC 6750 §3.1: no error code for whoever did not know.
    Missing,
    /// It came in more than one way, or the body cannot be read.
    InvalidRequest(&'static str),
    /// It is malformed, forged, expired or revoked.
    InvalidToken,
    /// It lacks this scope.
    InsufficientScope(&'static str),
}

impl BearerRefusal {
    /// The error code, where there is one.
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Missing => None,
            Self::InvalidRequest(_) => Some("invalid_request"),
            Self::InvalidToken => Some("invalid_token"),
            Self::InsufficientScope(_) => Some("insufficient_scope"),
        }
    }

    /// A sentence for the developer, in the characters of RFC 6750 §3.
    pub fn description(self) -> &'static str {
        match self {
            Self::Missing => "Send an access token in the Authorization header, as Bearer.",
            Self::InvalidRequest(what) => what,
            Self::InvalidToken => "The access token is malformed, expired or revoked.",
            Self::InsufficientScope(_) => "The access token lacks a scope that is needed here.",
        }
    }
}

/// Finds the token: in the `Authorization` header or in a form, never in the address, which ends up in logs and histories
/// (RFC 9700 §4.3.2).
pub(super) fn find(raw: &RawRequest<'_>) -> Result<String, BearerRefusal> {
    const TWICE: BearerRefusal = BearerRefusal::InvalidRequest("Send the access token in one way only.");
    if raw.authorization.len() > 1 {
        return Err(TWICE);
    }
    let in_header = raw.authorization.first().and_then(|value| bearer(value));
    let in_form = if request::is_form(raw.content_type) {
        let body = RawRequest { query: None, authorization: Vec::new(), ..*raw };
        let unreadable = |_refusal| BearerRefusal::InvalidRequest("The form cannot be read.");
        TokenRequest::parse(&body).map_err(unreadable)?.parameter("access_token").map(str::to_owned)
    } else {
        None
    };
    let in_query = raw.query.is_some_and(|query| request::names(query, &["access_token"]));
    match (in_header, in_form, in_query) {
        (Some(_), Some(_), _) | (Some(_), _, true) | (_, Some(_), true) => Err(TWICE),
        (Some(token), None, false) => Ok(token.to_owned()),
        (None, Some(token), false) => Ok(token),
        (None, None, _) => Err(BearerRefusal::Missing),
    }
}

/// What the token says, if it is one of our access tokens and opens things now.
pub(super) async fn check(ctx: &Ctx, issuer: &Issuer, token: &str) -> Result<Result<AccessClaims, BearerRefusal>> {
    let Ok(claims) = issuer.access(token, ctx.clock.now()) else { return Ok(Err(BearerRefusal::InvalidToken)) };
    let is_revoked = revocations::holds(&mut *ctx.conn().await?, &claims).await?;
    Ok(if is_revoked { Err(BearerRefusal::InvalidToken) } else { Ok(claims) })
}

/// What follows the scheme `Bearer`, whose case does not matter (RFC 9110 §11.1); nothing for another scheme. A value that
/// is no text is a wrong token.
fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") || !matches!(rest.first(), None | Some(b' ' | b'\t')) {
        return None;
    }
    Some(std::str::from_utf8(rest).unwrap_or_default().trim())
}
