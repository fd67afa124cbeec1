//! Words for reports of usage: labels of hours and days, comparisons, shares.

use crate::domain::usage::sums::{Point, Sums};
use crate::domain::usage::window::{Stretch, Window};
use crate::web::chart::number;
use crate::web::words::counted;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

const HOUR: StaticFormatDescription = format_description!("[hour]:00");
const DAY: StaticFormatDescription = format_description!("[day padding:none] [month repr:short]");

/// A number on top of the page.
pub(crate) struct Tile {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) unit: &'static str,
    /// What is set off of the comparison; may be empty.
    pub(crate) delta: String,
    /// `up` for good news, `down` for bad ones; empty for neither.
    pub(crate) tone: &'static str,
    pub(crate) compared: String,
}

/// A window as it stands now.
pub(crate) struct Stretched {
    window: Window,
    stretch: Stretch,
}

impl Stretched {
    pub(crate) fn new(window: Window, stretch: Stretch) -> Self {
        Self { window, stretch }
    }

    /// The head of a table by hours or days.
    pub(crate) fn step(&self) -> &'static str {
        if self.stretch.is_hourly() { "Hour" } else { "Day" }
    }

    /// `14:00` or `24 Nov`, UTC.
    pub(crate) fn label(&self, at: OffsetDateTime) -> String {
        at.format(if self.stretch.is_hourly() { HOUR } else { DAY }).unwrap_or_default()
    }

    /// What a chart of calls shows, for those who do not see it.
    pub(crate) fn summary(&self, points: &[Point], sums: Sums) -> String {
        let step = if self.stretch.is_hourly() { "hour" } else { "day" };
        let most = points.iter().max_by_key(|point| point.sums.requests);
        let busiest = most.filter(|point| point.sums.requests > 0).map_or_else(String::new, |point| {
            format!("; most on {}, with {}", self.label(point.at), number(point.sums.requests))
        });
        let calls = counted(i64::try_from(sums.requests).unwrap_or(i64::MAX), "call");
        format!("Calls per {step} in the last {}: {calls}{busiest}.", window(self.window))
    }

    /// `50%` and `more than the 7 days before`; the former may be empty.
    pub(crate) fn compared(&self, now: u64, before: u64) -> (String, String) {
        let period = self.before();
        match (now, before) {
            (_, 0) => (String::new(), format!("none in {period}")),
            (now, before) if now == before => (String::new(), format!("as many as in {period}")),
            (now, before) => {
                let percent = percent(now.abs_diff(before), before);
                (format!("{percent}%"), format!("{} than {period}", if now > before { "more" } else { "fewer" }))
            }
        }
    }

    /// The numbers on top of the page of an application.
    pub(crate) fn tiles(&self, now: Sums, before: Sums, p95: Option<u64>) -> Vec<Tile> {
        let period = self.before();
        let (delta, compared) = self.compared(now.requests, before.requests);
        let failed = |name, errors: u64, before_errors: u64, what: &str| Tile {
            name,
            value: share(errors, now.requests).trim_end_matches('%').to_owned(),
            unit: "%",
            delta: number(errors),
            tone: if errors > 0 { "down" } else { "" },
            compared: format!("{what}, {} in {period}", number(before_errors)),
        };
        vec![
            Tile { name: "Calls", value: number(now.requests), unit: "", delta, tone: "", compared },
            failed("Client errors", now.client_errors, before.client_errors, "answered with 4xx"),
            failed("Server errors", now.server_errors, before.server_errors, "answered with 5xx"),
            Tile {
                name: "p95 latency",
                value: ms(p95).map_or_else(|| "–".to_owned(), number),
                unit: if p95.is_some() { " ms" } else { "" },
                delta: String::new(),
                tone: "",
                compared: "95 of 100 calls were no slower".to_owned(),
            },
        ]
    }

    fn before(&self) -> String {
        format!("the {} before", window(self.window))
    }
}

/// `30 days`.
pub(crate) fn window(window: Window) -> &'static str {
    match window {
        Window::Day => "24 hours",
        Window::Week => "7 days",
        Window::Month => "30 days",
        Window::Quarter => "90 days",
    }
}

/// `1.5%`; less than a tenth is told as such.
pub(crate) fn share(part: u64, all: u64) -> String {
    let tenths = u128::from(part) * 1000 / u128::from(all.max(1));
    match (part, tenths) {
        (0, _) => "0%".to_owned(),
        (_, 0) => "< 0.1%".to_owned(),
        (_, tenths) if tenths % 10 == 0 => format!("{}%", tenths / 10),
        (_, tenths) => format!("{}.{}%", tenths / 10, tenths % 10),
    }
}

/// Microseconds in milliseconds, rounded up: a call takes some time.
pub(crate) fn ms(us: Option<u64>) -> Option<u64> {
    us.map(|us| us.div_ceil(1000))
}

/// `38 ms`.
pub(crate) fn milliseconds(us: Option<u64>) -> String {
    ms(us).map_or_else(|| "–".to_owned(), |ms| format!("{} ms", number(ms)))
}

/// What a chart of latencies shows, for those who do not see it.
pub(crate) fn latency(p50: Option<u64>, p95: Option<u64>) -> String {
    format!(
        "How long calls took: half of them no longer than {}, 95 of 100 no longer than {}.",
        milliseconds(p50),
        milliseconds(p95)
    )
}

fn percent(part: u64, all: u64) -> String {
    number(u64::try_from(u128::from(part) * 100 / u128::from(all.max(1))).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_call_something_nothing() {
        let said = [(0, 0), (0, 9), (1, 100_000), (15, 1000), (1, 4), (4, 4)].map(|(part, all)| share(part, all));
        assert_eq!(said, ["0%", "0%", "< 0.1%", "1.5%", "25%", "100%"]);
    }

    #[test]
    fn calls_are_compared_with_the_time_before() {
        let now = time::macros::datetime!(2026-11-24 12:00 UTC);
        let words = Stretched::new(Window::Week, Window::Week.at(now));
        let said = |now: u64, before: u64| {
            let sums = |requests| Sums { requests, ..Sums::default() };
            let tile = words.tiles(sums(now), sums(before), None).remove(0);
            format!("{} {}", tile.delta, tile.compared).trim().to_owned()
        };
        assert_eq!(said(5, 0), "none in the 7 days before");
        assert_eq!(said(150, 100), "50% more than the 7 days before");
        assert_eq!(said(50, 100), "50% fewer than the 7 days before");
        assert_eq!(said(7, 7), "as many as in the 7 days before");
    }
}
