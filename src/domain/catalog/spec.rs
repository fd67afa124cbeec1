//! What a publisher says about an API: one shape for what is wanted and what is live, so that they can be compared.

use crate::base::environment::Environment;
use crate::base::version::{Version, VersionState};
use crate::domain::catalog::model::{DefinitionFormat, Document, Operation, Visibility};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// An API with everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSpec {
    /// Its name in URLs of the portal and in manifests.
    pub name: String,
    /// What holds for all of its versions.
    pub attributes: Attributes,
    /// Roles that see it when it is restricted, sorted.
    pub roles: Vec<String>,
    /// Markdown documents, in order.
    pub documents: Vec<Document>,
    /// Its versions.
    pub versions: BTreeMap<Version, VersionSpec>,
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
}

/// One `major.minor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSpec {
    /// What it may do.
    pub state: VersionState,
    /// What changed, in Markdown.
    pub changelog: String,
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

/// An OpenAPI file. Two are equal when their bytes are.
#[derive(Clone, Debug)]
pub struct DefinitionSpec {
    /// SHA-256 of the file.
    pub digest: [u8; 32],
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
}

impl DefinitionSpec {
    /// From a file that was read.
    pub fn new(content: DefinitionContent) -> Self {
        Self { digest: Sha256::digest(content.source.as_bytes()).into(), content: Some(Box::new(content)) }
    }
}

impl PartialEq for DefinitionSpec {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for DefinitionSpec {}
