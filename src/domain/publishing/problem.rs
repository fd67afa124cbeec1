//! What is wrong with a manifest, and where.

use std::fmt;
use std::sync::Arc;

/// A place in a manifest or in a file that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as the command line named it.
    pub file: Arc<str>,
    /// Counted from 1; 0: the whole file.
    pub line: u64,
    /// The field, such as `versions[0].backends.production`; may be empty.
    pub field: String,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    /// The value.
    pub(super) value: T,
    /// Where it stands.
    pub(super) place: Place,
}

/// One thing that is wrong: where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where; none: nowhere in a file.
    pub place: Option<Place>,
    /// A sentence that says what to do.
    pub message: String,
}

/// Everything that was found wrong so far.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Place {
    /// A whole file.
    pub fn file(name: &str) -> Self {
        Self { file: name.into(), line: 0, field: String::new() }
    }

    /// The field `key` of the mapping at this place.
    pub(super) fn key(&self, line: u64, key: &str) -> Self {
        let field = if self.field.is_empty() { key.to_owned() } else { format!("{}.{key}", self.field) };
        Self { file: Arc::clone(&self.file), line, field }
    }

    /// The item `index` of the list at this place.
    pub(super) fn item(&self, line: u64, index: usize) -> Self {
        Self { file: Arc::clone(&self.file), line, field: format!("{}[{index}]", self.field) }
    }
}

impl Problem {
    /// Something about a whole file.
    pub fn of_file(name: &str, message: impl Into<String>) -> Self {
        Self { place: Some(Place::file(name)), message: message.into() }
    }

    /// Something that no file is to blame for.
    pub(super) fn nowhere(message: impl fmt::Display) -> Self {
        Self { place: None, message: message.to_string() }
    }
}

impl Problems {
    pub(super) fn add(&mut self, place: &Place, message: impl Into<String>) {
        self.0.push(Problem { place: Some(place.clone()), message: message.into() });
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// `ok`, if nothing is wrong; otherwise everything that is, by file and line.
    pub(super) fn none_or<T>(mut self, ok: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() {
            return Ok(ok);
        }
        self.0.sort_by(|a, b| at(a).cmp(&at(b)));
        self.0.dedup();
        Err(self.0)
    }
}

fn at(problem: &Problem) -> Option<(&str, u64)> {
    problem.place.as_ref().map(|place| (&*place.file, place.line))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.field.is_empty() { Ok(()) } else { write!(f, ": {}", self.field) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
