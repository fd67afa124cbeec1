//! The way through the reference: its tags, and the operations beside the one that is shown.

use crate::domain::catalog::reference::{self, Listed, Tag};
use crate::web::catalog::reference::overview::{UNTAGGED, tag_title};
use crate::web::catalog::reference::place::Place;
use crate::web::error::Result;
use crate::web::state::PortalState;
use crate::web::urls;

/// How many operations before and after the one that is shown are listed, and how many tags.
const BESIDE: usize = 12;
const MOST_TAGS: usize = 60;

/// For the navigation at the side.
pub(crate) struct Nav {
    /// How many operations there are.
    pub(crate) all: i64,
    /// By tag.
    pub(crate) groups: Vec<Group>,
    /// How many more tags there are.
    pub(crate) more: usize,
    /// The operation before the one that is shown, and the one after it.
    pub(crate) before: Option<Item>,
    pub(crate) after: Option<Item>,
}

/// A tag.
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) count: i64,
    pub(crate) is_here: bool,
    /// Its operations around the one that is shown.
    pub(crate) items: Vec<Item>,
    /// How many it has beyond those.
    pub(crate) more: usize,
}

/// An operation.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) method: String,
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) is_here: bool,
}

impl Nav {
    /// Around an operation with that first tag.
    pub(crate) async fn load(state: &PortalState, place: &Place, here: (&str, &str)) -> Result<Self> {
        let (tag, slug) = here;
        let tags = reference::tags(&state.ctx, place.endpoint.id).await?;
        let beside = reference::neighbours(&state.ctx, place.endpoint.id, tag).await?;
        let at = beside.iter().position(|listed| listed.slug == slug).unwrap_or(0);
        let item = |listed: &Listed| item(place, listed, slug);
        let from = at.saturating_sub(BESIDE);
        let items: Vec<Item> = beside.iter().skip(from).take(2 * BESIDE + 1).map(item).collect();
        let (before, after) = (at.checked_sub(1).and_then(|at| beside.get(at)), beside.get(at + 1));
        let all = tags.iter().map(|tag| tag.operations).sum();
        // The one that is shown is listed, however many there are.
        let mut shown: Vec<&Tag> = tags.iter().take(MOST_TAGS).collect();
        if !shown.iter().any(|shown| shown.name == tag) {
            shown.extend(tags.iter().find(|known| known.name == tag));
        }
        let more = tags.len() - shown.len();
        let group = |known: &Tag| {
            let is_here = known.name == tag;
            let items = if is_here { items.clone() } else { Vec::new() };
            Group {
                title: tag_title(&known.name, tags.len()),
                url: tag_url(place, &known.name),
                count: known.operations,
                more: if is_here { beside.len() - items.len() } else { 0 },
                is_here,
                items,
            }
        };
        Ok(Self {
            all,
            groups: shown.into_iter().map(group).collect(),
            more,
            before: before.map(item),
            after: after.map(item),
        })
    }
}

/// The list of operations with that first tag.
pub(crate) fn tag_url(place: &Place, tag: &str) -> String {
    urls::with_query(&place.url(), &[("tag", if tag.is_empty() { UNTAGGED } else { tag })])
}

fn item(place: &Place, listed: &Listed, slug: &str) -> Item {
    Item {
        method: listed.method.clone(),
        title: title(&listed.summary, &listed.path),
        url: place.operation_url(&listed.slug),
        is_here: listed.slug == slug,
    }
}

/// What an operation is called: its summary, or its path where it has none.
pub(crate) fn title(summary: &str, path: &str) -> String {
    if summary.is_empty() { path.to_owned() } else { summary.to_owned() }
}
