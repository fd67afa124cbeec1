//! A page of a list of API keys, with its search: what the lists of an API and of an application have in common.

use crate::domain::credentials::key_lists::{Keys, Wanted};
use crate::web::credentials::key_row::{KeyRow, List};
use time::OffsetDateTime;

/// What of a list is asked for, as it stands in a URL.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: String,
}

impl Asked {
    /// The part of the list. What is no page is the first one.
    pub fn wanted(&self) -> Wanted {
        Wanted { text: self.q.clone(), page: self.page.parse().unwrap_or(1) }
    }
}

/// For `credentials/_key_search.html` and `credentials/_key_pages.html`.
pub struct Listing {
    /// Where the list is.
    pub url: String,
    /// What was searched for.
    pub q: String,
    /// Whether there is enough to search in.
    pub is_long: bool,
    /// Which page this is; empty where there is only one.
    pub pages: String,
    /// The page before; empty where there is none.
    pub previous: String,
    /// The page after; empty where there is none.
    pub next: String,
    /// What ought to be read now.
    pub warnings: Vec<String>,
}

/// Rows, and what stands around them.
pub fn listing(keys: Keys, asked: &Asked, url: String, list: List, now: OffsetDateTime) -> (Vec<KeyRow>, Listing) {
    let page = |number: u16| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !asked.q.is_empty() {
            query.append_pair("q", &asked.q);
        }
        format!("{url}?{}", query.append_pair("page", &number.to_string()).finish())
    };
    let is_paged = keys.page > 1 || keys.has_more;
    let previous = if keys.page > 1 { page(keys.page - 1) } else { String::new() };
    let next = if keys.has_more { page(keys.page.saturating_add(1)) } else { String::new() };
    let rows: Vec<KeyRow> = keys.keys.into_iter().map(|key| KeyRow::new(key, list, now)).collect();
    let listing = Listing {
        is_long: is_paged || !asked.q.is_empty() || rows.len() > 10,
        pages: if is_paged { format!("Page {}", keys.page) } else { String::new() },
        previous,
        next,
        warnings: rows.iter().filter(|row| !row.warning.is_empty()).map(|row| row.warning.clone()).collect(),
        q: asked.q.clone(),
        url,
    };
    (rows, listing)
}
