//! The stretch of time that a report of usage is about, cut into hours or days (UTC).

use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};

/// How far back a report goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// The hour that is running and the 23 before it.
    Day,
    /// Today and the 6 days before it.
    #[default]
    Week,
    /// Today and the 29 days before it.
    Month,
    /// Today and the 89 days before it.
    Quarter,
}

/// A window as it stands at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub from: OffsetDateTime,
    /// The first moment after it.
    pub until: OffsetDateTime,
    /// An hour or a day.
    pub step: Duration,
}

impl Window {
    /// All of them, the shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// As in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// From a URL.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.as_str() == text)
    }

    /// Where it is at `now`.
    pub fn at(self, now: OffsetDateTime) -> Stretch {
        let now = now.to_offset(UtcOffset::UTC);
        let (begin, step, steps) = match self {
            Self::Day => (hour(now), Duration::HOUR, 24),
            Self::Week => (midnight(now.date()), Duration::DAY, 7),
            Self::Month => (midnight(now.date()), Duration::DAY, 30),
            Self::Quarter => (midnight(now.date()), Duration::DAY, 90),
        };
        let until = begin + step;
        Stretch { from: until - step * steps, until, step }
    }
}

impl Stretch {
    /// The first moments of its hours or days, in order.
    pub fn steps(self) -> impl Iterator<Item = OffsetDateTime> {
        std::iter::successors(Some(self.from), move |at| Some(*at + self.step)).take_while(move |at| *at < self.until)
    }

    /// The stretch of the same length right before it.
    #[must_use]
    pub fn before(self) -> Self {
        Self { from: self.from - (self.until - self.from), until: self.from, step: self.step }
    }

    /// Whether it is cut into hours.
    pub fn is_hourly(self) -> bool {
        self.step == Duration::HOUR
    }
}

fn hour(now: OffsetDateTime) -> OffsetDateTime {
    now.replace_time(Time::from_hms(now.hour(), 0, 0).unwrap_or(Time::MIDNIGHT))
}

fn midnight(day: Date) -> OffsetDateTime {
    day.midnight().assume_utc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn windows_end_with_the_hour_or_day_that_is_running() {
        let now = datetime!(2026-11-24 12:34:56 UTC);
        let day = Window::Day.at(now);
        assert_eq!((day.from, day.until), (datetime!(2026-11-23 13:00 UTC), datetime!(2026-11-24 13:00 UTC)));
        assert_eq!(day.steps().count(), 24);
        let week = Window::Week.at(now);
        assert_eq!((week.from, week.until), (datetime!(2026-11-18 0:00 UTC), datetime!(2026-11-25 0:00 UTC)));
        assert_eq!(week.before().until, week.from);
        assert_eq!(week.before().steps().count(), 7);
        for window in Window::ALL {
            assert_eq!(Window::parse(window.as_str()), Some(window));
        }
    }
}
