//! How long backends took for the heads of their answers, counted by one thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the histogram, in microseconds.
pub(super) const BUCKETS: [u64; 11] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000];

/// What one thread counts.
#[derive(Default)]
pub(super) struct Waits {
    /// By how long, each in its own bucket; the last is for longer ones.
    pub(super) buckets: [AtomicU64; BUCKETS.len() + 1],
    /// The sum, in microseconds.
    pub(super) sum_us: AtomicU64,
}

impl Waits {
    /// One more.
    pub(super) fn add(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(BUCKETS.partition_point(|bound| *bound < took)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(took, Ordering::Relaxed);
    }
}
