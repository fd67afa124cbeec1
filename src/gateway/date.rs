//! The `Date` of answers that have none (RFC 9110 §6.6.1), written once a second.

use http::HeaderValue;
use std::sync::{Mutex, PoisonError};
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

const IMF_FIXDATE: StaticFormatDescription =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// The latest date that was written, with its second.
#[derive(Default)]
pub(super) struct Dates(Mutex<Option<(i64, HeaderValue)>>);

/// A moment as an HTTP date (RFC 9110 §5.6.7); nothing for years beyond four digits.
pub(super) fn written(at: OffsetDateTime) -> Option<HeaderValue> {
    HeaderValue::try_from(at.format(IMF_FIXDATE).ok()?).ok()
}

impl Dates {
    /// `now` as a header; nothing for years beyond four digits.
    pub(super) fn at(&self, now: OffsetDateTime) -> Option<HeaderValue> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let second = now.unix_timestamp();
        match &*latest {
            Some((written, date)) if *written == second => Some(date.clone()),
            _ => {
                let date = written(now)?;
                *latest = Some((second, date.clone()));
                Some(date)
            }
        }
    }
}
