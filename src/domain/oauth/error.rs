//! Why a request for a token is refused, in the words of RFC 6749 §5.2. A refusal is a value, not a failure of ours.

use std::time::Duration;

/// A refusal. Its texts are constants in the characters that RFC 6749 §5.2 allows; none says anything internal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// A parameter is missing, repeated or malformed; the text says which rule was broken.
    InvalidRequest(&'static str),
    /// The body is larger than any request for a token.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// Unknown client, wrong or missing secret, a method we do not know: told apart by nothing.
    InvalidClient,
    /// The application has not chosen this grant, or a public client asked for it.
    UnauthorizedClient,
    /// We do not know this grant.
    UnsupportedGrantType,
    /// A scope that does not exist or that the client may not have.
    InvalidScope,
    /// A resource that does not exist or that the application is not subscribed to (RFC 8707 §2).
    InvalidTarget,
    /// A code, refresh token, password or device code that is not (or no longer) good; the text says no more than that.
    InvalidGrant(&'static str),
    /// The user has not decided yet (RFC 8628 §3.5).
    AuthorizationPending,
    /// The device asks too often (RFC 8628 §3.5).
    SlowDown,
    /// The device code has ended (RFC 8628 §3.5).
    ExpiredToken,
    /// The user has said no (RFC 8628 §3.5).
    AccessDenied,
    /// Too many failed authentications of this client from this address; try again after the time given.
    TooManyFailures(Duration),
    /// Too many device codes of this client or from this address wait for their users.
    TooManyWaiting(Duration),
    /// The client has revoked so many single tokens that no more are taken for now (RFC 7009 §2.2.1).
    TooManyRevocations(Duration),
}

impl Refusal {
    /// The `error` member.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) | Self::TooLarge | Self::TooSlow => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::AccessDenied => "access_denied",
            Self::TooManyFailures(_) | Self::TooManyWaiting(_) | Self::TooManyRevocations(_) => {
                "temporarily_unavailable"
            }
        }
    }

    /// The `error_description` member: a sentence for the developer.
    pub fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest(what) | Self::InvalidGrant(what) => what,
            Self::TooLarge => "The request is too large.",
            Self::TooSlow => "The request did not arrive in time.",
            Self::InvalidClient => "Client authentication failed. Check the consumer key and the consumer secret.",
            Self::UnauthorizedClient => "The application may not use this grant_type.",
            Self::UnsupportedGrantType => "The server does not support this grant_type.",
            Self::InvalidScope => "A requested scope does not exist or is not open to the application.",
            Self::InvalidTarget => "A requested resource does not exist or the application is not subscribed to it.",
            Self::AuthorizationPending => "The user has not decided yet. Ask again after the interval.",
            Self::SlowDown => "Asked too early. Wait five seconds longer between requests.",
            Self::ExpiredToken => "The device code has ended. Start again with a new one.",
            Self::AccessDenied => "The user has refused.",
            Self::TooManyFailures(_) => "Too many failed authentications. Wait before trying again.",
            Self::TooManyWaiting(_) => "Too many device codes wait for their users. Try again later.",
            Self::TooManyRevocations(_) => {
                "The client has revoked too many tokens. Wait, or revoke all of its tokens in the portal."
            }
        }
    }
}
