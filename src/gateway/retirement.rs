//! What each answer of a deprecated version says: since when (RFC 9745), until when (RFC 8594), and where to read on.

use crate::gateway::date;
use crate::gateway::snapshot::Route;
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};
use time::{Date, OffsetDateTime};

/// RFC 9745.
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// RFC 8594.
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// When a version was deprecated and when it ends, ready to be said.
#[derive(Debug)]
pub(super) struct Retirement {
    since: HeaderValue,
    until: Option<HeaderValue>,
}

impl Retirement {
    /// Of a version that is deprecated since a moment, and is gone when a day has begun (UTC), if that is known.
    pub(super) fn new(since: OffsetDateTime, until: Option<Date>) -> Option<Self> {
        let since = HeaderValue::try_from(format!("@{}", since.unix_timestamp())).ok()?;
        Some(Self { since, until: until.and_then(|day| date::written(day.midnight().assume_utc())) })
    }

    /// Adds it to an answer. What a backend says of itself with these names is not about this version of the API.
    pub(super) fn write(&self, headers: &mut HeaderMap, route: &Route, portal: &str) {
        headers.insert(DEPRECATION, self.since.clone());
        match &self.until {
            Some(until) => headers.insert(SUNSET, until.clone()),
            None => headers.remove(SUNSET),
        };
        let page = format!("{portal}/apis/{}/v{}", route.api.name, route.version.major);
        if let Ok(link) = HeaderValue::try_from(format!(r#"<{page}>; rel="deprecation"; type="text/html""#)) {
            headers.append(LINK, link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    #[test]
    fn moments_are_written_as_the_two_documents_want_them() {
        let retirement = Retirement::new(datetime!(2026-03-01 12:00 UTC), Some(date!(2027 - 03 - 31))).unwrap();
        assert_eq!(retirement.since, "@1772366400");
        assert_eq!(retirement.until.unwrap(), "Wed, 31 Mar 2027 00:00:00 GMT");
        assert!(Retirement::new(datetime!(2026-03-01 12:00 UTC), None).unwrap().until.is_none());
    }
}
