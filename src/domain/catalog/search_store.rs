//! SQL of the search. The functions that it calls stand in the migration of the cards.

use crate::base::error::{Error, Result};
use crate::base::id::ApiId;
use crate::base::version::{Version, VersionState};
use crate::domain::catalog::model::{Card, Visibility};
use crate::domain::catalog::search::{Counts, Order};
use crate::domain::catalog::terms::{Ends, Word};
use crate::infra::db::Conn;
use sqlx::types::Json;

/// How many neighbours of a word count.
const NEIGHBOURS: i64 = 12;

/// `card_filter` in the database: what is none asks for nothing.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Filter {
    pub(super) signed_in: bool,
    pub(super) roles: Vec<String>,
    pub(super) query: Option<String>,
    pub(super) phrase: Option<String>,
    pub(super) title_like: Option<Vec<String>>,
    pub(super) all_tags: Option<Vec<String>>,
    pub(super) some_tags: Option<Vec<String>>,
    pub(super) no_tags: Option<Vec<String>>,
    pub(super) owner_like: Option<Vec<String>>,
    pub(super) majors: Option<Vec<u16>>,
    pub(super) versions: Option<Vec<String>>,
    pub(super) schemes: Option<Vec<String>>,
    pub(super) visibilities: Option<Vec<String>>,
    pub(super) states: Option<Vec<String>>,
    pub(super) among: Option<Vec<String>>,
    pub(super) only_open: bool,
    pub(super) in_tags: Option<Vec<String>>,
    pub(super) in_owners: Option<Vec<String>>,
    pub(super) in_schemes: Option<Vec<String>>,
    pub(super) in_visibilities: Option<Vec<String>>,
    pub(super) in_states: Option<Vec<String>>,
}

/// Moves with every card that changes.
pub(super) async fn revision(conn: &mut Conn) -> Result<i64> {
    Ok(sqlx::query_scalar!("select revision from catalogue_revision").fetch_one(conn).await?)
}

/// How each word is looked for; empty for those that stood in quotes.
pub(super) async fn queries(conn: &mut Conn, words: &[Word]) -> Result<Vec<String>> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let single = |word: &Word| match word.ends {
        Ends::Anywhere => word.text.concat(),
        Ends::Here => String::new(),
    };
    let texts: Vec<String> = words.iter().map(single).collect();
    let weights: Vec<String> = words.iter().map(|word| word.part.weight().to_owned()).collect();
    let queries = sqlx::query_scalar!(
        r#"select case when w.word = '' then '' else word_query(w.word, w.weight)::text end as "query!"
           from unnest($1::text[], $2::text[]) with ordinality as w(word, weight, place)
           order by w.place"#,
        &texts,
        &weights,
    )
    .fetch_all(conn)
    .await?;
    Ok(queries)
}

/// Words of the catalogue that are written much like these, by place; none for an empty one.
pub(super) async fn near(conn: &mut Conn, words: &[String]) -> Result<Vec<Vec<String>>> {
    let mut near = Vec::new();
    for word in words {
        if word.is_empty() {
            near.push(Vec::new());
            continue;
        }
        // Those that are nearly as like as the one that is most like; two letters in the wrong order are most like.
        let neighbours = sqlx::query_scalar!(
            r#"select n.word
               from (
                   select l.word, l.likeness, max(l.likeness) over () as most
                   from (
                       select s.word, case when s.word = any ($3) then 1 else similarity(s.word, $1) end as likeness
                       from search_words s
                       where s.word % $1 or s.word = any ($3)
                   ) l
               ) n
               where n.likeness > n.most - 0.1
               order by n.likeness desc, n.word
               limit $2"#,
            word,
            NEIGHBOURS,
            &swapped(word),
        )
        .fetch_all(&mut *conn)
        .await?;
        near.push(neighbours);
    }
    Ok(near)
}

/// The word with each two letters that stand side by side the other way round.
fn swapped(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let turn = |at: usize| {
        let mut turned = letters.clone();
        turned.swap(at, at + 1);
        turned.into_iter().collect()
    };
    (0..letters.len().saturating_sub(1)).map(turn).collect()
}

/// How many cards there are, and with each choice.
pub(super) async fn counts(conn: &mut Conn, filter: &Filter) -> Result<Counts> {
    let counts =
        sqlx::query_scalar!(r#"select count_cards($1) as "counts!""#, Json(filter) as _).fetch_one(conn).await?;
    serde_json::from_value(counts).map_err(Error::internal)
}

/// So many cards from a place on, in order.
pub(super) async fn cards(
    conn: &mut Conn,
    filter: &Filter,
    order: Order,
    (most, past): (i64, i64),
) -> Result<Vec<Card>> {
    let rows = sqlx::query!(
        r#"select c.api_id, c.major, c.minor, c.state as "state: VersionState", c.is_open, c.versions, a.name, a.title,
               a.summary, a.owner, a.tags, a.context, a.visibility as "visibility: Visibility", a.takes_api_key,
               a.takes_bearer,
               exists (
                   select
                   from api_versions v
                   join endpoints e on e.api_version_id = v.id
                   join api_definitions d on d.endpoint_id = e.id
                   where v.api_id = c.api_id and v.major = c.major and v.minor = c.minor) as "is_described!"
           from search_cards($1, $2, $3, $4) with ordinality as f(api_id, major, place)
           join api_cards c on c.api_id = f.api_id and c.major = f.major
           join apis a on a.id = f.api_id
           order by f.place"#,
        Json(filter) as _,
        order == Order::Newest,
        i32::try_from(most).unwrap_or(i32::MAX),
        i32::try_from(past).unwrap_or(i32::MAX),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Card {
            api: ApiId(row.api_id),
            name: row.name,
            title: row.title,
            summary: row.summary,
            owner: row.owner,
            tags: row.tags,
            context: row.context,
            visibility: row.visibility,
            takes_api_key: row.takes_api_key,
            takes_bearer: row.takes_bearer,
            version: Version::from_columns(row.major, row.minor),
            versions: row.versions,
            state: row.state,
            is_open: row.is_open,
            is_described: row.is_described,
        })
        .collect())
}
