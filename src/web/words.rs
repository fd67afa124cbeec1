//! Words that page structs put together; those for single values in templates are in `filters`.

use crate::domain::subscriptions::model::{Plan, RateUnit};
use crate::web::filters::grouped;
use time::OffsetDateTime;

/// What is left of an hour, rounded up: `47 min`.
pub fn left(now: OffsetDateTime, until: OffsetDateTime) -> String {
    format!("{} min", (seconds_left(now, until) + 59) / 60)
}

/// The same in seconds; none once it is over.
pub fn seconds_left(now: OffsetDateTime, until: OffsetDateTime) -> i64 {
    (until - now).whole_seconds().max(0)
}

/// `1 API key`, `12,000 API keys`.
pub fn counted(count: i64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What a plan allows: `10,000 requests a day`.
pub fn rate(plan: &Plan) -> String {
    let Some(rate) = plan.rate else { return "Unlimited".to_owned() };
    let unit = match rate.unit {
        RateUnit::Second => "a second",
        RateUnit::Minute => "a minute",
        RateUnit::Hour => "an hour",
        RateUnit::Day => "a day",
    };
    format!("{} {unit}", counted(i64::from(rate.count), "request"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::subscriptions::model::Rate;
    use time::Duration;
    use time::macros::datetime;

    #[test]
    fn what_is_left_is_rounded_up() {
        let now = datetime!(2026-11-24 12:00 UTC);
        let said = [3600, 3541, 3540, 1, 0, -5].map(|s| left(now, now + Duration::seconds(s)));
        assert_eq!(said, ["60 min", "60 min", "59 min", "1 min", "0 min", "0 min"]);
    }

    #[test]
    fn lists_and_plans_read_as_people_write_them() {
        assert_eq!(list(&["a", "b", "c"].map(str::to_owned)), "a, b and c");
        let rate =
            |rate| super::rate(&Plan { name: String::new(), title: String::new(), description: String::new(), rate });
        let (unit, burst) = (RateUnit::Hour, 1);
        assert_eq!(rate(Some(Rate { count: 1000, unit, burst })), "1,000 requests an hour");
        assert_eq!(rate(None), "Unlimited");
    }
}
