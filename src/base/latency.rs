//! How long calls took, as a sketch: small, mergeable, and good for percentiles within a twelfth of the true value.

/// Pieces that each power of two is cut into.
const PIECES: u32 = 6;
/// Below 2⁶ = 64 µs there is one bucket only.
const LEAST: u32 = 6;
/// From 2²⁵ µs (33 seconds) on there is one bucket only.
const MOST: u32 = 25;
/// How many buckets there are; each is below 256.
pub const BUCKETS: usize = 116;

/// Calls by how long they took. Only buckets with calls in them are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Bucket and calls, in order of the buckets.
    counts: Vec<(u8, u64)>,
}

/// The bucket of a duration in microseconds.
pub fn bucket(us: u64) -> u8 {
    let power = us.max(1).ilog2();
    let bucket = match power {
        0..LEAST => 0,
        LEAST..MOST => {
            let piece = ((us - (1 << power)) * u64::from(PIECES)) >> power;
            1 + (power - LEAST) * PIECES + u32::try_from(piece).unwrap_or(0)
        }
        _ => 1 + (MOST - LEAST) * PIECES,
    };
    u8::try_from(bucket).unwrap_or(u8::MAX)
}

/// The duration, in microseconds, that stands for all of a bucket: its middle; its lower end for the last.
fn middle(bucket: u8) -> u64 {
    let Some(place) = u32::from(bucket).checked_sub(1) else {
        return 1 << (LEAST - 1);
    };
    let power = (LEAST + place / PIECES).min(MOST);
    if power == MOST {
        return 1 << MOST;
    }
    let low = 1 << power;
    low + low * (2 * u64::from(place % PIECES) + 1) / (2 * u64::from(PIECES))
}

impl Latency {
    /// From buckets and the calls in each, in any order.
    pub fn from_buckets(buckets: impl IntoIterator<Item = (u8, u32)>) -> Self {
        let mut latency = Self::default();
        buckets.into_iter().for_each(|(bucket, calls)| latency.count(bucket, u64::from(calls)));
        latency
    }

    /// Adds one call of so many microseconds.
    pub fn record(&mut self, us: u64) {
        self.count(bucket(us), 1);
    }

    /// Adds the calls of `other`.
    pub fn add(&mut self, other: &Self) {
        for (bucket, calls) in &other.counts {
            self.count(*bucket, *calls);
        }
    }

    fn count(&mut self, bucket: u8, calls: u64) {
        match self.counts.binary_search_by_key(&bucket, |(known, _)| *known) {
            Ok(at) => {
                if let Some((_, sum)) = self.counts.get_mut(at) {
                    *sum += calls;
                }
            }
            Err(at) => self.counts.insert(at, (bucket, calls)),
        }
    }

    /// As the database keeps it: 256 × calls + bucket.
    pub fn to_column(&self) -> Vec<i64> {
        let element = |(bucket, calls): &(u8, u64)| {
            let calls = i64::try_from(*calls).unwrap_or(i64::MAX).min(i64::MAX >> 8);
            (calls << 8) | i64::from(*bucket)
        };
        self.counts.iter().map(element).collect()
    }

    /// From what the database keeps; what is no element of a latency does not count.
    pub fn from_column(column: &[i64]) -> Self {
        let mut latency = Self::default();
        for element in column {
            if let (Ok(bucket), Ok(calls)) = (u8::try_from(element & 255), u64::try_from(element >> 8)) {
                latency.count(bucket, calls);
            }
        }
        latency
    }

    /// How many calls there are.
    pub fn calls(&self) -> u64 {
        self.counts.iter().map(|(_, calls)| calls).sum()
    }

    /// The duration, in microseconds, that so many of a hundred calls did not exceed; nothing without a call. Within a
    /// twelfth of the true value between 64 µs and 33 s; longer ones count as 33 s.
    pub fn percentile(&self, percent: u8) -> Option<u64> {
        // The smallest rank that is at least that share of all, and at least one.
        let rank = (u128::from(self.calls()) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut seen = 0_u128;
        self.counts.iter().find_map(|(bucket, calls)| {
            seen += u128::from(*calls);
            (seen >= rank).then(|| middle(*bucket))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn buckets_follow_one_another_without_a_gap() {
        let mut last = 0;
        for us in 0..200_000 {
            let bucket = bucket(us);
            assert!(bucket == last || bucket == last + 1, "{us}");
            last = bucket;
        }
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(63), 0);
        assert_eq!(bucket(64), 1);
        assert_eq!(usize::from(bucket((1 << 25) - 1)), BUCKETS - 2);
        assert_eq!(usize::from(bucket(1 << 25)), BUCKETS - 1);
        assert_eq!(usize::from(bucket(u64::MAX)), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_within_a_twelfth_of_the_exact_ones() {
        let random = Random::seeded(3);
        // Durations of every size: as many between 100 and 200 µs as between 10 and 20 s.
        let mut exact: Vec<u64> = (0..5000)
            .map(|_| {
                let [size, a, b, c] = random.bytes::<4>();
                let size = 6 + u32::from(size) % 19;
                (1 << size) + (u64::from(u32::from_be_bytes([0, a, b, c])) << size >> 24)
            })
            .collect();
        let (mut one, mut other) = (Latency::default(), Latency::default());
        for (at, us) in exact.iter().enumerate() {
            if at % 3 == 0 { one.record(*us) } else { other.record(*us) }
        }
        one.add(&other);
        assert_eq!(one.calls(), 5000);
        exact.sort_unstable();
        for percent in [0, 1, 10, 50, 75, 90, 95, 99, 100] {
            let rank = (exact.len() * usize::from(percent)).div_ceil(100).max(1);
            let (wanted, found) = (exact[rank - 1], one.percentile(percent).unwrap());
            assert!(wanted.abs_diff(found) * 12 <= wanted + 12, "{percent}: {found} instead of {wanted}");
        }
        assert_eq!(Latency::default().percentile(50), None);
    }

    #[test]
    fn a_column_holds_all_of_it() {
        let mut latency = Latency::default();
        for us in [1, 70, 70, 1500, 1_000_000, u64::MAX] {
            latency.record(us);
        }
        let column = latency.to_column();
        assert_eq!(column.len(), 5);
        assert_eq!(Latency::from_column(&column), latency);
        assert_eq!(Latency::from_column(&[-1, -300]).calls(), 0);
        let buckets = [u64::MAX, 70, 1, 1500, 70, 1_000_000].map(|us| (bucket(us), 1));
        assert_eq!(Latency::from_buckets(buckets), latency);
    }
}
