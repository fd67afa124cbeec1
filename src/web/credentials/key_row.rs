//! One API key as lists show it.

use crate::base::id::ApiKeyId;
use crate::domain::credentials::model::ApiKey;
use crate::web::{urls, words};
use time::OffsetDateTime;

/// For `credentials/_keys.html`.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// The key.
    pub id: ApiKeyId,
    /// Its name.
    pub name: String,
    /// The end of the secret: `…k7Qp`.
    pub hint: String,
    /// Whose it is.
    pub application: String,
    /// The application's credentials in the key's environment.
    pub application_url: String,
    /// What it opens, such as `Payments v2`.
    pub api: String,
    /// The API's keys in the key's environment.
    pub api_url: String,
    /// Which endpoint.
    pub endpoint: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last called with.
    pub last_used_at: Option<OffsetDateTime>,
    /// How long the old key still works: seconds, and in words.
    pub grace: Option<(i64, String)>,
    /// Whether the viewer may change it.
    pub is_own: bool,
    /// The list it stands in.
    pub list: List,
}

/// From which list an act on a key started, and so where it returns to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "String")]
pub enum List {
    /// The API's.
    #[default]
    Api,
    /// The application's.
    Application,
}

impl From<String> for List {
    /// Anything else is the API's list: where one returns to is no reason to refuse.
    fn from(text: String) -> Self {
        if text == Self::Application.as_str() { Self::Application } else { Self::Api }
    }
}

impl List {
    /// As in URLs and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Application => "application",
        }
    }

    fn carried_by(self, url: &str) -> String {
        format!("{url}?list={}", self.as_str())
    }

    /// The list that the key is in.
    pub fn url(self, key: &ApiKey) -> String {
        match self {
            Self::Api => urls::api_keys(&key.api_name, key.major, key.environment),
            Self::Application => urls::credentials(key.application, key.environment),
        }
    }
}

impl KeyRow {
    /// In the list of an API or of an application.
    pub fn new(key: ApiKey, list: List, now: OffsetDateTime) -> Self {
        let grace = key.grace_until(now).map(|until| (words::seconds_left(now, until), words::left(now, until)));
        Self {
            id: key.id,
            hint: format!("…{}", key.hint),
            application_url: urls::credentials(key.application, key.environment),
            api: format!("{} v{}", key.api_title, key.major),
            api_url: urls::api_keys(&key.api_name, key.major, key.environment),
            name: key.name,
            application: key.application_name,
            endpoint: key.endpoint,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            grace,
            is_own: key.is_own,
            list,
        }
    }

    pub(super) fn in_application(&self) -> bool {
        self.list == List::Application
    }

    /// Whether the endpoint has a name worth saying: an API with a single one calls it `default`.
    pub(super) fn names_endpoint(&self) -> bool {
        self.endpoint != "default"
    }

    pub(super) fn menu_id(&self) -> String {
        format!("menu-{}", self.id)
    }

    pub(super) fn menu_label(&self) -> String {
        format!("Actions for key {}", self.name)
    }

    pub(super) fn regeneration_url(&self) -> String {
        self.list.carried_by(&urls::api_key_regeneration(self.id))
    }

    pub(super) fn deletion_url(&self) -> String {
        self.list.carried_by(&urls::api_key_deletion(self.id))
    }
}
