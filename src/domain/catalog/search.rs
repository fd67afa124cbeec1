//! The catalogue's search: a page of cards, in order, with what else could be chosen. What the viewer may not see is in
//! neither: the query that searches decides about both.

use crate::base::error::Result;
use crate::base::id::ApiId;
use crate::domain::Ctx;
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::model::Card;
use crate::domain::catalog::search_store::{self as store, Filter};
use crate::domain::catalog::terms::{Ends, Sense, Terms, Word};
use crate::infra::db::Conn;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// How many cards a page has.
pub const PAGE: u32 = 24;
/// The last page that is shown: whoever looks further searches better.
pub const LAST_PAGE: u32 = 1000;
/// How many searches are remembered with their counts.
const REMEMBERED: usize = 500;

/// What is searched for. The default is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// As it was typed; `terms.rs` says what it may hold.
    pub text: String,
    /// Tags, of which one must be there. No choice at all means: any.
    pub tags: Vec<String>,
    /// Owners, of which it must be one.
    pub owners: Vec<String>,
    /// `api-key`, `oauth2`, `none`.
    pub schemes: Vec<String>,
    /// `public`, `private`, `restricted`.
    pub visibilities: Vec<String>,
    /// `published`, `deprecated`, `blocked`.
    pub states: Vec<String>,
    /// Only these versions, if that matters.
    pub among: Option<Vec<(ApiId, u16)>>,
    /// Whether only what can be subscribed to is wanted.
    pub openness: Openness,
    /// In which order.
    pub order: Order,
    /// From 1.
    pub page: u32,
}

/// Which cards are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Openness {
    /// All.
    #[default]
    Any,
    /// Those that take new subscriptions.
    Open,
}

/// In which order cards come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// What fits best first, by title where all fit alike.
    #[default]
    Best,
    /// What was published last first.
    Newest,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The cards of the page.
    pub cards: Vec<Card>,
    /// How many there are in all, and with each choice.
    pub counts: Arc<Counts>,
    /// Whether this is what was typed.
    pub likeness: Likeness,
}

/// Whether what was found is what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// It is.
    Exact,
    /// Nothing has these words; these have some that are written alike.
    Near,
}

/// How many cards there are, and with each choice of each filter: each counted as if its own filter were off.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Counts {
    /// Without the filters beside the list.
    pub all: i64,
    /// On all pages.
    pub total: i64,
    /// The most frequent ones, and those that are chosen.
    pub tags: Vec<(String, i64)>,
    /// The same of owners.
    pub owners: Vec<(String, i64)>,
    /// How calls authenticate.
    pub schemes: Vec<(String, i64)>,
    /// Who sees it.
    pub visibilities: Vec<(String, i64)>,
    /// Of the version that answers for the major.
    pub states: Vec<(String, i64)>,
}

/// What was counted, by search and kind of viewer, for as long as no card changes.
#[derive(Clone, Debug)]
pub struct Remembered(Arc<Cache<String, (i64, Arc<Counts>)>>);

impl Default for Remembered {
    fn default() -> Self {
        Self(Arc::new(Cache::new(REMEMBERED)))
    }
}

/// A page of what the viewer may see. Where nothing has the words, words that are written alike count too.
pub async fn find(ctx: &Ctx, remembered: &Remembered, viewer: &Viewer, search: &Search) -> Result<Found> {
    let mut conn = ctx.conn().await?;
    let terms = Terms::parse(&search.text);
    let (mut filter, likeness, counts) = counted(&mut conn, remembered, viewer, (search, &terms)).await?;
    if likeness == Likeness::Near {
        filter.phrase = None;
    }
    let page = search.page.clamp(1, LAST_PAGE);
    let window = (i64::from(PAGE), i64::from(PAGE * (page - 1)));
    let cards = store::cards(&mut conn, &filter, search.order, window).await?;
    Ok(Found { cards, counts, likeness })
}

/// The first of what the viewer may see and subscribe to, for a list that has no pages.
pub async fn first(ctx: &Ctx, viewer: &Viewer, search: &Search, most: u16) -> Result<Vec<Card>> {
    let mut conn = ctx.conn().await?;
    let terms = Terms::parse(&search.text);
    let queries = store::queries(&mut conn, &terms.words).await?;
    let filter = filter(viewer, search, &terms, tsquery(&terms.words, &queries, &[]));
    let cards = store::cards(&mut conn, &filter, search.order, (i64::from(most), 0)).await?;
    if !cards.is_empty() || terms.words.is_empty() {
        return Ok(cards);
    }
    let near = store::near(&mut conn, &near_words(&terms)).await?;
    let filter = Filter { query: tsquery(&terms.words, &queries, &near), phrase: None, ..filter };
    store::cards(&mut conn, &filter, search.order, (i64::from(most), 0)).await
}

/// What everybody may see, for lists that machines read: so many cards from a place on, by title, and how many in all.
pub async fn listed(ctx: &Ctx, remembered: &Remembered, (most, past): (u32, u32)) -> Result<(Vec<Card>, i64)> {
    let mut conn = ctx.conn().await?;
    let (search, terms) = (Search::default(), Terms::default());
    let (filter, _, counts) = counted(&mut conn, remembered, &Viewer::Visitor, (&search, &terms)).await?;
    let cards = store::cards(&mut conn, &filter, search.order, (most.into(), past.into())).await?;
    Ok((cards, counts.total))
}

