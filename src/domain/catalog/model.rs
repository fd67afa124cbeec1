//! APIs as the catalogue knows them.

use crate::base::environment::Environment;
use crate::base::id::{ApiId, ApiVersionId, EndpointId};
use crate::base::version::{Version, VersionState};
use time::{Date, OffsetDateTime};

/// Who sees an API.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Whoever is signed in.
    Private,
    /// Whoever has one of its roles.
    Restricted,
}

impl Visibility {
    /// Every one there is.
    pub const ALL: [Self; 3] = [Self::Public, Self::Private, Self::Restricted];

    /// As in SQL and manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Restricted => "restricted",
        }
    }
}

/// What holds for all versions of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Its id.
    pub id: ApiId,
    /// Its name in URLs of the portal and in manifests.
    pub name: String,
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
    /// The header that carries the API key.
    pub api_key_header: String,
    /// The header that carries the access token.
    pub bearer_header: String,
    /// When it was first applied.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// One major version as a viewer sees it: what a card shows and a subscription covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MajorVersion {
    /// The API.
    pub api: Api,
    /// The major.
    pub major: u16,
    /// Its minors that are published, deprecated or blocked; newest first; never empty.
    pub versions: Vec<ApiVersion>,
}

/// One major version as the catalogue lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and any may go with any other")]
pub struct Card {
    /// The API.
    pub api: ApiId,
    /// Its name in URLs.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// The team or person to ask.
    pub owner: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Its first path segments at the gateway.
    pub context: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// Whether an API key opens it.
    pub takes_api_key: bool,
    /// Whether an access token opens it.
    pub takes_bearer: bool,
    /// The minor that answers for the major.
    pub version: Version,
    /// All that are shown, newest first.
    pub versions: Vec<String>,
    /// The state of that one.
    pub state: VersionState,
    /// Whether new subscriptions and keys may be made.
    pub is_open: bool,
    /// Whether an endpoint of it has an `OpenAPI` file.
    pub is_described: bool,
}

/// One `major.minor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersion {
    /// Its id.
    pub id: ApiVersionId,
    /// Its number.
    pub version: Version,
    /// What it may do.
    pub state: VersionState,
    /// What changed, in Markdown.
    pub changelog: String,
    /// When it was first published.
    pub published_at: Option<OffsetDateTime>,
    /// The day on which it shall be gone, if it is on its way out.
    pub sunset_on: Option<Date>,
    /// Where it can be called, in the manifest's order; never empty.
    pub endpoints: Vec<Endpoint>,
}

/// A place to call: an API has one at its root, or several below paths of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Its name, the same in every minor; API keys are bound to it.
    pub name: String,
    /// Its name for people; may be empty.
    pub title: String,
    /// Path below the version; empty for the root.
    pub path: String,
    /// Where it has a backend.
    pub environments: Vec<Environment>,
    /// Whether it has an OpenAPI definition.
    pub has_definition: bool,
}

impl MajorVersion {
    /// The minor that answers for the major.
    pub fn current(&self) -> Option<&ApiVersion> {
        crate::base::version::newest(&self.versions, |v| (v.version, v.state))
    }

    /// Whether new subscriptions and keys may be made: a published minor exists.
    pub fn takes_subscriptions(&self) -> bool {
        self.versions.iter().any(|v| v.state == VersionState::Published)
    }

    /// The day on which the major shall be gone: that of the minor that answers, once no minor takes subscriptions.
    pub fn sunset_on(&self) -> Option<Date> {
        if self.takes_subscriptions() { None } else { self.current()?.sunset_on }
    }

    /// The endpoint of that name in the current minor.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.current()?.endpoints.iter().find(|e| e.name == name)
    }

    /// The URL consumers call, for one endpoint: `{gateway}/{context}/v{major}[/{path}]`.
    pub fn url(&self, gateway: &str, endpoint: &Endpoint) -> String {
        let slash = if endpoint.path.is_empty() { "" } else { "/" };
        format!("{gateway}/{}/v{}{slash}{}", self.api.context, self.major, endpoint.path)
    }
}

/// A document of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name in URLs.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// What is in it.
    pub content: DocumentContent,
}

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentContent {
    /// Markdown, which the portal shows.
    Markdown(String),
    /// An absolute URL, http or https.
    Link(String),
    /// A file to download.
    File(DocumentFile),
}

/// A file to download. Two are equal when their names and bytes are.
#[derive(Clone, Debug)]
pub struct DocumentFile {
    /// Its name for whoever keeps it; letters, digits, `.`, `-` and `_`.
    pub file_name: String,
    /// One of those that the portal serves.
    pub media_type: String,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
    /// The bytes; none: they are in the database and were not read.
    pub bytes: Option<Vec<u8>>,
}

impl PartialEq for DocumentFile {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.file_name == other.file_name
    }
}

impl Eq for DocumentFile {}

/// A document as the list of them tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentEntry {
    /// Its name in URLs.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// What it is.
    pub kind: DocumentKind,
    /// Where a link leads; empty for the others.
    pub link: String,
    /// What a download is called; empty for the others.
    pub file_name: String,
    /// Bytes of a download.
    pub size: i64,
}

/// What a document is, without what is in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum DocumentKind {
    /// Markdown.
    Markdown,
    /// A link.
    Link,
    /// A download.
    File,
}

/// One operation of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// In upper case.
    pub method: String,
    /// The path template, as in the definition.
    pub path: String,
    /// Its `operationId`; may be empty.
    pub operation_id: String,
    /// One line; may be empty.
    pub summary: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Whether it is on its way out.
    pub deprecated: bool,
    /// Scopes that an access token needs: alternatives, each a set separated by spaces. None: any token will do.
    pub scopes: Vec<String>,
}

/// A scope of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name, as in tokens.
    pub name: String,
    /// What it lets an application do, in words; may be empty.
    pub title: String,
    /// Roles of which a user needs one to grant it, sorted; none: everybody may.
    pub roles: Vec<String>,
}

/// An OpenAPI file as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Byte for byte.
    pub source: String,
    /// How it is written.
    pub format: DefinitionFormat,
    /// Such as `3.1.0`.
    pub openapi_version: String,
    /// `info.title`.
    pub title: String,
}

/// How an OpenAPI file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum DefinitionFormat {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

impl DefinitionFormat {
    /// As in SQL; also the extension of such a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
        }
    }
}
