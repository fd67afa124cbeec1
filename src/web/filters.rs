//! Words for dates and counts, as filters: a page's module says `use crate::web::filters;` and its template
//! `{{ key.created_at|date }}`. Times are UTC.
#![expect(clippy::inline_always, reason = "the macro that makes filters writes it")]

use askama::Values;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

const DATE: StaticFormatDescription = format_description!("[day padding:none] [month repr:long] [year]");
const TIME: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
const MACHINE: StaticFormatDescription = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// `20 November 2026`.
#[askama::filter_fn]
pub fn date(at: &OffsetDateTime, _: &dyn Values) -> askama::Result<String> {
    at.format(DATE).map_err(askama::Error::custom)
}

/// `20 November 2026, 14:05 UTC`.
#[askama::filter_fn]
pub fn moment(at: &OffsetDateTime, _: &dyn Values) -> askama::Result<String> {
    at.format(TIME).map_err(askama::Error::custom)
}

/// For the `datetime` attribute of `<time>`.
#[askama::filter_fn]
pub fn machine(at: &OffsetDateTime, _: &dyn Values) -> askama::Result<String> {
    at.format(MACHINE).map_err(askama::Error::custom)
}

/// `just now`, `5 min ago`, `3 hours ago`, `yesterday`, `12 days ago`, then the date: `{{ at|ago(shell.now) }}`.
#[askama::filter_fn]
pub fn ago(at: &OffsetDateTime, _: &dyn Values, now: OffsetDateTime) -> askama::Result<String> {
    match since(*at, now) {
        Some(words) => Ok(words),
        None => at.format(DATE).map_err(askama::Error::custom),
    }
}

/// `1 key`, `3 keys`: `{{ keys.len()|count("key", "keys") }}`.
#[askama::filter_fn]
pub fn count(n: impl std::borrow::Borrow<usize>, _: &dyn Values, one: &str, many: &str) -> askama::Result<String> {
    let n = i64::try_from(*n.borrow()).unwrap_or(i64::MAX);
    Ok(format!("{} {}", grouped(n), if n == 1 { one } else { many }))
}

/// `12,345`: `{{ n|number }}`.
#[askama::filter_fn]
pub fn number(n: impl std::borrow::Borrow<i64>, _: &dyn Values) -> askama::Result<String> {
    Ok(grouped(*n.borrow()))
}

fn since(at: OffsetDateTime, now: OffsetDateTime) -> Option<String> {
    let past = now - at;
    let some = |n: i64, one: &str, many: &str| Some(if n == 1 { one.to_owned() } else { format!("{n} {many} ago") });
    match past {
        past if past < Duration::MINUTE => Some("just now".to_owned()),
        past if past < Duration::HOUR => some(past.whole_minutes(), "1 min ago", "min"),
        past if past < Duration::DAY => some(past.whole_hours(), "1 hour ago", "hours"),
        past if past < Duration::days(30) => some(past.whole_days(), "yesterday", "days"),
        _ => None,
    }
}

/// `12,345`.
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::from(if n < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_told_as_people_say_them() {
        let now = datetime!(2026-11-24 12:00 UTC);
        let cases =
            [(0, "just now"), (60, "1 min ago"), (3599, "59 min ago"), (7200, "2 hours ago"), (90_000, "yesterday")];
        for (seconds, words) in cases {
            assert_eq!(since(now - Duration::seconds(seconds), now).as_deref(), Some(words));
        }
        assert_eq!(since(now - Duration::days(40), now), None);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567, -1000].map(grouped), ["0", "999", "1,000", "1,234,567", "-1,000"]);
    }
}
