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
    /// Too many failed authentications of this client from this address; try again after the time given.
    TooManyFailures(Duration),
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
            Self::TooManyFailures(_) => "temporarily_unavailable",
        }
    }

    /// The `error_description` member: a sentence for the developer.
    pub fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest(what) => what,
            Self::TooLarge => "The request is too large.",
            Self::TooSlow => "The request did not arrive in time.",
            Self::InvalidClient => "Client authentication failed. Check the consumer key and the consumer secret.",
            Self::UnauthorizedClient => "The application may not use this grant_type.",
            Self::UnsupportedGrantType => "The server does not support this grant_type.",
            Self::InvalidScope => "A requested scope does not exist or is not open to the application.",
            Self::TooManyFailures(_) => "Too many failed authentications. Wait before trying again.",
        }
    }
}
