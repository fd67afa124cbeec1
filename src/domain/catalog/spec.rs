//! What a publisher says about an API: one shape for what is wanted and what is live, so that they can be compared.

use crate::base::environment::Environment;
use crate::base::policy::Policies;
use crate::base::version::{Version, VersionState};
use crate::domain::catalog::model::{DefinitionFormat, Document, Operation, Scope, Visibility};
use crate::domain::catalog::reference_model::{About, OperationPage, Schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use time::Date;

/// An API with everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSpec {
    /// Its name in URLs of the portal and in manifests.
    pub name: String,
    /// What holds for all of its versions.
    pub attributes: Attributes,
    /// Roles that see it when it is restricted, sorted.
    pub roles: Vec<String>,
    /// E-mail addresses of those who look after it, in lower case, sorted.
    pub owners: Vec<String>,
    /// Documents, in order.
    pub documents: Vec<Document>,
    /// What it says about its scopes.
    pub scopes: ScopesSpec,
    /// Consumer keys of the clients that may introspect tokens meant for it, sorted.
    pub resource_servers: Vec<String>,
    /// Its versions.
    pub versions: BTreeMap<Version, VersionSpec>,
}

/// What a publisher says about the scopes of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopesSpec {
    /// It has none: its OpenAPI files describe the OAuth of its backend.
    Off,
    /// It has those that its OpenAPI files name, and these. Where both name one, the title and the roles of this one
    /// count; an empty title leaves that of the file.
    On(Vec<Scope>),
}

/// A scope that an API really has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeInForce {
    /// The scope, with the title that people see.
    pub scope: Scope,
    /// The title that its publisher gave it, maybe empty; none: only an OpenAPI file names it.
    pub manifest_title: Option<String>,
}

/// A scope that an OpenAPI file names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundScope {
    /// Its name.
    pub name: String,
    /// Its description, in one line; may be empty.
    pub title: String,
}

/// What holds for all versions of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Its name for people.
    pub title: String,
    /// Its first path segments at the gateway, without slashes at the ends.
    pub context: String,
    /// One sentence.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// The team or person to ask.
    pub owner: String,
    /// Where to get help: an e-mail address or a URL; may be empty.
    pub support: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Who sees it.
    pub visibility: Visibility,
    /// Whether an API key opens it.
    pub takes_api_key: bool,
    /// Whether an access token opens it.
    pub takes_bearer: bool,
    /// The header that carries the API key, in lower case.
    pub api_key_header: String,
    /// The header that carries the access token, in lower case.
    pub bearer_header: String,
    /// What the gateway does for it beyond routes and credentials.
    pub policies: Policies,
}

/// One `major.minor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSpec {
    /// What it may do.
    pub state: VersionState,
    /// What changed, in Markdown.
    pub changelog: String,
    /// The day on which it shall be gone.
    pub sunset_on: Option<Date>,
    /// Its endpoints, in order.
    pub endpoints: Vec<EndpointSpec>,
}

/// One endpoint of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSpec {
    /// Its name; API keys are bound to it.
    pub name: String,
    /// Its name for people; may be empty.
    pub title: String,
    /// Path below the version; empty for the root.
    pub path: String,
    /// Where calls go.
    pub backends: BTreeMap<Environment, String>,
    /// Its OpenAPI file.
    pub definition: Option<DefinitionSpec>,
}

/// An OpenAPI file. Two are equal when their bytes are, and when the same scopes were read from them: a file that was
/// published by a release that read none is read again.
#[derive(Clone, Debug)]
pub struct DefinitionSpec {
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// The scopes that it names.
    pub scopes: Vec<FoundScope>,
    /// What is in it; none: it is in the database and was not read.
    pub content: Option<Box<DefinitionContent>>,
}

/// What is in an OpenAPI file.
#[derive(Clone, Debug)]
pub struct DefinitionContent {
    /// The file, byte for byte.
    pub source: String,
    /// How it is written.
    pub format: DefinitionFormat,
    /// Such as `3.1.0`.
    pub openapi_version: String,
    /// `info.title`.
    pub title: String,
    /// Its operations, in the file's order.
    pub operations: Vec<Operation>,
    /// What the reference shows.
    pub reading: Reading,
}

/// What the reference shows of a file.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What stands for the whole file.
    pub about: About,
    /// Its operations, in the order of the list: what each is called in URLs, and its page.
    pub operations: Vec<(String, OperationPage)>,
    /// Its named schemas, in the file's order.
    pub schemas: Vec<(String, Schema)>,
    /// The file without its servers, in JSON.
    pub as_json: String,
    /// The same in YAML.
    pub as_yaml: String,
}

impl ApiSpec {
    /// The scopes that the API has: first those of its publisher, in order, then those that only its OpenAPI files name.
    /// The newest version that consumers see says what a scope means. Without access tokens there are none.
    pub fn scopes_in_force(&self) -> Vec<ScopeInForce> {
        let ScopesSpec::On(said) = &self.scopes else {
            return Vec::new();
        };
        if !self.attributes.takes_bearer {
            return Vec::new();
        }
        let shown = self.versions.values().rev().filter(|version| version.state.is_shown());
        let definitions = shown.flat_map(|version| &version.endpoints).filter_map(|e| e.definition.as_ref());
        let mut order: Vec<&str> = said.iter().map(|scope| &*scope.name).collect();
        let mut titles: HashMap<&str, &str> = HashMap::new();
        for found in definitions.flat_map(|definition| &definition.scopes) {
            match titles.entry(&found.name) {
                Entry::Occupied(mut known) if known.get().is_empty() => _ = known.insert(&found.title),
                Entry::Occupied(_) => {}
                Entry::Vacant(new) => {
                    new.insert(&found.title);
                    if !said.iter().any(|scope| scope.name == found.name) {
                        order.push(&found.name);
                    }
                }
            }
        }
        let in_force = order.into_iter().map(|name| {
            let said = said.iter().find(|scope| scope.name == name);
            let title = said.map(|scope| &*scope.title).filter(|title| !title.is_empty());
            let title = title.or_else(|| titles.get(name).copied()).unwrap_or_default().to_owned();
            let roles = said.map(|scope| scope.roles.clone()).unwrap_or_default();
            let scope = Scope { name: name.to_owned(), title, roles };
            ScopeInForce { scope, manifest_title: said.map(|scope| scope.title.clone()) }
        });
        in_force.collect()
    }
}

impl DefinitionSpec {
    /// From a file that was read.
    pub fn new(content: DefinitionContent, scopes: Vec<FoundScope>) -> Self {
        let digest = Sha256::digest(content.source.as_bytes()).into();
        Self { digest, scopes, content: Some(Box::new(content)) }
    }
}

impl PartialEq for DefinitionSpec {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.scopes == other.scopes
    }
}

impl Eq for DefinitionSpec {}
