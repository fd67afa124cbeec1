//! What an authorization request is answered with: by way of the browser, at the client's redirect URI, with `state` and
//! `iss` (RFC 6749 §4.1.2, RFC 9207 §2); or, where nothing may be sent there, on a page of ours.

use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::issuer::Issuer;

/// Why there is nobody to answer: the user sees a page, and the browser is sent nowhere (RFC 6749 §4.1.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The query is not well-formed UTF-8 in form encoding.
    Unreadable,
    /// The query is longer than any request.
    TooLong,
    /// No client has this `client_id`, or it is missing or repeated.
    UnknownClient,
    /// `redirect_uri` is missing or repeated.
    NoRedirectUri,
    /// The client has not registered this `redirect_uri`.
    UnknownRedirectUri,
    /// The request was answered, is too old, or never was.
    Ended,
    /// Too many requests of this network wait for their users.
    TooMany,
}

/// Why a client is refused what it asked for (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6 and §6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Problem {
    /// A parameter is missing, repeated or malformed; the text says which.
    InvalidRequest(&'static str),
    /// The client has not chosen the grant of this response type.
    UnauthorizedClient,
    /// The server does not know, or forbids, this response type.
    UnsupportedResponseType,
    /// As at the token endpoint: scope or resource.
    Refused(Refusal),
    /// The user has said no.
    AccessDenied,
    /// `prompt=none`, and the user would have to sign in.
    LoginRequired,
    /// `prompt=none`, and the user would have to be asked.
    ConsentRequired,
    /// The parameter `request`.
    RequestNotSupported,
    /// The parameter `request_uri`. It is never fetched.
    RequestUriNotSupported,
    /// The parameter `registration`.
    RegistrationNotSupported,
}

impl Problem {
    /// The parameters `error` and `error_description`.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::InvalidRequest(what) => ("invalid_request", what),
            Self::UnauthorizedClient => ("unauthorized_client", "The application may not use this response_type."),
            Self::UnsupportedResponseType => {
                ("unsupported_response_type", "The server does not support this response_type.")
            }
            Self::Refused(refusal) => (refusal.code(), refusal.description()),
            Self::AccessDenied => ("access_denied", "The user has refused."),
            Self::LoginRequired => ("login_required", "The user is not signed in, or has to sign in again."),
            Self::ConsentRequired => ("consent_required", "The user has not agreed to this yet."),
            Self::RequestNotSupported => ("request_not_supported", "The parameter request is not supported."),
            Self::RequestUriNotSupported => {
                ("request_uri_not_supported", "The parameter request_uri is not supported.")
            }
            Self::RegistrationNotSupported => {
                ("registration_not_supported", "The parameter registration is not supported.")
            }
        }
    }
}

/// How an answer travels (OAuth 2.0 Multiple Response Type Encoding §2.1, Form Post Response Mode).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In its fragment.
    Fragment,
    /// In a form that the browser posts there.
    FormPost,
}

impl ResponseMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Query, Self::Fragment, Self::FormPost];

    /// As in the parameter and in the metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }
}

/// Where an answer may go: a redirect URI that the client has registered.
#[derive(Clone)]
pub(super) struct ReturnTo {
    pub(super) redirect_uri: String,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<String>,
}

/// An answer for the client. It may hold a code or tokens, so it has no `Debug`.
pub struct Answer {
    redirect_uri: String,
    mode: ResponseMode,
    parameters: Vec<(&'static str, String)>,
}

impl Answer {
    /// With `state`, as it came, and `iss`.
    pub(super) fn new(issuer: &Issuer, to: &ReturnTo, mut parameters: Vec<(&'static str, String)>) -> Self {
        parameters.extend(to.state.clone().map(|state| ("state", state)));
        parameters.push(("iss", issuer.name().to_owned()));
        Self { redirect_uri: to.redirect_uri.clone(), mode: to.mode, parameters }
    }

    pub(super) fn refused(issuer: &Issuer, to: &ReturnTo, problem: Problem) -> Self {
        let (error, description) = problem.words();
        Self::new(issuer, to, vec![("error", error.to_owned()), ("error_description", description.to_owned())])
    }

    /// The registered URI, without the parameters.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// How it travels.
    pub fn mode(&self) -> ResponseMode {
        self.mode
    }

    /// What it says.
    pub fn parameters(&self) -> &[(&'static str, String)] {
        &self.parameters
    }

    /// The redirect URI with the parameters. A query that the client registered stays (RFC 6749 §3.1.2).
    pub fn location(&self) -> String {
        let parameters = self.parameters.iter().map(|(name, value)| (*name, value.as_str()));
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let uri = &self.redirect_uri;
        let separator = match self.mode {
            ResponseMode::Fragment => "#",
            _ if uri.ends_with(['?', '&']) => "",
            _ if uri.contains('?') => "&",
            _ => "?",
        };
        format!("{uri}{separator}{encoded}")
    }
}
