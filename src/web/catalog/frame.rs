//! What every page of one API has around it: its name, its versions, and the way to its other pages.

use crate::base::environment::Environment;
use crate::base::error::Error;
use crate::base::version::VersionState;
use crate::domain::accounts::model::Viewer;
use crate::domain::catalog::model::{DocumentEntry, DocumentKind, MajorVersion, Visibility};
use crate::domain::catalog::{browse, oversight};
use crate::web::error::{Failure, Result};
use crate::web::path::Major;
use crate::web::state::PortalState;
use crate::web::{urls, words};

/// For `catalog/frame.html`; the field `frame` of every page that extends it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The version that the page is about.
    pub version: MajorVersion,
    /// Every major that the viewer sees, newest first.
    pub majors: Vec<MajorVersion>,
    /// The API's documents.
    pub documents: Vec<DocumentEntry>,
    /// Whether the viewer looks after the API, and has pages of it that nobody else has.
    pub oversees: bool,
    pane: Pane,
}

/// The pages of an API, as its navigation lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pane {
    /// Overview.
    Overview,
    /// The reference.
    Reference,
    /// What changed between versions.
    Changes,
    /// A document, by name.
    Document(String),
    /// API Keys of an environment.
    Keys(Environment),
    /// Subscribing.
    Subscribe,
    /// What was called, for whoever looks after it.
    Usage,
    /// Who has subscribed, for the same.
    Subscribers,
}

/// A link of the navigation at the side.
pub(crate) struct Tab {
    pub(crate) url: String,
    pub(crate) icon: &'static str,
    pub(crate) label: String,
    pub(crate) is_here: bool,
}

/// A link of the version menu.
pub(crate) struct VersionLink {
    pub(crate) url: String,
    pub(crate) major: u16,
    pub(crate) is_here: bool,
    /// A badge: text and tone.
    pub(crate) note: (String, &'static str),
}

impl Frame {
    /// Around a version that the viewer sees; not found otherwise.
    pub async fn load(state: &PortalState, viewer: &Viewer, name: &str, major: Major, pane: Pane) -> Result<Self> {
        let majors = browse::majors(&state.ctx, viewer, name).await?;
        let version = majors.iter().find(|m| m.major == major.0).cloned();
        let version = version.ok_or(Failure::Domain(Error::NotFound))?;
        let documents = browse::documents(&state.ctx, version.api.id).await?;
        let oversees = match viewer.member() {
            Some(member) => oversight::oversees(&mut *state.ctx.conn().await?, member, version.api.id).await?,
            None => false,
        };
        Ok(Self { version, majors, documents, oversees, pane })
    }

    /// Title and major: `Petstore v1`.
    pub fn full_title(&self) -> String {
        format!("{} v{}", self.version.api.title, self.version.major)
    }

    /// The minor that answers for the major: `1.2`.
    pub fn current(&self) -> String {
        current(&self.version)
    }

    /// The newest major that is open to new subscriptions, else simply the newest.
    pub fn is_latest(&self, major: &MajorVersion) -> bool {
        let open = self.majors.iter().find(|m| m.takes_subscriptions());
        open.or(self.majors.first()).is_some_and(|latest| latest.major == major.major)
    }

    /// Whether it is wiser to use another major, and which.
    pub fn newer(&self) -> Option<&MajorVersion> {
        self.majors.iter().find(|m| self.is_latest(m) && m.major > self.version.major)
    }

    /// The majors, as the version menu lists them.
    pub(crate) fn versions(&self) -> Vec<VersionLink> {
        let link = |m: &MajorVersion| VersionLink {
            url: urls::api(&m.api.name, m.major),
            major: m.major,
            is_here: m.major == self.version.major,
            note: match major_state(m) {
                "" if self.is_latest(m) => (format!("Latest, {}", current(m)), "is-ok"),
                "" => (current(m), ""),
                state => match m.sunset_on() {
                    Some(day) => (format!("Retires {}", words::day_short(day)), "is-warn"),
                    None => (state.to_owned(), "is-warn"),
                },
            },
        };
        self.majors.iter().map(link).collect()
    }

