//! What the `OpenAPI` files of all endpoints list, kept from one route table to the next: a definition is read once.

use crate::gateway::listing::{Listing, OperationId};
use crate::gateway::operations::{Operations, Shared};
use crate::gateway::store::{OperationRow, RouteRow};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A definition that is no longer in the route table can still be named for so long: by calls that began before.
const KEPT: Duration = Duration::from_mins(10);

/// What an endpoint's definition lists.
#[derive(Clone)]
pub(super) struct Definition {
    /// Its operations.
    pub(super) listing: Arc<Listing>,
    /// Which scopes access tokens need for them; nothing if none needs any.
    pub(super) operations: Option<Arc<Operations>>,
}

/// All of them. Whoever reads the route table writes here, and whoever hands on usage reads: no request does either.
#[derive(Default)]
pub(super) struct Definitions(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// By mark and by the path of the endpoint.
    current: HashMap<Uuid, (Box<str>, Definition)>,
    /// By number, with the moment at which it was replaced.
    listings: HashMap<u32, (Arc<Listing>, Option<Instant>)>,
    next: u32,
}

impl Definitions {
    /// Which definitions of these routes are not known yet.
    pub(super) fn unknown(&self, routes: &[RouteRow]) -> Vec<Uuid> {
        let known = self.known();
        let is_known = |row: &&RouteRow| row.definition.is_some_and(|mark| known.get(mark, row).is_some());
        let unknown: HashSet<Uuid> =
            routes.iter().filter(|row| !is_known(row)).filter_map(|row| row.definition).collect();
        unknown.into_iter().collect()
    }

    /// Keeps those of these routes, of which `operations` are the unknown ones, and forgets others.
    pub(super) fn learn(&self, routes: &[RouteRow], operations: Vec<OperationRow>, now: Instant) {
        let mut listed: HashMap<Uuid, Vec<(String, String, Vec<String>)>> = HashMap::new();
        for row in operations {
            listed.entry(row.definition).or_default().push((row.method, row.path, row.scopes));
        }
        let mut shared = Shared::default();
        let mut known = self.known();
        let mut before = std::mem::take(&mut known.current);
        for row in routes {
            let (Some(mark), Some(path)) = (row.definition, &row.path) else { continue };
            if known.current.contains_key(&mark) {
                continue;
            }
            let kept = before.remove(&mark).filter(|(at, _)| **at == **path);
            let definition = match kept {
                Some((_, definition)) => Some(definition),
                None => known.define(path, listed.remove(&mark).unwrap_or_default(), &mut shared),
            };
            if let Some(definition) = definition {
                known.current.insert(mark, (path.as_str().into(), definition));
            }
        }
        known.retire(now);
    }

    /// The definition of an endpoint.
    pub(super) fn of(&self, row: &RouteRow) -> Option<Definition> {
        self.known().get(row.definition?, row).cloned()
    }

    /// How usage names an operation; nothing if its definition went long ago.
    pub(super) fn label(&self, id: OperationId) -> Option<String> {
        let known = self.known();
        let (listing, _) = known.listings.get(&id.listing)?;
        listing.label(id.place)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn get(&self, mark: Uuid, row: &RouteRow) -> Option<&Definition> {
        self.current.get(&mark).filter(|(path, _)| Some(&**path) == row.path.as_deref()).map(|(_, found)| found)
    }

    fn define(
        &mut self,
        endpoint: &str,
        listed: Vec<(String, String, Vec<String>)>,
        shared: &mut Shared,
    ) -> Option<Definition> {
        self.next = self.next.checked_add(1)?;
        let operations = listed.iter().map(|(method, path, _)| (&**method, &**path));
        let listing = Arc::new(Listing::new(self.next, endpoint, operations)?);
        self.listings.insert(self.next, (Arc::clone(&listing), None));
        Some(Definition { listing, operations: Operations::new(listed, shared).map(Arc::new) })
    }

    fn retire(&mut self, now: Instant) {
        let current: HashSet<u32> = self.current.values().map(|(_, found)| found.listing.number()).collect();
        self.listings.retain(|number, (_, replaced)| {
            if current.contains(number) {
                *replaced = None;
                return true;
            }
            now.saturating_duration_since(*replaced.get_or_insert(now)) < KEPT
        });
    }
}
