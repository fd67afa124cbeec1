//! Charts as numbers for SVG attributes: bars of calls and lines of latencies. Templates print them; nothing is drawn by
//! a script and nothing is styled inline.

use crate::web::filters::grouped;
use std::fmt::Write as _;

/// The height of a chart in its own units.
pub const HEIGHT: u64 = 1000;
/// What one bar and the gap next to it take.
const SLOT: u64 = 12;
const BAR: u64 = 8;
/// Labels below a chart, at most.
const LABELS: usize = 7;

/// What one bar is made of, from the bottom up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The hour or day in words.
    pub label: String,
    /// Calls that succeeded.
    pub ok: u64,
    /// Calls answered with 4xx.
    pub client_errors: u64,
    /// Calls answered with 5xx.
    pub server_errors: u64,
}

/// Stacked bars, for `components/chart.html`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bars {
    /// The width in its own units.
    pub width: u64,
    /// The bars.
    pub bars: Vec<Bar>,
    /// Scale.
    pub scale: Scale,
    /// Labels below, each over as many bars.
    pub below: Vec<String>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Where its slot begins.
    pub slot: u64,
    /// Where it begins.
    pub x: u64,
    /// Its pieces: class, `y` and height.
    pub pieces: Vec<(&'static str, u64, u64)>,
    /// What the legend says for it: label and three numbers, between bars.
    pub readout: String,
    /// The numbers in words, for the table: label, all, 4xx, 5xx.
    pub cells: [String; 4],
}

/// The scale at the side of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// What the top stands for.
    pub top: u64,
    /// Labels from the top to 0.
    pub labels: Vec<String>,
    /// Where the lines of the grid are.
    pub lines: Vec<u64>,
}

/// Lines over the same slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The width in its own units.
    pub width: u64,
    /// The paths, in the order in which they were given.
    pub paths: Vec<String>,
    /// Scale.
    pub scale: Scale,
    /// Labels below.
    pub below: Vec<String>,
}

impl Bars {
    /// From what each bar is made of.
    pub fn new(columns: &[Column]) -> Self {
        let highest = columns.iter().map(Column::all).max().unwrap_or(0);
        let scale = Scale::to(highest);
        let bars = (0_u64..).zip(columns).map(|(at, column)| Bar::new(at * SLOT, column, scale.top));
        Self {
            width: width(columns.len()),
            bars: bars.collect(),
            below: below(columns.iter().map(|c| &*c.label)),
            scale,
        }
    }

    /// The width of a slot.
    pub fn slot(&self) -> u64 {
        SLOT
    }

    /// The width of a bar.
    pub fn bar(&self) -> u64 {
        BAR
    }

    /// The height of the chart.
    pub fn height(&self) -> u64 {
        HEIGHT
    }
}

impl Column {
    fn all(&self) -> u64 {
        self.ok + self.client_errors + self.server_errors
    }
}

impl Bar {
    fn new(slot: u64, column: &Column, top: u64) -> Self {
        let mut bottom = HEIGHT;
        let mut pieces = Vec::new();
        for (class, calls) in [("ok", column.ok), ("c4", column.client_errors), ("c5", column.server_errors)] {
            // A few errors among many calls are still to be seen.
            let height = scaled(calls, top).max(if calls > 0 { 4 } else { 0 }).min(bottom);
            bottom -= height;
            if height > 0 {
                pieces.push((class, bottom, height));
            }
        }
        let words = [column.ok, column.client_errors, column.server_errors].map(number);
        let [ok, client, server] = &words;
        Self {
            slot,
            x: slot + (SLOT - BAR) / 2,
            pieces,
            readout: format!("{}|{ok}|{client}|{server}", column.label),
            cells: [column.label.clone(), number(column.all()), client.clone(), server.clone()],
        }
    }
}

impl Lines {
    /// From the values of each line, slot by slot; a slot without a value leaves a gap. Every line has as many slots as
    /// there are labels.
    pub fn new(labels: &[&str], lines: &[Vec<Option<u64>>]) -> Self {
        let scale = Scale::to(lines.iter().flatten().flatten().copied().max().unwrap_or(0));
        let paths = lines.iter().map(|values| path(values, scale.top)).collect();
        Self { width: width(labels.len()), paths, below: below(labels.iter().copied()), scale }
    }

    /// A small line for a tile, which shows no scale.
    pub fn spark(values: Vec<u64>) -> Self {
        let labels = vec![""; values.len()];
        Self::new(&labels, &[values.into_iter().map(Some).collect()])
    }

    /// The height of the chart.
    pub fn height(&self) -> u64 {
        HEIGHT
    }
}

