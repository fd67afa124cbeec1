//! The application in a form of an API: one of the member's that are listed, another one by its name, or a new one.

use crate::base::error::{self, Error};
use crate::base::id::{ApiId, ApplicationId};
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::subscriptions::candidates::{self, Candidate};
use crate::domain::subscriptions::model::State;
use crate::web::subscriptions::chip;

/// The value that asks for a new application.
const NEW: &str = "new";
/// The value that asks for one that is not listed.
const OTHER: &str = "other";

/// What was chosen and typed.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub(crate) struct Typed {
    /// An id, `new` or `other`; empty in a form that nobody has filled in yet.
    #[serde(default)]
    pub(crate) application: String,
    /// The name of a new one.
    #[serde(default)]
    pub(crate) application_name: String,
    /// The name of one that is not listed.
    #[serde(default)]
    pub(crate) application_other: String,
}

/// What that means.
pub(crate) enum Picked {
    /// One that is there.
    Existing(ApplicationId),
    /// One that has to be made, by its name.
    New(String),
}

impl Typed {
    /// Which application it is; one that is named is looked up.
    pub(crate) async fn picked(&self, ctx: &Ctx, member: &Member) -> error::Result<Picked> {
        match self.application.as_str() {
            NEW => Ok(Picked::New(self.application_name.clone())),
            OTHER => candidates::named(ctx, member, &self.application_other).await.map(Picked::Existing),
            id => match id.parse() {
                Ok(id) => Ok(Picked::Existing(id)),
                Err(_) => Err(Error::field("application", "Choose an application, or a new one.")),
            },
        }
    }
}

/// The fields, for `catalog/_application_choice.html`.
pub(crate) struct ApplicationChoice {
    /// Those that can be chosen from a list.
    pub(crate) listed: Vec<Candidate>,
    /// Whether the member has more than are listed.
    pub(crate) has_more: bool,
    /// Whether some are not listed because they are not wanted here.
    pub(crate) leaves_out: bool,
    /// What was typed, with what is likeliest chosen.
    pub(crate) typed: Typed,
}

impl ApplicationChoice {
    /// The fields for a major version, with its likeliest application chosen where nothing was.
    pub(crate) async fn load(
        ctx: &Ctx,
        member: &Member,
        on: (ApiId, u16),
        mut typed: Typed,
        wanted: fn(&Candidate) -> bool,
    ) -> error::Result<Self> {
        let mut found = candidates::of_major(ctx, member, on, typed.application.parse().ok()).await?;
        let offered = found.listed.len();
        found.listed.retain(wanted);
        let leaves_out = found.listed.len() < offered;
        if typed.application.is_empty() {
            let likely = found.listed.first().map(|candidate| candidate.id.to_string());
            typed.application = likely.unwrap_or_else(|| if found.has_more { OTHER } else { NEW }.to_owned());
        }
        Ok(Self { listed: found.listed, has_more: found.has_more, leaves_out, typed })
    }

    /// Whether this one is chosen.
    pub(crate) fn is_chosen(&self, candidate: &Candidate) -> bool {
        self.typed.application == candidate.id.to_string()
    }

    /// ` (subscribed)`, or how the subscription stands; empty without one.
    pub(crate) fn standing(candidate: &Candidate) -> String {
        match candidate.state {
            None => String::new(),
            Some(State::Active) => " (subscribed)".to_owned(),
            Some(other) => format!(" ({})", chip::words(other).0.to_lowercase()),
        }
    }

    /// Whether a new one is.
    pub(crate) fn chose_new(&self) -> bool {
        self.typed.application == NEW
    }

    /// Whether one that is not listed is.
    pub(crate) fn chose_other(&self) -> bool {
        self.typed.application == OTHER
    }

    /// What the name of a new one is for.
    pub(crate) fn new_hint(&self) -> &'static str {
        if self.listed.is_empty() && !self.has_more {
            "It stands for the thing you are building."
        } else {
            "Only for a new application."
        }
    }
}
