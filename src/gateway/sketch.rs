//! How long the calls of one row took: a few buckets in place, which is what most rows have, or a table of all.

use crate::base::latency::{BUCKETS, Latency};

/// Buckets that are held in place.
const FEW: usize = 4;

/// Calls by the bucket of their duration.
pub(super) enum Sketch {
    /// Up to [`FEW`] buckets; those without a call are free.
    Few([(u8, u32); FEW]),
    /// All buckets.
    All(Box<[u32; BUCKETS]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Few([(0, 0); FEW])
    }
}

impl Sketch {
    /// Counts a call.
    pub(super) fn count(&mut self, bucket: u8) {
        self.add(bucket, 1);
    }

    /// What it holds, in the form that leaves the thread.
    pub(super) fn latency(&self) -> Latency {
        match self {
            Self::Few(few) => Latency::from_buckets(few.iter().copied().filter(|(_, calls)| *calls > 0)),
            Self::All(all) => {
                Latency::from_buckets((0..=u8::MAX).zip(all.iter().copied()).filter(|(_, calls)| *calls > 0))
            }
        }
    }

    fn add(&mut self, bucket: u8, calls: u32) {
        match self {
            Self::Few(few) => {
                if let Some((known, had)) = few.iter_mut().find(|(known, had)| *known == bucket || *had == 0) {
                    *known = bucket;
                    *had = had.saturating_add(calls);
                    return;
                }
                let few = *few;
                *self = Self::All(Box::new([0; BUCKETS]));
                for (bucket, calls) in few.into_iter().chain([(bucket, calls)]) {
                    self.add(bucket, calls);
                }
            }
            Self::All(all) => {
                if let Some(had) = all.get_mut(usize::from(bucket)) {
                    *had = had.saturating_add(calls);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::latency;

    #[test]
    fn a_few_buckets_and_many_hold_the_same_calls() {
        for kinds in [1, FEW, FEW + 1, BUCKETS] {
            let (mut sketch, mut exact) = (Sketch::default(), Latency::default());
            for n in 0..300_u64 {
                let us = 70 << (n % u64::try_from(kinds).unwrap()).min(17);
                sketch.count(latency::bucket(us));
                exact.record(us);
            }
            assert_eq!(sketch.latency(), exact, "{kinds}");
            assert_eq!(matches!(sketch, Sketch::Few(_)), kinds <= FEW);
        }
    }

    #[test]
    fn a_row_that_has_seen_few_durations_is_small() {
        assert!(size_of::<Sketch>() <= 40, "{}", size_of::<Sketch>());
    }
}
