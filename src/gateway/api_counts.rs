//! How often each API was called, for the metrics. The numbers are taken from the tallies on their way out, so that no
//! call pays for them; they are as old as the last flush.

use crate::base::id::ApiId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// APIs that are told apart; the calls of all others count as those of `_other`, which is no name of an API.
const TOLD_APART: usize = 500;

/// Calls by the first digit of the status.
pub(super) type ByStatus = [u64; 6];

/// The numbers of all APIs.
#[derive(Default)]
pub(super) struct ApiCounts(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    apis: HashMap<ApiId, (Arc<str>, ByStatus)>,
    other: ByStatus,
}

impl ApiCounts {
    /// So many calls of an API more, which has this name now.
    pub(super) fn add(&self, api: ApiId, name: Option<&Arc<str>>, status_class: u8, requests: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counts { apis, other } = &mut *counts;
        let is_full = apis.len() >= TOLD_APART;
        let row = match apis.get_mut(&api) {
            Some((known, row)) => {
                if let Some(name) = name {
                    known.clone_from(name);
                }
                row
            }
            None => match name.filter(|_| !is_full) {
                Some(name) => &mut apis.entry(api).or_insert_with(|| (Arc::clone(name), ByStatus::default())).1,
                None => other,
            },
        };
        if let Some(number) = row.get_mut(usize::from(status_class)) {
            *number = number.saturating_add(requests);
        }
    }

    /// By name; the last one is `_other`.
    pub(super) fn all(&self) -> Vec<(Arc<str>, ByStatus)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = counts.apis.values().cloned().collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        // Two APIs that had one name after the other would be one series twice.
        all.dedup_by(|(name, more), (kept, row)| {
            let same = name == kept;
            if same {
                row.iter_mut().zip(more).for_each(|(number, more)| *number += *more);
            }
            same
        });
        all.push(("_other".into(), counts.other));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn beyond_the_bound_apis_are_other_and_one_name_is_one_series() {
        let counts = ApiCounts::default();
        let api = |n: usize| ApiId(Uuid::from_u128(u128::try_from(n).unwrap()));
        let name = |text: &str| -> Arc<str> { text.into() };
        for n in 0..TOLD_APART + 10 {
            counts.add(api(n), Some(&name(&format!("api-{n:04}"))), 2, 1);
        }
        counts.add(api(0), Some(&name("api-0001")), 2, 5);
        counts.add(api(90_000), None, 4, 3);
        let all = counts.all();
        assert_eq!(all.len(), TOLD_APART);
        assert_eq!(all.last(), Some(&(name("_other"), [0, 0, 10, 0, 3, 0])));
        assert_eq!(all.first(), Some(&(name("api-0001"), [0, 0, 7, 0, 0, 0])));
    }
}