impl Scale {
    /// Up to a round number that is at least this one.
    fn to(highest: u64) -> Self {
        let mut unit: u64 = 1;
        let (step, steps) = loop {
            let fits = [(1, 4), (2, 4), (5, 4)].into_iter().map(|(factor, steps)| (unit.saturating_mul(factor), steps));
            if let Some(found) = fits.into_iter().find(|(step, steps)| step.saturating_mul(*steps) >= highest) {
                break found;
            }
            unit = unit.saturating_mul(10);
        };
        // No more lines than it takes.
        let steps = highest.div_ceil(step).clamp(1, steps);
        let top = step.saturating_mul(steps);
        Self {
            top,
            labels: (0..=steps).rev().map(|n| short(n.saturating_mul(step))).collect(),
            lines: (0..=steps).map(|n| n * HEIGHT / steps).collect(),
        }
    }
}

/// Straight lines from middle to middle of slots; a point on its own is a dot.
fn path(values: &[Option<u64>], top: u64) -> String {
    let mut path = String::new();
    let mut is_open = false;
    for (slot, value) in (0_u64..).zip(values) {
        let Some(value) = value else {
            is_open = false;
            continue;
        };
        let (x, y) = (slot * SLOT + SLOT / 2, HEIGHT - scaled(*value, top).min(HEIGHT));
        // Writing to a text cannot fail.
        _ = if is_open { write!(path, "L{x} {y}") } else { write!(path, "M{x} {y}h0") };
        is_open = true;
    }
    path
}

fn width(slots: usize) -> u64 {
    u64::try_from(slots.max(1)).unwrap_or(1) * SLOT
}

fn scaled(value: u64, top: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(HEIGHT) / u128::from(top.max(1))).unwrap_or(HEIGHT)
}

/// Every so many labels, so that each has room and all have as much of it.
fn below<'a>(labels: impl ExactSizeIterator<Item = &'a str>) -> Vec<String> {
    let count = labels.len().max(1);
    let every = (count.div_ceil(LABELS)..=count).find(|every| count.is_multiple_of(*every)).unwrap_or(count);
    labels.step_by(every).map(str::to_owned).collect()
}

/// `950`, `6k`, `2.5M`.
fn short(value: u64) -> String {
    let cut = |unit: u64, letter: &str| {
        let (whole, tenth) = (value / unit, value % unit * 10 / unit);
        if tenth == 0 { format!("{whole}{letter}") } else { format!("{whole}.{tenth}{letter}") }
    };
    match value {
        0..1_000 => value.to_string(),
        1_000..1_000_000 => cut(1_000, "k"),
        1_000_000..1_000_000_000 => cut(1_000_000, "M"),
        _ => cut(1_000_000_000, "G"),
    }
}

/// `12,345`.
pub fn number(value: u64) -> String {
    grouped(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_with_a_round_number() {
        for (highest, top, labels) in [
            (0, 1, "1 0"),
            (1, 1, "1 0"),
            (4, 4, "4 3 2 1 0"),
            (5, 6, "6 4 2 0"),
            (41, 60, "60 40 20 0"),
            (5_400, 6_000, "6k 4k 2k 0"),
            (1_500_000, 1_500_000, "1.5M 1M 500k 0"),
        ] {
            let scale = Scale::to(highest);
            assert_eq!((scale.top, scale.labels.join(" ")), (top, labels.to_owned()), "{highest}");
            assert_eq!(scale.lines.len(), scale.labels.len());
        }
        Scale::to(u64::MAX);
    }

    #[test]
    fn labels_stand_below_what_they_name() {
        for (slots, labels) in [(0, 0), (1, 1), (7, 7), (24, 6), (30, 6), (90, 6), (31, 1)] {
            assert_eq!(below(vec!["24 Nov"; slots].into_iter()).len(), labels, "{slots}");
        }
    }

    #[test]
    fn bars_stand_on_the_ground_and_show_every_error() {
        let column =
            |ok, client_errors, server_errors| Column { label: "24 Nov".to_owned(), ok, client_errors, server_errors };
        let chart = Bars::new(&[column(4000, 0, 1), column(0, 0, 0)]);
        assert_eq!(chart.width, 24);
        // 4,001 calls need a scale to 6,000.
        assert_eq!(chart.scale.top, 6000);
        assert_eq!(chart.bars[0].pieces, [("ok", 334, 666), ("c5", 330, 4)]);
        assert_eq!(chart.bars[0].readout, "24 Nov|4,000|0|1");
        assert_eq!((chart.bars[1].x, chart.bars[1].pieces.len()), (14, 0));
    }

    #[test]
    fn lines_leave_a_gap_where_nothing_was_called() {
        let chart = Lines::new(&["a", "b", "c", "d"], &[vec![Some(0), Some(4), None, Some(2)]]);
        assert_eq!(chart.paths, ["M6 1000h0L18 0M42 500h0"]);
    }
}
