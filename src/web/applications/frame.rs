//! What every page of one application has around it: its name, its tabs, and whether the viewer may change it.

use crate::base::environment::Environment;
use crate::base::id::ApplicationId;
use crate::domain::applications::manage;
use crate::domain::applications::model::Reached;

/// For `applications/frame.html`; the field `frame` of every page that extends it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The application.
    pub id: ApplicationId,
    /// Its name.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// The owner's e-mail address.
    pub owner: String,
    /// Whether the viewer owns it; a reader gets no button that would fail.
    pub is_own: bool,
    /// How many subscriptions it has, as text.
    pub subscriptions: String,
    tab: Tab,
}

/// The tabs of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Application Overview.
    Overview,
    /// Subscription Management.
    Subscriptions,
    /// Application Keys and API Keys of an environment.
    Credentials(Environment),
    /// API Keys of an environment.
    ApiKeys,
    /// Refused calls.
    Refusals,
    /// Usage.
    Usage,
    /// What was done to it.
    Activity,
}

impl Frame {
    /// Around an application that the viewer reaches.
    pub fn new(reached: &Reached, tab: Tab) -> Self {
        let application = &reached.application;
        Self {
            id: application.id,
            name: application.name.clone(),
            description: application.description.clone(),
            owner: application.owner_email.clone(),
            is_own: manage::may_change(reached),
            subscriptions: application.subscriptions.to_string(),
            tab,
        }
    }

    /// Whether the page is on the tab of that name.
    pub fn at(&self, tab: &str) -> bool {
        tab == match self.tab {
            Tab::Overview => "overview",
            Tab::Subscriptions => "subscriptions",
            Tab::Credentials(environment) => environment.as_str(),
            Tab::ApiKeys => "api-keys",
            Tab::Refusals => "refusals",
            Tab::Usage => "usage",
            Tab::Activity => "activity",
        }
    }

    /// The colour of its tile.
    pub fn tile(&self) -> &'static str {
        tile(self.id)
    }
}

/// One of the eight tile colours, always the same for one application.
pub fn tile(id: ApplicationId) -> &'static str {
    const COLOURS: [&str; 8] = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];
    let sum: usize = id.0.as_bytes().iter().map(|byte| usize::from(*byte)).sum();
    COLOURS.get(sum % COLOURS.len()).copied().unwrap_or("h1")
}

/// The workflow status in words, with its tone.
pub fn status(status: &str) -> (String, &'static str) {
    match status {
        "active" => ("Approved".to_owned(), "is-ok"),
        other => (other.to_owned(), "is-warn"),
    }
}
