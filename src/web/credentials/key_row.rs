//! One API key as lists show it.

use crate::base::id::ApiKeyId;
use crate::domain::credentials::model::{ApiKey, KeyAccess};
use crate::web::filters::grouped;
use crate::web::subscriptions::chip;
use crate::web::{urls, words};
use time::{Duration, OffsetDateTime};

/// A key that expires sooner than this is pointed out.
const SOON: Duration = Duration::days(7);
/// An old key that ends sooner than this is pointed out while it is still being called.
const LAST_CALL: Duration = Duration::minutes(10);
/// A key that was called within this is being called.
const OF_LATE: Duration = Duration::minutes(15);

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
    /// Who owns the application; empty where that is the viewer.
    pub owner: String,
    /// The application's API keys in the key's environment; empty where the viewer does not reach it.
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
    /// How often, in words; empty where never.
    pub calls: String,
    /// When it expires, if it does and has not.
    pub expires_at: Option<OffsetDateTime>,
    /// The state in a word or two, and its tone.
    pub state: (String, &'static str),
    /// Networks that it may be used from.
    pub addresses: Vec<String>,
    /// Operations that it opens, if not all.
    pub operations: Vec<String>,
    /// How long the old key still works: seconds, and in words.
    pub grace: Option<(i64, String)>,
    /// What the old key did since it was replaced; nothing where that tells nothing.
    pub old: Option<Old>,
    /// Why the list ought to be read now; empty where there is no hurry.
    pub warning: String,
    /// What the viewer may do.
    pub access: KeyAccess,
    /// The list it stands in.
    pub list: List,
}

/// What the old key of a regenerated one did since.
#[derive(Clone, Debug)]
pub struct Old {
    /// Its end: `…k7Qp`; empty where it is not known.
    pub hint: String,
    /// How often it was called with, in words; empty where not at all.
    pub calls: String,
    /// The last of those calls.
    pub last_used_at: Option<OffsetDateTime>,
    /// Whether those calls are refused by now.
    pub is_refused: bool,
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
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl List {
    /// Anything else is the API's list: where one returns to is no reason to refuse.
    pub fn parse(text: &str) -> Self {
        if text == Self::Application.as_str() { Self::Application } else { Self::Api }
    }

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
            Self::Application => urls::application_api_keys(key.application, key.environment),
        }
    }
}

impl KeyRow {
    /// In the list of an API or of an application.
    pub fn new(key: ApiKey, list: List, now: OffsetDateTime) -> Self {
        let grace = key.grace_until(now);
        let expired = key.has_expired(now);
        let old = old(&key, now);
        let called = old.as_ref().and_then(|old| old.last_used_at).is_some_and(|at| now - at < OF_LATE);
        let warning = match grace {
            Some(until) if called && until - now < LAST_CALL => {
                format!("The old key of {} ends in {} and is still being called", key.name, words::left(now, until))
            }
            _ => String::new(),
        };
        let is_reached = key.access != KeyAccess::ApiOwner;
        let application_url = urls::application_api_keys(key.application, key.environment);
        Self {
            id: key.id,
            hint: format!("…{}", key.hint),
            application_url: if is_reached { application_url } else { String::new() },
            api: format!("{} v{}", key.api_title, key.major),
            api_url: urls::api_keys(&key.api_name, key.major, key.environment),
            state: state(&key, now),
            expires_at: key.limits.expires_at.filter(|_| !expired),
            addresses: key.limits.addresses.iter().map(words::network).collect(),
            operations: key.limits.operations,
            name: key.name,
            owner: if key.access == KeyAccess::Owner { String::new() } else { key.application_owner },
            application: key.application_name,
            endpoint: key.endpoint,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            calls: calls(key.calls),
            grace: grace.map(|until| (words::seconds_left(now, until), words::left(now, until))),
            old,
            warning,
            access: key.access,
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

    /// `Opens 2 operations`.
    pub(super) fn opens(&self) -> String {
        format!("Opens {}", words::counted(i64::try_from(self.operations.len()).unwrap_or(0), "operation"))
    }

    pub(super) fn may_change(&self) -> bool {
        self.access == KeyAccess::Owner
    }

    pub(super) fn may_delete(&self) -> bool {
        self.access != KeyAccess::Reader
    }

    /// Whether a new secret would help: an expired key stays expired.
    pub(super) fn may_regenerate(&self) -> bool {
        self.may_change() && self.state.0 != EXPIRED
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

const EXPIRED: &str = "Expired";

fn state(key: &ApiKey, now: OffsetDateTime) -> (String, &'static str) {
    match (key.limits.expires_at, key.subscription.filter(|state| !state.is_open(key.environment))) {
        (Some(end), _) if end <= now => (EXPIRED.to_owned(), "is-bad"),
        (_, Some(state)) => {
            let (text, tone) = chip::words(state);
            (format!("Subscription {}", text.to_lowercase()), tone)
        }
        (Some(end), None) if end - now < SOON => (format!("Expires in {}", words::days_left(now, end)), "is-warn"),
        _ => ("Active".to_owned(), "is-ok"),
    }
}

/// While it works, what it did; afterwards only if somebody has called with it in vain.
fn old(key: &ApiKey, now: OffsetDateTime) -> Option<Old> {
    let previous = key.previous.as_ref()?;
    let is_refused = previous.expires_at <= now;
    if is_refused && previous.last_used_at.is_none_or(|at| at < previous.expires_at) {
        return None;
    }
    let hint = if previous.hint.is_empty() { String::new() } else { format!("…{}", previous.hint) };
    Some(Old { hint, calls: calls(previous.calls), last_used_at: previous.last_used_at, is_refused })
}

/// `1,284 calls`; empty where there is none.
pub(super) fn calls(calls: u64) -> String {
    let number = i64::try_from(calls).unwrap_or(i64::MAX);
    match number {
        0 => String::new(),
        1 => "1 call".to_owned(),
        many => format!("{} calls", grouped(many)),
    }
}
