//! The catalogue for programs: `/llms.txt`, `/apis.md` and the API catalogue of RFC 9727. They hold what everybody may
//! see, whoever asks: a program keeps what it reads, and others read it there.

use crate::base::environment::Environment;
use crate::domain::catalog::model::Card;
use crate::domain::catalog::search;
use crate::web::error::Result;
use crate::web::state::PortalState;
use crate::web::urls;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LINK};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How many APIs a list has on one page.
const PAGE: u32 = 200;
/// How many `llms.txt` names; `apis.md` has all.
const FEW: u32 = 100;
/// RFC 9727 §4.2: the profile says that this linkset is a catalogue of APIs.
const LINKSET: &str = "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\"";
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// Which page.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    page: String,
}

impl Asked {
    fn page(&self) -> u32 {
        self.page.parse().unwrap_or(1).clamp(1, search::LAST_PAGE)
    }
}

/// `/llms.txt`: what this is, and the first APIs.
pub async fn llms(State(state): State<PortalState>) -> Result {
    let (cards, total) = search::listed(&state.ctx, &state.remembered, (FEW, 0)).await?;
    let portal = &state.urls.portal;
    let mut text = format!(
        "# {brand}\n\n> A portal of APIs: their reference, and the credentials to call them.\n\n\
         Calls go to {production} (production) and {sandbox} (sandbox). Each API says whether it takes an API key or an \
         OAuth 2.0 access token.\n\n## APIs\n\n",
        brand = line(&state.brand),
        production = state.urls.gateway(Environment::Production),
        sandbox = state.urls.gateway(Environment::Sandbox),
    );
    for card in &cards {
        entry(&mut text, portal, card);
    }
    if cards.is_empty() {
        text.push_str("There is none that everybody may see.\n");
    }
    if total > i64::from(FEW) {
        _ = writeln!(text, "- [All {total} APIs]({portal}{})", urls::apis_markdown(1));
    }
    _ = write!(
        text,
        "\n## For programs\n\n- [API catalogue]({portal}{}): RFC 9727\n- [Authorization server]({portal}/.well-known/oauth-authorization-server): RFC 8414\n",
        urls::api_catalog(1)
    );
    Ok(answer("text/plain; charset=utf-8", text))
}

/// `/apis.md`: every API, in pages.
pub async fn list(State(state): State<PortalState>, Query(asked): Query<Asked>) -> Result {
    let page = asked.page();
    let (cards, total) = search::listed(&state.ctx, &state.remembered, (PAGE, PAGE * (page - 1))).await?;
    let portal = &state.urls.portal;
    let mut text = format!("# APIs of {}\n\n", line(&state.brand));
    for card in &cards {
        entry(&mut text, portal, card);
    }
    if cards.is_empty() {
        text.push_str("There is nothing here.\n");
    }
    if has_more(page, total) {
        _ = writeln!(text, "\n[Next page]({portal}{})", urls::apis_markdown(page + 1));
    }
    Ok(answer(MARKDOWN, text))
}

/// `/.well-known/api-catalog` (RFC 9727): where each API is, and what describes it.
pub async fn catalog(State(state): State<PortalState>, Query(asked): Query<Asked>) -> Result {
    let page = asked.page();
    let (cards, total) = search::listed(&state.ctx, &state.remembered, (PAGE, PAGE * (page - 1))).await?;
    let portal = &state.urls.portal;
    let items: Vec<Value> = cards.iter().map(|card| json!({ "href": address(&state, card) })).collect();
    let mut own = json!({ "anchor": format!("{portal}{}", urls::api_catalog(page)), "item": items });
    if let (true, Some(own)) = (has_more(page, total), own.as_object_mut()) {
        own.insert("next".to_owned(), json!([{ "href": format!("{portal}{}", urls::api_catalog(page + 1)) }]));
    }
    let about = |card: &Card| {
        let (name, major) = (&card.name, card.version.major);
        let page =
            json!({ "href": format!("{portal}{}", urls::api(name, major)), "type": "text/html", "title": card.title });
        let mut about = json!({ "anchor": address(&state, card), "service-doc": [page] });
        if let (true, Some(about)) = (card.is_described, about.as_object_mut()) {
            let file = format!("{portal}{}", urls::api_file(name, major, "", "json"));
            about.insert("service-desc".to_owned(), json!([{ "href": file }]));
        }
        about
    };
    let linkset: Vec<Value> = std::iter::once(own).chain(cards.iter().map(about)).collect();
    let body = serde_json::to_string(&json!({ "linkset": linkset })).map_err(crate::base::error::Error::internal)?;
    // §2: whoever asks by HEAD learns the relation.
    let link = format!("<{portal}{}>; rel=\"api-catalog\"", urls::api_catalog(1));
    Ok(([(LINK, link)], answer(LINKSET, body)).into_response())
}

/// `- [Pets v1](https://…/apis/pets/v1): Everything about pets. Owner: Pet team.`
fn entry(text: &mut String, portal: &str, card: &Card) {
    let title = line(&card.title);
    let major = card.version.major;
    _ = write!(text, "- [{title} v{major}]({portal}{})", urls::api(&card.name, major));
    let state = if card.is_open { "" } else { "Closed to new subscriptions." };
    let said: Vec<String> =
        [line(&card.summary), state.to_owned()].into_iter().filter(|part| !part.is_empty()).collect();
    if !said.is_empty() {
        _ = write!(text, ": {}", said.join(" "));
    }
    text.push('\n');
}

/// Text of publishers on one line, with what Markdown would read as its own taken away.
fn line(text: &str) -> String {
    let mut plain = String::new();
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '[' | ']' | '(' | ')' | '<' | '>' | '*' | '_' | '`' | '\\' | '#' | '|' | '!' | '&') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// Where the production gateway has it.
fn address(state: &PortalState, card: &Card) -> String {
    format!("{}/{}/v{}", state.urls.gateway(Environment::Production), card.context, card.version.major)
}

fn has_more(page: u32, total: i64) -> bool {
    i64::from(page) * i64::from(PAGE) < total && page < search::LAST_PAGE
}

fn answer(kind: &'static str, body: String) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], body).into_response()
}
