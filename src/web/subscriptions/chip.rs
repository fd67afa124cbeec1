//! The state of a subscription in words, the same on every page.

use crate::domain::subscriptions::model::{Change, ChangeState, State, Subscription};

/// For `ui::state`, with what there is to say besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    /// In a word or two.
    pub(crate) text: &'static str,
    /// Its colour.
    pub(crate) tone: &'static str,
    /// Why, and what else waits; each a sentence or less.
    pub(crate) notes: Vec<String>,
}

impl Chip {
    /// Of a state and the reason that was given for it.
    pub(crate) fn new(state: State, reason: &str, change: Option<&Change>) -> Self {
        let (text, tone) = words(state);
        let mut notes = Vec::new();
        notes.extend((!reason.is_empty()).then(|| reason.to_owned()));
        notes.extend(change.map(self::change));
        Self { text, tone, notes }
    }
}

impl From<&Subscription> for Chip {
    fn from(subscription: &Subscription) -> Self {
        Self::new(subscription.state, &subscription.reason, subscription.change.as_ref())
    }
}

/// A state and its tone.
pub(crate) fn words(state: State) -> (&'static str, &'static str) {
    match state {
        State::Pending => ("Pending", "is-warn"),
        State::Active => ("Active", "is-ok"),
        State::ProductionBlocked => ("Blocked in production", "is-bad"),
        State::Blocked => ("Blocked", "is-bad"),
        State::Rejected => ("Rejected", "is-bad"),
    }
}

/// What became of the wish for another plan.
pub(crate) fn change(Change { plan_title, state, reason, .. }: &Change) -> String {
    match state {
        ChangeState::Requested => format!("Change to {plan_title} requested"),
        ChangeState::Rejected if reason.is_empty() => format!("Change to {plan_title} rejected"),
        ChangeState::Rejected => format!("Change to {plan_title} rejected: {reason}"),
    }
}
