//! The error that people see, on a page or as JSON. Its texts say what to do next; causes stay in the log.

use std::time::Duration;

/// What can stop an activity of the domain.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist, or the viewer may not know that it does.
    #[error("not found")]
    NotFound,
    /// The viewer sees it but may not do this. The text says who may.
    #[error("{0}")]
    Forbidden(String),
    /// What was entered cannot be used; each field with its reason.
    #[error("{}", FieldError::list(.0))]
    Invalid(Vec<FieldError>),
    /// It clashes with what is there. The text says with what.
    #[error("{0}")]
    Conflict(String),
    /// Too many attempts, or too much at once.
    #[error("too many attempts; try again in {} seconds", .0.as_secs().max(1))]
    Busy(Duration),
    /// Our fault. Never shown; logged once at the edge.
    #[error("internal error: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Shorthand for what most of the domain returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One field of a form and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name, as in the form.
    pub field: &'static str,
    /// A sentence that says how to mend it.
    pub message: String,
}

impl FieldError {
    fn list(errors: &[Self]) -> String {
        errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect::<Vec<_>>().join("; ")
    }
}

impl Error {
    /// One wrong field.
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field, message: message.into() }])
    }

    /// The same with another name for a field, for a form that calls it otherwise.
    #[must_use]
    pub fn renamed(self, from: &str, to: &'static str) -> Self {
        match self {
            Self::Invalid(fields) => {
                let rename = |e: FieldError| FieldError { field: if e.field == from { to } else { e.field }, ..e };
                Self::Invalid(fields.into_iter().map(rename).collect())
            }
            other => other,
        }
    }

    /// An internal failure with its cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}
