//! The live catalogue as the files that `apply` reads. Applied where it came from, they change nothing.

use crate::base::error::{Error, Result};
use crate::base::version::Version;
use crate::domain::Ctx;
use crate::domain::catalog::model::{Document, DocumentContent};
use crate::domain::catalog::publish;
use crate::domain::catalog::spec::{ApiSpec, Attributes, EndpointSpec, ScopesSpec, VersionSpec};
use crate::domain::publishing::emit::Yaml;
use crate::domain::publishing::export_policies::{write_policies, write_quota, write_rate};
use crate::domain::publishing::live::{self, Live, Offer};
use crate::domain::publishing::manifest_api::ONLY_ENDPOINT;
use crate::domain::publishing::{manifest_documents, store};
use crate::domain::subscriptions::model::{Approval, Plan, PlanState};
use std::collections::BTreeMap;

/// Where OpenAPI and Markdown go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Into the manifest itself, which is one file, [`INLINE`].
    Inline,
    /// Into files of their own; a manifest for each API.
    Files,
}

/// Files by their path relative to the directory of the export.
pub type Exported = BTreeMap<String, String>;

/// What the only file of [`Layout::Inline`] is called.
pub const INLINE: &str = "portico.yaml";
/// Roles and plans of [`Layout::Files`]; no API can have this name.
const SHARED: &str = "_roles-and-plans.yaml";

/// Sources of definitions by API, version and endpoint.
type Sources = BTreeMap<(String, Version, String), String>;

/// Writes everything that is live: roles of the organisation, plans, APIs with all of their versions.
pub async fn export(ctx: &Ctx, layout: Layout) -> Result<Exported> {
    let mut tx = ctx.db.begin().await?;
    // This takes several queries; nobody may publish between them.
    store::lock(&mut tx).await?;
    let live = live::read(&mut tx, &[]).await?;
    let sources = publish::sources(&mut tx).await?;
    let attachments = publish::files(&mut tx).await?;
    tx.rollback().await?;
    let sources = sources.into_iter().map(|(api, version, endpoint, text)| ((api, version, endpoint), text)).collect();
    let attachments = attachments.into_iter().map(|(api, document, bytes)| ((api, document), bytes)).collect();
    let writing = move || Writer { sources, attachments, layout, files: Exported::new() }.write(&live);
    tokio::task::spawn_blocking(writing).await.map_err(Error::internal)
}

struct Writer {
    sources: Sources,
    /// Bytes of documents by API and document.
    attachments: BTreeMap<(String, String), Vec<u8>>,
    layout: Layout,
    files: Exported,
}

impl Writer {
    fn write(mut self, live: &Live) -> Exported {
        let mut out = Yaml::default();
        for role in live.roles.values() {
            out.document();
            out.text("kind", "role");
            out.text("name", &role.name);
            out.text("title", &role.title);
        }
        for (plan, state) in live.plans.values() {
            out.document();
            write_plan(&mut out, plan, *state);
        }
        for (name, offer) in &live.apis {
            match self.layout {
                Layout::Inline => {
                    out.document();
                    self.api(&mut out, offer);
                }
                Layout::Files => {
                    let mut out = Yaml::default();
                    self.api(&mut out, offer);
                    self.files.insert(format!("{name}.yaml"), out.finish());
                }
            }
        }
        let name = if self.layout == Layout::Inline { INLINE } else { SHARED };
        self.files.insert(name.to_owned(), out.finish());
        self.files
    }

    fn api(&mut self, out: &mut Yaml, offer: &Offer) {
        let ApiSpec { name, attributes, roles, owners, documents, scopes, resource_servers, versions } = &offer.spec;
        out.text("kind", "api");
        out.text("name", name);
        out.text("title", &attributes.title);
        out.text("context", &attributes.context);
        out.some_text("summary", &attributes.summary);
        out.some_text("description", &attributes.description);
        out.some_text("owner", &attributes.owner);
        if !owners.is_empty() {
            out.flow("owners", owners.iter().map(|owner| &**owner));
        }
        out.some_text("support", &attributes.support);
        if !attributes.tags.is_empty() {
            out.flow("tags", attributes.tags.iter().map(|tag| &**tag));
        }
        out.text("visibility", attributes.visibility.as_str());
        if !roles.is_empty() {
            out.flow("roles", roles.iter().map(|role| &**role));
        }
        let auth = [("api-key", attributes.takes_api_key), ("oauth2", attributes.takes_bearer)];
        out.flow("auth", auth.into_iter().filter_map(|(word, taken)| taken.then_some(word)));
        out.text("api_key_header", &attributes.api_key_header);
        out.text("authorization_header", &attributes.bearer_header);
        write_scopes(out, attributes, scopes);
        if !resource_servers.is_empty() {
            out.flow("resource_servers", resource_servers.iter().map(|key| &**key));
        }
        write_policies(out, &attributes.policies);
        out.flow("plans", offer.plans.iter().map(|plan| &**plan));
        if !documents.is_empty() {
            out.list("documents", documents, |out, document| self.document(out, name, document));
        }
        out.list("versions", versions, |out, (version, spec)| self.version(out, (name, *version), spec));
    }

