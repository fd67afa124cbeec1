//! Medians, spreads and Markdown.

/// What several rounds have given.
#[derive(Clone, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(|count| count / 2)
    }

    pub(crate) fn least(&self) -> f64 {
        self.at(|_| 0)
    }

    pub(crate) fn most(&self) -> f64 {
        self.at(|count| count - 1)
    }

    fn at(&self, place: impl Fn(usize) -> usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted[place(sorted.len())]
    }

    /// Round by round, this against `other`.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(this, other)| this / other).collect())
    }

    /// `median (least to most)`.
    pub(crate) fn show(&self, decimals: usize) -> String {
        format!("{:.decimals$} ({:.decimals$} to {:.decimals$})", self.median(), self.least(), self.most())
    }
}

/// Prints a table's head.
pub(crate) fn head(columns: &[&str]) {
    row(columns);
    println!("|{}", "---|".repeat(columns.len()));
}

/// Prints a table's row.
pub(crate) fn row<T: AsRef<str>>(cells: &[T]) {
    println!("| {} |", cells.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" | "));
}

/// Prints whether an aim was reached.
pub(crate) fn aim(what: &str, measured: &str, reached: bool) {
    println!("- {what}: **{measured}**, {}", if reached { "reached" } else { "**not reached**" });
}
