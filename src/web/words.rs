//! Words that page structs put together; those for single values in templates are in `filters`.

use crate::base::policy::{Limit, Period, Rate, RateUnit};
use crate::domain::subscriptions::model::{Approval, Plan};
use crate::domain::usage::quotas::Standing;
use crate::web::filters::grouped;
use ipnet::IpNet;
use time::{Date, OffsetDateTime};

/// `31 March 2027`.
pub fn day(day: Date) -> String {
    format!("{} {} {}", day.day(), day.month(), day.year())
}

/// `31 Mar 2027`.
pub fn day_short(day: Date) -> String {
    let month: String = day.month().to_string().chars().take(3).collect();
    format!("{} {month} {}", day.day(), day.year())
}

/// What is left of an hour or a day, rounded up: `47 min`, `23 hours`.
pub fn left(now: OffsetDateTime, until: OffsetDateTime) -> String {
    match seconds_left(now, until) {
        seconds if seconds >= 7200 => format!("{} hours", (seconds + 3599) / 3600),
        seconds => format!("{} min", (seconds + 59) / 60),
    }
}

/// What is left in days, rounded up: `1 day`, `6 days`.
pub fn days_left(now: OffsetDateTime, until: OffsetDateTime) -> String {
    counted((seconds_left(now, until) + 86_399) / 86_400, "day")
}

/// A span of days as people say it: `30 days`, `6 months`, `1 year`.
pub fn days(days: i64) -> String {
    match days {
        365 => "1 year".to_owned(),
        180 => "6 months".to_owned(),
        days => counted(days, "day"),
    }
}

/// A network as people write it: a single address without its prefix.
pub fn network(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() { network.addr().to_string() } else { network.to_string() }
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

/// What a plan allows: `1,000 requests a minute, 50,000 a day`.
pub fn allowance(plan: &Plan) -> String {
    limit(Limit { rate: plan.rate, quota: plan.quota })
}

/// The same for a chooser, with what stands before the plan: `5,000 requests a minute, needs approval`.
pub fn offer(plan: &Plan) -> String {
    let allowance = allowance(plan);
    match plan.approval {
        Approval::NotNeeded => allowance,
        Approval::Needed => format!("{allowance}, needs approval"),
    }
}

/// The same of any limit.
pub fn limit(limit: Limit) -> String {
    let quota = limit.quota.map(|quota| {
        let count = i64::try_from(quota.count).unwrap_or(i64::MAX);
        let period = match quota.per {
            Period::Day => "a day",
            Period::Month => "a month",
        };
        (count, period)
    });
    match (limit.rate.map(rate), quota) {
        (None, None) => "Unlimited".to_owned(),
        (None, Some((count, period))) => format!("{} {period}", counted(count, "request")),
        (Some(rate), None) => rate,
        (Some(rate), Some((count, period))) => format!("{rate}, {} {period}", grouped(count)),
    }
}

/// What is left of a quota: `959 of 1,000 requests left today (UTC)`.
pub fn quota_left(standing: &Standing) -> String {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let period = match standing.quota.per {
        Period::Day => "today",
        Period::Month => "this month",
    };
    let (left, all) = (grouped(number(standing.remaining())), counted(number(standing.quota.count), "request"));
    format!("{left} of {all} left {period} (UTC)")
}

/// When something begins anew: `Resets at 00:00 UTC, in 8 h 46 min`, `Resets on 1 December, in 7 days`.
pub fn resets(now: OffsetDateTime, at: OffsetDateTime) -> String {
    let left = (at - now).max(time::Duration::ZERO);
    if left < time::Duration::DAY {
        let minutes = (left.whole_seconds() + 59) / 60;
        return match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("Resets at 00:00 UTC, in {minutes} min"),
            (hours, minutes) => format!("Resets at 00:00 UTC, in {hours} h {minutes} min"),
        };
    }
    let days = (left.whole_hours() + 23) / 24;
    format!("Resets on {} {}, in {}", at.day(), at.month(), counted(days, "day"))
}

fn rate(rate: Rate) -> String {
    let unit = match rate.per {
        RateUnit::Second => "a second",
        RateUnit::Minute => "a minute",
        RateUnit::Hour => "an hour",
        RateUnit::Day => "a day",
    };
    format!("{} {unit}", counted(i64::from(rate.count), "request"))
}

/// A browser as people call it, from what it says of itself: `Firefox on Linux`. Nothing hangs on it.
pub fn browser(user_agent: &str) -> String {
    const BROWSERS: [(&str, &str); 8] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(known), None) | (None, Some(known)) => known.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::policy::Quota;
    use time::Duration;
    use time::macros::datetime;

    #[test]
    fn what_is_left_of_a_quota_is_told_with_its_period() {
        let standing = |count, per, used| {
            let resets_at = datetime!(2026-12-01 0:00 UTC);
            quota_left(&Standing { quota: Quota { count, per }, used, resets_at })
        };
        assert_eq!(standing(1000, Period::Day, 41), "959 of 1,000 requests left today (UTC)");
        assert_eq!(standing(1, Period::Month, 7), "0 of 1 request left this month (UTC)");
    }

    #[test]
    fn quotas_reset_in_hours_or_days() {
        let now = datetime!(2026-11-24 15:14:30 UTC);
        let said = [
            datetime!(2026-11-25 0:00 UTC),
            datetime!(2026-11-24 15:20 UTC),
            datetime!(2026-12-01 0:00 UTC),
            datetime!(2026-11-24 0:00 UTC),
        ];
        assert_eq!(
            said.map(|at| resets(now, at)),
            [
                "Resets at 00:00 UTC, in 8 h 46 min",
                "Resets at 00:00 UTC, in 6 min",
                "Resets on 1 December, in 7 days",
                "Resets at 00:00 UTC, in 0 min",
            ]
        );
    }

    #[test]
    fn what_is_left_is_rounded_up() {
        let now = datetime!(2026-11-24 12:00 UTC);
        let said = [86_400, 7201, 7200, 3600, 3541, 3540, 1, 0, -5].map(|s| left(now, now + Duration::seconds(s)));
        assert_eq!(said, ["24 hours", "3 hours", "2 hours", "60 min", "60 min", "59 min", "1 min", "0 min", "0 min"]);
        let said = [86_401, 86_400, 1].map(|s| days_left(now, now + Duration::seconds(s)));
        assert_eq!(said, ["2 days", "1 day", "1 day"]);
    }

    #[test]
    fn lists_and_plans_read_as_people_write_them() {
        assert_eq!(list(&["a", "b", "c"].map(str::to_owned)), "a, b and c");
        let rate = Some(Rate { count: 1000, per: RateUnit::Hour, burst: 1 });
        let quota = Some(Quota { count: 50_000, per: Period::Day });
        let said = |rate, quota| limit(Limit { rate, quota });
        assert_eq!(said(rate, None), "1,000 requests an hour");
        assert_eq!(said(rate, quota), "1,000 requests an hour, 50,000 a day");
        assert_eq!(said(None, quota), "50,000 requests a day");
        assert_eq!(said(None, Some(Quota { count: 1, per: Period::Month })), "1 request a month");
        assert_eq!(said(None, None), "Unlimited");
    }
}
