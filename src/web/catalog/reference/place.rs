//! Where a page of the reference belongs: the API, its version, its endpoint.

use crate::base::error::Error;
use crate::base::policy::{OperationLimit, Policies};
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::model::{Endpoint, MajorVersion};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::{Failure, Result};
use crate::web::path::Major;
use crate::web::state::PortalState;
use crate::web::{urls, words};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;

/// How a page is asked for: for a browser, or in Markdown when its name ends in `.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A page.
    Page,
    /// Markdown.
    Markdown,
}

impl Form {
    /// Takes the ending off a name.
    pub(crate) fn of(name: &str) -> (&str, Self) {
        name.strip_suffix(".md").map_or((name, Self::Page), |name| (name, Self::Markdown))
    }
}

/// The API, its version and its endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// What stands around the page.
    pub(crate) frame: Frame,
    /// The endpoint.
    pub(crate) endpoint: Endpoint,
}

impl Place {
    /// The endpoint of that name, or the first that has a definition; not found when the viewer sees none.
    pub(crate) async fn load(
        state: &PortalState,
        viewer: &Viewer,
        (name, major): (&str, Major),
        endpoint: &str,
    ) -> Result<Self> {
        let frame = Frame::load(state, viewer, name, major, Pane::Reference).await?;
        let endpoint = described(&frame.version, endpoint)?.clone();
        Ok(Self { frame, endpoint })
    }

    /// The environments in which the endpoint can be called, with its URL there.
    pub(crate) fn bases(&self, state: &PortalState) -> Vec<(&'static str, String)> {
        let url = |environment| self.frame.version.url(state.urls.gateway(environment), &self.endpoint);
        self.endpoint.environments.iter().map(|environment| (environment.title(), url(*environment))).collect()
    }

    /// Where the reference of the endpoint begins. The first endpoint needs no name.
    pub(crate) fn url(&self) -> String {
        let first = described(&self.frame.version, "").is_ok_and(|first| first.name == self.endpoint.name);
        urls::api_reference(
            &self.frame.version.api.name,
            self.frame.version.major,
            if first { "" } else { &self.endpoint.name },
        )
    }

    /// The page of an operation.
    pub(crate) fn operation_url(&self, slug: &str) -> String {
        urls::api_operation(&self.frame.version.api.name, self.frame.version.major, &self.endpoint.name, slug)
    }

    /// The page of a schema.
    pub(crate) fn schema_url(&self, name: &str) -> String {
        urls::api_schema(&self.frame.version.api.name, self.frame.version.major, &self.endpoint.name, name)
    }

    /// The file for download, as `json` or `yaml`.
    pub(crate) fn file_url(&self, extension: &str) -> String {
        urls::api_file(&self.frame.version.api.name, self.frame.version.major, &self.endpoint.name, extension)
    }

    /// The endpoints that have a reference, when there are several: name for people, link, whether it is this one.
    pub(crate) fn endpoints(&self) -> Vec<(String, String, bool)> {
        let all = self.frame.version.current().map_or(&[][..], |v| &v.endpoints);
        let described: Vec<_> = all.iter().filter(|e| e.has_definition).collect();
        if described.len() < 2 {
            return Vec::new();
        }
        let (api, major) = (&self.frame.version.api.name, self.frame.version.major);
        let shown = |e: &Endpoint| if e.title.is_empty() { e.name.clone() } else { e.title.clone() };
        let link = |e: &&Endpoint| (shown(e), urls::api_reference(api, major, &e.name), e.name == self.endpoint.name);
        described.iter().map(link).collect()
    }

    /// How calls authenticate: what, in which header.
    pub(crate) fn credentials(&self) -> Vec<(&'static str, String)> {
        let api = &self.frame.version.api;
        let bearer = if api.bearer_header == "authorization" { "Authorization" } else { &api.bearer_header };
        let mut ways = Vec::new();
        if api.takes_api_key {
            ways.push(("API key", format!("{}: <YOUR_API_KEY>", api.api_key_header)));
        }
        if api.takes_bearer {
            ways.push(("Access token", format!("{bearer}: Bearer <YOUR_ACCESS_TOKEN>")));
        }
        ways
    }
}

/// What all callers of an operation together may do; empty when that is not limited.
pub(crate) fn limit(policies: &Policies, method: &str, path: &str) -> String {
    let own = |limit: &&OperationLimit| limit.method == method && limit.path == path;
    policies.operation_limits.iter().find(own).map(|limit| words::limit(limit.limit)).unwrap_or_default()
}

/// The endpoint of that name, if it has a definition; the first that has one when the name is empty.
pub(crate) fn described<'a>(version: &'a MajorVersion, name: &str) -> Result<&'a Endpoint> {
    let endpoints = version.current().map_or(&[][..], |v| &v.endpoints);
    let found = endpoints.iter().find(|e| e.has_definition && (name.is_empty() || e.name == name));
    found.ok_or(Failure::Domain(Error::NotFound))
}

/// Answers with Markdown.
pub(crate) fn markdown(page: &impl askama::Template) -> Result {
    let text = page.render().map_err(|error| Failure::from(Error::internal(error)))?;
    Ok(([(CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}
