//! The catalogue page: search, filters with counts, and a card for each API and major version.

use crate::base::id::ApiId;
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::model::Card;
use crate::domain::catalog::search::{self, Likeness};
use crate::domain::subscriptions::coverage;
use crate::web::catalog::frame;
use crate::web::catalog::narrowing::{Asked, Chip, Group};
use crate::web::error::Result;
use crate::web::filters;
use crate::web::page::{self, Shell};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::CurrentViewer;
use askama::Template;
use axum::extract::{Query, State};
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "catalog/index.html")]
struct IndexPage {
    shell: Shell,
    asked: Asked,
    groups: Vec<Group>,
    chips: Vec<Chip>,
    cards: Vec<CardView>,
    total: i64,
    likeness: Likeness,
}

/// One major version of an API.
struct CardView {
    card: Card,
    url: String,
    /// How calls authenticate: `API key`, `OAuth 2.0`.
    schemes: Vec<&'static str>,
    /// `Storefront`, `Storefront and 2 more`: the viewer's applications that are subscribed; empty: none.
    subscribed: String,
}

impl CardView {
    fn new(card: Card, subscribed: &BTreeMap<(ApiId, u16), Vec<String>>) -> Self {
        let schemes = [(card.takes_api_key, "API key"), (card.takes_bearer, "OAuth 2.0")];
        let names = subscribed.get(&(card.api, card.version.major)).map_or(&[][..], Vec::as_slice);
        Self {
            url: urls::api(&card.name, card.version.major),
            schemes: schemes.into_iter().filter(|(takes, _)| *takes).map(|(_, name)| name).collect(),
            subscribed: match names {
                [] => String::new(),
                [only] => only.clone(),
                [first, others @ ..] => format!("{first} and {} more", others.len()),
            },
            card,
        }
    }

    fn tile(&self) -> &'static str {
        frame::tile(&self.card.name)
    }

    fn letter(&self) -> String {
        frame::letter(&self.card.title)
    }

    fn visibility(&self) -> &'static str {
        frame::visibility(self.card.visibility)
    }

    /// `Deprecated` or `Blocked`; else empty.
    fn state(&self) -> &'static str {
        if self.card.is_open { "" } else { frame::state_words(self.card.state).0 }
    }

    /// The other minors that can be called: `1.0`.
    fn others(&self) -> String {
        self.card.versions.iter().skip(1).take(3).cloned().collect::<Vec<_>>().join(", ")
    }
}

impl IndexPage {
    fn is_narrowed(&self) -> bool {
        !self.asked.text.is_empty() || !self.chips.is_empty()
    }

    fn is_near(&self) -> bool {
        self.likeness == Likeness::Near
    }

    fn heads() -> &'static [&'static str] {
        &["API", "Version", "Owner", "Sign requests with", "Visible to", "Status"]
    }

    fn heading(&self) -> String {
        crate::web::words::counted(self.total, "API version")
    }

    fn nothing_found(&self) -> String {
        if self.asked.text.is_empty() {
            "Nothing matches".to_owned()
        } else {
            format!("Nothing matches “{}”", self.asked.text)
        }
    }

    fn filters_on(&self) -> String {
        match self.chips.as_slice() {
            [] => "Try fewer words, or a part of a name.".to_owned(),
            [one] => format!("One filter is on: {}.", one.label),
            all => format!("{} filters are on.", all.len()),
        }
    }

    /// `1–24 of 112`; empty on a list of one page.
    fn summary(&self) -> String {
        let page = i64::from(search::PAGE);
        let before = (i64::from(self.asked.page) - 1) * page;
        let shown = i64::try_from(self.cards.len()).unwrap_or(page);
        if self.total <= page || shown == 0 {
            return String::new();
        }
        let [first, last, total] = [before + 1, before + shown, self.total].map(filters::grouped);
        format!("{first}–{last} of {total}")
    }

    fn previous(&self) -> String {
        if self.asked.page > 1 { self.asked.url_of_page(self.asked.page - 1) } else { String::new() }
    }

    fn next(&self) -> String {
        let is_last = i64::from(self.asked.page) * i64::from(search::PAGE) >= self.total;
        if is_last || self.asked.page >= search::LAST_PAGE {
            String::new()
        } else {
            self.asked.url_of_page(self.asked.page + 1)
        }
    }
}

/// The list.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    Query(pairs): Query<Vec<(String, String)>>,
    shell: Shell,
) -> Result {
    let asked = Asked::read(pairs);
    let mut wanted = asked.search();
    if let (true, Viewer::Member(member)) = (asked.mine, &viewer) {
        wanted.among = Some(coverage::versions(&state.ctx, member).await?);
    }
    let found = search::find(&state.ctx, &state.remembered, &viewer, &wanted).await?;
    let mut subscribed: BTreeMap<(ApiId, u16), Vec<String>> = BTreeMap::new();
    if let Viewer::Member(member) = &viewer {
        let apis: Vec<ApiId> = found.cards.iter().map(|card| card.api).collect();
        for (api, major, application) in coverage::applications(&state.ctx, member, &apis).await? {
            subscribed.entry((api, major)).or_default().push(application);
        }
    }
    page::show(&IndexPage {
        groups: asked.groups(&found.counts),
        chips: asked.chips(),
        cards: found.cards.into_iter().map(|card| CardView::new(card, &subscribed)).collect(),
        total: found.counts.total,
        likeness: found.likeness,
        shell,
        asked,
    })
}