/// The filter that finds something, if one does, and what it counts.
async fn counted(
    conn: &mut Conn,
    remembered: &Remembered,
    viewer: &Viewer,
    (search, terms): (&Search, &Terms),
) -> Result<(Filter, Likeness, Arc<Counts>)> {
    let revision = store::revision(conn).await?;
    let queries = store::queries(conn, &terms.words).await?;
    let exact = filter(viewer, search, terms, tsquery(&terms.words, &queries, &[]));
    let counts = count(conn, remembered, revision, &exact).await?;
    let typed = near_words(terms);
    if counts.all > 0 || typed.iter().all(String::is_empty) {
        return Ok((exact, Likeness::Exact, counts));
    }
    let near = store::near(conn, &typed).await?;
    let alike = Filter { query: tsquery(&terms.words, &queries, &near), ..exact.clone() };
    let counts_alike = count(conn, remembered, revision, &alike).await?;
    if counts_alike.all > 0 {
        return Ok((alike, Likeness::Near, counts_alike));
    }
    Ok((exact, Likeness::Exact, counts))
}

async fn count(conn: &mut Conn, remembered: &Remembered, revision: i64, filter: &Filter) -> Result<Arc<Counts>> {
    let key = serde_json::to_string(filter).map_err(crate::base::error::Error::internal)?;
    if let Some((then, counts)) = remembered.0.get(&key)
        && then == revision
    {
        return Ok(counts);
    }
    let counts = Arc::new(store::counts(conn, filter).await?);
    remembered.0.insert(key, (revision, Arc::clone(&counts)));
    Ok(counts)
}

/// For each word, what to look for neighbours of; empty where there is nothing to forgive.
fn near_words(terms: &Terms) -> Vec<String> {
    let near = |word: &Word| match (word.text.as_slice(), word.ends, word.sense) {
        ([one], Ends::Anywhere, Sense::With) if one.chars().count() > 2 => one.clone(),
        _ => String::new(),
    };
    terms.words.iter().map(near).collect()
}

/// All words at once, as Postgres reads a text search: each with its neighbours. The words hold no punctuation, so
/// quoting them is enough. None: there are no words.
fn tsquery(words: &[Word], queries: &[String], near: &[Vec<String>]) -> Option<String> {
    let part = |(number, word): (usize, &Word)| {
        let weight = word.part.weight();
        let lexeme = |text: &String| format!("'{text}':{weight}");
        let found = match word.ends {
            Ends::Here => word.text.iter().map(lexeme).collect::<Vec<_>>().join(" <-> "),
            Ends::Anywhere => queries.get(number).cloned().unwrap_or_default(),
        };
        let neighbours = near.get(number).into_iter().flatten();
        let all: Vec<String> =
            std::iter::once(found).filter(|one| !one.is_empty()).chain(neighbours.map(lexeme)).collect();
        let minus = if word.sense == Sense::Without { "!" } else { "" };
        (!all.is_empty()).then(|| format!("{minus}({})", all.join(" | ")))
    };
    let parts: Vec<String> = words.iter().enumerate().filter_map(part).collect();
    (!parts.is_empty()).then(|| parts.join(" & "))
}

fn filter(viewer: &Viewer, search: &Search, terms: &Terms, query: Option<String>) -> Filter {
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let wanted: Vec<&str> =
        terms.words.iter().filter(|w| w.sense == Sense::With).flat_map(|w| w.text.iter().map(String::as_str)).collect();
    Filter {
        signed_in: viewer.is_signed_in(),
        roles: viewer.roles().to_vec(),
        query,
        phrase: (!wanted.is_empty()).then(|| wanted.join(" ")),
        title_like: (!wanted.is_empty()).then(|| wanted.iter().map(|word| format!("%{word}%")).collect()),
        all_tags: some(&terms.all_tags),
        some_tags: some(&terms.some_tags),
        no_tags: some(&terms.no_tags),
        owner_like: (!terms.owners.is_empty()).then(|| terms.owners.iter().map(|owner| pattern(owner)).collect()),
        majors: (!terms.majors.is_empty()).then(|| terms.majors.clone()),
        versions: some(&terms.versions),
        schemes: some(&terms.schemes),
        visibilities: some(&terms.visibilities),
        states: some(&terms.states),
        among: search.among.as_ref().map(|all| all.iter().map(|(api, major)| format!("{api}.{major}")).collect()),
        only_open: search.openness == Openness::Open,
        in_tags: some(&search.tags),
        in_owners: some(&search.owners),
        in_schemes: some(&search.schemes),
        in_visibilities: some(&search.visibilities),
        in_states: some(&search.states),
    }
}

/// The `like` pattern that finds a text anywhere, with what the pattern language means by `%` and `_` taken away.
pub(super) fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_one_query_that_nothing_typed_can_leave() {
        let query = |text: &str, near: &[Vec<String>]| {
            let terms = Terms::parse(text);
            let queries: Vec<String> =
                terms.words.iter().map(|w| format!("'{}':*{}", w.text[0], w.part.weight())).collect();
            tsquery(&terms.words, &queries, near).unwrap_or_default()
        };
        assert_eq!(query("pets -beta", &[]), "('pets':*) & !('beta':*)");
        assert_eq!(query("operation:\"list pets\"", &[]), "('list':C <-> 'pets':C)");
        assert_eq!(query("payd name:x", &[vec!["paid".into()], vec![]]), "('payd':* | 'paid':) & ('x':*A)");
        assert_eq!(query("' | !a & (b) \\' :*", &[]), "('a':*) & ('b':*)");
        assert_eq!(query("", &[]), "");
    }

    #[test]
    fn an_owner_is_never_a_pattern() {
        assert_eq!(pattern("pets"), "%pets%");
        assert_eq!(pattern("100%_\\"), "%100\\%\\_\\\\%");
    }
}
