//! The operations of an endpoint, grouped by tag. Hundreds stay usable: groups fold, and a search narrows them.

use crate::base::policy::OperationLimit;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::{Endpoint, Operation};
use crate::web::catalog::definition::described;
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::Result;
use crate::web::page::{self, Shell};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::viewer::CurrentViewer;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::{Query, State};

/// How many operations one page lists at most.
const MOST: usize = 1000;
/// Up to so many, every group is open.
const FEW: usize = 40;

#[derive(Template)]
#[template(path = "catalog/operations.html")]
struct OperationsPage {
    shell: Shell,
    frame: Frame,
    endpoint: String,
    /// Base URLs of the endpoint: environment and URL.
    bases: Vec<(&'static str, String)>,
    text: String,
    limits: Vec<OperationLimit>,
    groups: Vec<Group>,
    shown: usize,
    found: usize,
    all: usize,
}

/// Operations with the same first tag.
struct Group {
    tag: String,
    operations: Vec<Operation>,
}

/// What the form asks for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Asked {
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    q: String,
}

impl OperationsPage {
    /// The endpoints that have operations, when there are several: name, title, link.
    fn endpoints(&self) -> Vec<(&str, String, String)> {
        let all = self.frame.version.current().map_or(&[][..], |v| &v.endpoints);
        let described: Vec<_> = all.iter().filter(|e| e.has_definition).collect();
        if described.len() < 2 {
            return Vec::new();
        }
        let (api, major) = (&self.frame.version.api.name, self.frame.version.major);
        let shown = |e: &Endpoint| if e.title.is_empty() { e.name.clone() } else { e.title.clone() };
        described.into_iter().map(|e| (e.name.as_str(), shown(e), urls::api_operations(api, major, &e.name))).collect()
    }

    fn nothing(&self) -> String {
        if self.text.is_empty() { "No operations".to_owned() } else { format!("Nothing matches “{}”", self.text) }
    }

    /// The whole list, without a search.
    fn url(&self) -> String {
        urls::api_operations(&self.frame.version.api.name, self.frame.version.major, &self.endpoint)
    }

    fn definition_url(&self) -> String {
        urls::api_definition(&self.frame.version.api.name, self.frame.version.major, &self.endpoint)
    }

    /// What all callers of an operation together may do; empty when that is not limited.
    fn limit(&self, operation: &Operation) -> String {
        let own = |limit: &&OperationLimit| limit.method == operation.method && limit.path == operation.path;
        self.limits.iter().find(own).map(|limit| words::limit(limit.limit)).unwrap_or_default()
    }

    fn is_open(&self) -> bool {
        self.shown <= FEW || self.groups.len() == 1
    }
}

/// The list.
pub async fn show(
    State(state): State<PortalState>,
    CurrentViewer(viewer): CurrentViewer,
    At((name, major)): At<(String, Major)>,
    Query(asked): Query<Asked>,
    shell: Shell,
) -> Result {
    let frame = Frame::load(&state, &viewer, &name, major, Pane::Operations).await?;
    let endpoint = described(&frame.version, &asked.endpoint)?.clone();
    let operations = browse::operations(&state.ctx, endpoint.id).await?;
    let limits = browse::policies(&state.ctx, frame.version.api.id).await?.operation_limits;
    let all = operations.len();
    let mut operations: Vec<_> = operations.into_iter().filter(|o| matches(o, &asked.q)).collect();
    let found = operations.len();
    operations.truncate(MOST);
    let url = |environment| frame.version.url(state.urls.gateway(environment), &endpoint);
    page::show(&OperationsPage {
        bases: endpoint.environments.iter().map(|e| (e.title(), url(*e))).collect(),
        shown: operations.len(),
        groups: grouped(operations),
        shell,
        frame,
        endpoint: endpoint.name,
        text: asked.q,
        limits,
        found,
        all,
    })
}

/// Whether every word is somewhere in the operation.
fn matches(operation: &Operation, text: &str) -> bool {
    let Operation { method, path, operation_id, summary, tags, .. } = operation;
    let hay = format!("{method} {path} {operation_id} {summary} {}", tags.join(" ")).to_lowercase();
    text.to_lowercase().split_whitespace().all(|word| hay.contains(word))
}

/// By first tag, in the order in which the tags first come; those without one last.
fn grouped(operations: Vec<Operation>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut rest = Group { tag: String::new(), operations: Vec::new() };
    for operation in operations {
        let Some(tag) = operation.tags.first() else {
            rest.operations.push(operation);
            continue;
        };
        match groups.iter_mut().find(|group| group.tag == *tag) {
            Some(group) => group.operations.push(operation),
            None => groups.push(Group { tag: tag.clone(), operations: vec![operation] }),
        }
    }
    if !rest.operations.is_empty() {
        if groups.is_empty() { "All operations" } else { "Other operations" }.clone_into(&mut rest.tag);
        groups.push(rest);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(path: &str, tags: &[&str]) -> Operation {
        Operation {
            method: "GET".to_owned(),
            path: path.to_owned(),
            operation_id: "listPets".to_owned(),
            summary: "All of them".to_owned(),
            tags: tags.iter().map(|t| (*t).to_owned()).collect(),
            deprecated: false,
            scopes: Vec::new(),
        }
    }

    #[test]
    fn groups_keep_the_order_of_the_definition_and_the_untagged_come_last() {
        let all =
            vec![operation("/a", &[]), operation("/b", &["x", "y"]), operation("/c", &["z"]), operation("/d", &["x"])];
        let groups: Vec<_> = grouped(all).into_iter().map(|g| (g.tag, g.operations.len())).collect();
        assert_eq!(groups, [("x".to_owned(), 2), ("z".to_owned(), 1), ("Other operations".to_owned(), 1)]);
    }

    #[test]
    fn a_search_wants_every_word_in_any_part() {
        let pets = operation("/pets/{id}", &["animals"]);
        for found in ["", "pets", "GET /pets", "animals listpets", "all  THEM"] {
            assert!(matches(&pets, found), "{found}");
        }
        assert!(!matches(&pets, "pets post"));
    }
}
