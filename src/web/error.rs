//! What stops a handler, and what people see of it. The `error_pages` layer draws the page; a cause is logged there, once.

use crate::base::error::Error;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// What most handlers answer.
pub type Result<T = Response> = std::result::Result<T, Failure>;

/// Why a handler did not answer.
#[derive(Debug)]
pub enum Failure {
    /// The domain said no, or broke.
    Domain(Error),
    /// A page for members only: sign in, then come back to this path.
    SignInFirst(String),
    /// A form for members only, sent without a session.
    SessionEnded,
    /// The page does not take this method.
    MethodNotAllowed,
    /// The request's body is too large or no form.
    Unreadable(StatusCode),
    /// A form came with more than the portal carries to the gateway.
    FileTooLarge,
    /// A form came from another site.
    CrossSite,
    /// It took too long.
    TimedOut,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Domain(error)
    }
}

/// A failure on its way to the layer that draws it.
#[derive(Clone, Debug)]
pub struct Failed(pub Arc<Failure>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

impl Failure {
    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Domain(Error::NotFound) => StatusCode::NOT_FOUND,
            Self::Domain(Error::Forbidden(_)) | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Domain(Error::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Domain(Error::Conflict(_)) => StatusCode::CONFLICT,
            Self::Domain(Error::Busy(_)) => StatusCode::TOO_MANY_REQUESTS,
            Self::Domain(Error::Internal(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::SignInFirst(_) | Self::SessionEnded => StatusCode::SEE_OTHER,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable(status) => *status,
            Self::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TimedOut => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The heading of the page.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Domain(Error::NotFound) => "Nothing to see here",
            Self::Domain(Error::Forbidden(_)) => "This is not open to you",
            Self::Domain(Error::Invalid(_)) => "That cannot be used",
            Self::Domain(Error::Conflict(_)) => "That cannot be done",
            Self::Domain(Error::Busy(_)) => "Too many attempts",
            Self::Domain(Error::Internal(_)) => "Something broke on our side",
            Self::SignInFirst(_) | Self::SessionEnded => "Sign in first",
            Self::MethodNotAllowed => "This page cannot do that",
            Self::FileTooLarge => "That file is too large",
            Self::Unreadable(StatusCode::PAYLOAD_TOO_LARGE) => "That is too large",
            Self::Unreadable(_) => "That request cannot be read",
            Self::CrossSite => "This form came from another site",
            Self::TimedOut => "That took too long",
        }
    }

    /// What to do next, in a sentence or two.
    pub fn text(&self) -> String {
        match self {
            Self::Domain(Error::NotFound) => {
                "There is no such page, or it is not visible to you. Check the address.".to_owned()
            }
            Self::Domain(Error::Forbidden(text) | Error::Conflict(text)) => text.clone(),
            Self::Domain(Error::Invalid(fields)) => {
                fields.iter().map(|e| e.message.as_str()).collect::<Vec<_>>().join(" ")
            }
            Self::Domain(Error::Busy(wait)) => format!("Try again in {}.", in_words(wait.as_secs())),
            Self::Domain(Error::Internal(_)) => "It has been logged, and nothing was changed.".to_owned(),
            Self::SignInFirst(_) | Self::SessionEnded => "This page is for members.".to_owned(),
            Self::MethodNotAllowed => "Go back and use the links and buttons of the page.".to_owned(),
            Self::Unreadable(StatusCode::PAYLOAD_TOO_LARGE) => "Shorten what you entered and send it again.".to_owned(),
            Self::FileTooLarge => {
                "The portal carries 5 MiB at most to the gateway. Choose a smaller file, or send it yourself: the code beside \
                 the form does so."
                    .to_owned()
            }
            Self::Unreadable(_) => "Load the page again and try once more.".to_owned(),
            Self::CrossSite => "Nothing was changed. Open the page here and send the form again.".to_owned(),
            Self::TimedOut => "The server is busy. Try again in a minute.".to_owned(),
        }
    }
}

/// `12 seconds` or `3 minutes`; never none.
pub fn in_words(seconds: u64) -> String {
    match (seconds.max(1), seconds.div_ceil(60)) {
        (1, _) => "a second".to_owned(),
        (s @ 2..=90, _) => format!("{s} seconds"),
        (_, minutes) => format!("{minutes} minutes"),
    }
}
