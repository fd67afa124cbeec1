//! Forms: what was typed, what is wrong with it, and showing both again.

use crate::base::error::{Error, FieldError};
use crate::web::error::Failure;
use crate::web::state::PortalState;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

/// The fields of a posted form. Give every field `#[serde(default)]`: a missing one is a sentence next to the field, from
/// the activity that parses it, not a bare 422.
#[derive(Clone, Debug)]
pub struct Fields<T>(pub T);

impl<T: DeserializeOwned> FromRequest<PortalState> for Fields<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &PortalState) -> Result<Self, Failure> {
        match axum::Form::from_request(request, state).await {
            Ok(axum::Form(fields)) => Ok(Self(fields)),
            Err(rejection) => Err(Failure::Unreadable(rejection.status())),
        }
    }
}

/// The fields of a form in which one name may come several times, such as checkboxes.
#[derive(Clone, Debug)]
pub struct Pairs(Vec<(String, String)>);

impl FromRequest<PortalState> for Pairs {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &PortalState) -> Result<Self, Failure> {
        Ok(Self(Fields::from_request(request, state).await?.0))
    }
}

impl Pairs {
    /// As if they had been sent.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The first value of that name; empty when there is none.
    pub fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every value of the names that begin so.
    pub fn all_beginning_with<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key.starts_with(start)).map(|(_, value)| value.as_str())
    }

    /// Every value of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What is wrong with a form. The default is: nothing.
#[derive(Clone, Debug, Default)]
pub struct Wrong {
    summary: String,
    fields: Vec<FieldError>,
}

impl Wrong {
    /// A sentence for the top of the form and none for the fields.
    pub fn summary_only(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), fields: Vec::new() }
    }

    /// One wrong field.
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { summary: message.clone(), fields: vec![FieldError { field, message }] }
    }

    /// The sentence on top of the form; empty when nothing is wrong.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The sentence next to a field; empty when it is right.
    pub fn of(&self, field: &str) -> &str {
        self.fields.iter().find(|e| e.field == field).map_or("", |e| &e.message)
    }
}

/// What became of a form.
#[derive(Debug)]
pub enum Outcome<T> {
    /// It was done.
    Done(T),
    /// Nothing was changed; show the form again with [`crate::web::page::refuse`].
    Wrong(Wrong),
}

/// Sorts what an activity answered: wrong fields and conflicts go back to the form, the rest to the error page.
pub fn outcome<T>(answer: Result<T, Error>) -> Result<Outcome<T>, Failure> {
    match answer {
        Ok(done) => Ok(Outcome::Done(done)),
        Err(Error::Invalid(fields)) => {
            let summary = match fields.as_slice() {
                [only] => only.message.clone(),
                _ => "Some fields need another look.".to_owned(),
            };
            Ok(Outcome::Wrong(Wrong { summary, fields }))
        }
        Err(Error::Conflict(text)) => Ok(Outcome::Wrong(Wrong::summary_only(text))),
        Err(other) => Err(other.into()),
    }
}