    fn document(&mut self, out: &mut Yaml, api: &str, document: &Document) {
        out.text("name", &document.name);
        out.text("title", &document.title);
        match (&document.content, self.layout) {
            (DocumentContent::Markdown(body), Layout::Inline) => out.text("body", body),
            (DocumentContent::Markdown(body), Layout::Files) => {
                let path = format!("{api}/docs/{}.md", document.name);
                out.text("file", &path);
                self.files.insert(path, body.clone());
            }
            (DocumentContent::Link(link), _) => out.text("link", link),
            // Not text, so it cannot be a file of an export; in the manifest it is whole in both layouts.
            (DocumentContent::File(file), _) => {
                let bytes = self.attachments.remove(&(api.to_owned(), document.name.clone())).unwrap_or_default();
                out.text("file_name", &file.file_name);
                out.text("base64", &manifest_documents::wrapped(&bytes));
            }
        }
    }

    fn version(&mut self, out: &mut Yaml, (api, version): (&str, Version), spec: &VersionSpec) {
        out.quoted("version", &version.to_string());
        out.text("state", spec.state.as_str());
        out.some_text("changelog", &spec.changelog);
        if let Some(day) = spec.sunset_on {
            out.quoted("sunset", &day.to_string());
        }
        let plain = |e: &EndpointSpec| e.name == ONLY_ENDPOINT && e.path.is_empty() && e.title.is_empty();
        match spec.endpoints.as_slice() {
            [only] if plain(only) => self.endpoint(out, (api, version), only),
            [] => {}
            several => out.list("endpoints", several, |out, endpoint| {
                out.text("name", &endpoint.name);
                out.some_text("title", &endpoint.title);
                out.some_text("path", &endpoint.path);
                self.endpoint(out, (api, version), endpoint);
            }),
        }
    }

    fn endpoint(&mut self, out: &mut Yaml, (api, version): (&str, Version), endpoint: &EndpointSpec) {
        if let Some(source) = self.sources.remove(&(api.to_owned(), version, endpoint.name.clone())) {
            match self.layout {
                Layout::Inline => out.text("openapi_source", &source),
                Layout::Files => {
                    let json = source.trim_start_matches('\u{feff}').trim_start().starts_with('{');
                    let extension = if json { "json" } else { "yaml" };
                    let path = format!("{api}/{version}/{}.{extension}", endpoint.name);
                    out.text("openapi", &path);
                    self.files.insert(path, source);
                }
            }
        }
        if !endpoint.backends.is_empty() {
            out.map("backends", |out| {
                endpoint.backends.iter().for_each(|(environment, url)| out.text(environment.as_str(), url));
            });
        }
    }
}

/// What the publisher said; what the OpenAPI files name is in them.
fn write_scopes(out: &mut Yaml, api: &Attributes, scopes: &ScopesSpec) {
    match scopes {
        // An API without access tokens must not speak of scopes.
        _ if !api.takes_bearer => {}
        ScopesSpec::Off => out.text("scopes", "none"),
        ScopesSpec::On(said) if said.is_empty() => {}
        ScopesSpec::On(said) => out.list("scopes", said, |out, scope| {
            out.text("name", &scope.name);
            out.some_text("title", &scope.title);
            if !scope.roles.is_empty() {
                out.flow("roles", scope.roles.iter().map(|role| &**role));
            }
        }),
    }
}

fn write_plan(out: &mut Yaml, plan: &Plan, state: PlanState) {
    out.text("kind", "plan");
    out.text("name", &plan.name);
    out.text("title", &plan.title);
    out.some_text("description", &plan.description);
    match plan.rate {
        None => out.text("rate", "unlimited"),
        Some(rate) => write_rate(out, rate),
    }
    if let Some(quota) = plan.quota {
        write_quota(out, quota);
    }
    if plan.approval == Approval::Needed {
        out.flag("approval");
    }
    if state == PlanState::Retired {
        out.text("state", "retired");
    }
}
