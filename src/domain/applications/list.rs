//! My Applications: own ones and shared ones, searched, sorted, page by page.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::applications::model::Reached;
use crate::domain::applications::store;

/// Applications of one page.
pub const SHOWN: u32 = 25;
/// Pages beyond this one are empty: nobody leafs that far, and counting so many costs.
pub const LAST_PAGE: u32 = 10_000;
/// Characters of a search that count.
const LONGEST: usize = 100;

/// How the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name.
    #[default]
    Name,
    /// The latest first.
    Newest,
    /// The oldest first.
    Oldest,
    /// The one with the most subscriptions first.
    Subscriptions,
}

impl Sort {
    /// All of them, in the order of the form.
    pub const ALL: [Self; 4] = [Self::Name, Self::Newest, Self::Oldest, Self::Subscriptions];

    /// As in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Subscriptions => "subscriptions",
        }
    }

    /// From a URL; what it does not know sorts by name.
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|sort| sort.as_str() == text).unwrap_or_default()
    }
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// A part of the name; empty: all.
    pub text: String,
    /// The order.
    pub sort: Sort,
    /// The page, from 1.
    pub page: u32,
}

/// One page of the list.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its applications.
    pub applications: Vec<Reached>,
    /// How many match, on all pages.
    pub found: i64,
}

/// The applications that the member reaches and whose names have these words.
pub async fn search(ctx: &Ctx, member: &Member, search: &Search) -> Result<Page> {
    let text: String = search.text.trim().chars().take(LONGEST).collect();
    let pattern = format!("%{}%", text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    let first = search.page.clamp(1, LAST_PAGE) - 1;
    let range = (i64::from(first) * i64::from(SHOWN), i64::from(SHOWN));
    let (applications, found) =
        store::search(&mut *ctx.conn().await?, member, &pattern, search.sort.as_str(), range).await?;
    Ok(Page { applications, found })
}