    /// The pages that describe the API.
    pub(crate) fn tabs(&self) -> Vec<Tab> {
        let (api, major) = (&self.version.api.name, self.version.major);
        let tab = |pane, url, icon, label: &str| Tab { url, icon, label: label.to_owned(), is_here: self.pane == pane };
        let mut tabs = vec![tab(Pane::Overview, urls::api(api, major), "layers", "Overview")];
        if self.version.current().is_some_and(|v| v.endpoints.iter().any(|e| e.has_definition)) {
            tabs.push(tab(Pane::Reference, urls::api_reference(api, major, ""), "code-xml", "Reference"));
        }
        if self.version.versions.len() > 1 || self.majors.iter().any(|other| other.major < major) {
            tabs.push(tab(Pane::Changes, urls::api_changes(api, major), "history", "What changed"));
        }
        for document in &self.documents {
            let url = urls::api_document(api, major, &document.name);
            let icon = match document.kind {
                DocumentKind::Markdown => "book-open",
                DocumentKind::Link => "external-link",
                DocumentKind::File => "file-text",
            };
            tabs.push(tab(Pane::Document(document.name.clone()), url, icon, &document.title));
        }
        tabs
    }

    /// The pages for whoever looks after the API; none for others.
    pub(crate) fn oversight(&self) -> Vec<Tab> {
        if !self.oversees {
            return Vec::new();
        }
        let (api, major) = (&self.version.api.name, self.version.major);
        let pages = [
            (Pane::Usage, urls::api_usage(api, major), "chart-column", "Usage"),
            (Pane::Subscribers, urls::api_subscribers(api, major), "users", "Subscribers"),
        ];
        let tab = |(pane, url, icon, label): (Pane, String, _, &str)| Tab {
            url,
            icon,
            label: label.to_owned(),
            is_here: self.pane == pane,
        };
        pages.map(tab).into()
    }

    /// The environments, below the heading Credentials.
    pub(crate) fn credentials(&self) -> Vec<Tab> {
        let icon = |environment| match environment {
            Environment::Production => "shield-check",
            Environment::Sandbox => "key-round",
        };
        let tab = |environment: Environment| Tab {
            url: urls::api_keys(&self.version.api.name, self.version.major, environment),
            icon: icon(environment),
            label: environment.title().to_owned(),
            is_here: self.pane == Pane::Keys(environment),
        };
        Environment::ALL.into_iter().map(tab).collect()
    }

    /// `public`, `private` or `restricted`.
    pub fn visibility(&self) -> &'static str {
        visibility(self.version.api.visibility)
    }

    /// What is wrong with the version as a whole; empty for a published one.
    pub fn state(&self) -> &'static str {
        major_state(&self.version)
    }

    /// The colour of its tile.
    pub fn tile(&self) -> &'static str {
        tile(&self.version.api.name)
    }

    /// The letter on its tile.
    pub fn letter(&self) -> String {
        letter(&self.version.api.title)
    }
}

/// The minor that answers for the major: `1.2`.
pub fn current(version: &MajorVersion) -> String {
    version.current().map(|v| v.version.to_string()).unwrap_or_default()
}

/// `Deprecated` or `Blocked` when no minor is open to new subscriptions; else empty.
pub fn major_state(version: &MajorVersion) -> &'static str {
    if version.takes_subscriptions() {
        return "";
    }
    match version.current().map(|v| v.state) {
        Some(VersionState::Blocked) => "Blocked",
        _ => "Deprecated",
    }
}

/// A state in words, with its tone.
pub fn state_words(state: VersionState) -> (&'static str, &'static str) {
    match state {
        VersionState::Draft => ("Draft", ""),
        VersionState::Published => ("Published", "is-ok"),
        VersionState::Deprecated => ("Deprecated", "is-warn"),
        VersionState::Blocked => ("Blocked", "is-bad"),
        VersionState::Retired => ("Retired", ""),
    }
}

/// `public`, `private` or `restricted`, as `ui::visibility` takes it.
pub fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
        Visibility::Restricted => "restricted",
    }
}

/// One of the eight tile colours, always the same for one name.
pub fn tile(name: &str) -> &'static str {
    const COLOURS: [&str; 8] = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];
    let sum = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    COLOURS.get(sum % COLOURS.len()).copied().unwrap_or("h1")
}

/// The letter that stands for a title.
pub fn letter(title: &str) -> String {
    title.chars().find(|c| c.is_alphanumeric()).into_iter().flat_map(char::to_uppercase).collect()
}
