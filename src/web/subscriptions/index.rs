//! Subscription Management: what an application is subscribed to.

use crate::base::environment::Environment;
use crate::base::id::{ApplicationId, SubscriptionId};
use crate::domain::applications::manage;
use crate::domain::subscriptions::decide;
use crate::domain::subscriptions::model::{State as Calls, Subscription};
use crate::domain::subscriptions::subscribe;
use crate::domain::usage::quotas::{self, Standing};
use crate::web::applications::frame::{Frame, Tab};
use crate::web::error::Result;
use crate::web::page::{Shell, show};
use crate::web::path::At;
use crate::web::state::PortalState;
use crate::web::subscriptions::chip::Chip;
use crate::web::viewer::SignedIn;
use crate::web::{filters, urls, words};
use askama::Template;
use axum::extract::State;
use time::OffsetDateTime;

#[derive(Template)]
#[template(path = "subscriptions/index.html")]
struct Index {
    shell: Shell,
    frame: Frame,
    subscriptions: Vec<Row>,
}

struct Row {
    id: SubscriptionId,
    title: String,
    api_url: String,
    major: u16,
    plan: String,
    /// How much of the plan's quota is left, if it has one.
    quota: Option<String>,
    chip: Chip,
    /// Since when a decision is awaited.
    requested_at: Option<OffsetDateTime>,
    /// What its owner may do, besides removing it: label, icon and link.
    plan_action: Option<&'static str>,
    /// Takes back the wish for another plan.
    has_change: bool,
    /// Removing, or withdrawing: none while it is blocked.
    removal: Option<&'static str>,
    created_at: OffsetDateTime,
    menu_id: String,
    menu_label: String,
}

impl Index {
    /// The column heads; a reader has no actions.
    fn heads(&self) -> &'static [&'static str] {
        const HEADS: [&str; 6] = ["API", "Version", "Subscription Policy", "Status", "Since", ""];
        if self.frame.is_own { &HEADS } else { HEADS.split_last().map_or(&[], |(_, heads)| heads) }
    }
}

impl Row {
    fn new(subscription: Subscription, standing: Option<&Standing>) -> Self {
        Self {
            chip: Chip::from(&subscription),
            requested_at: decide::requested(&subscription).and(subscription.requested_at),
            plan_action: match subscription.state {
                Calls::Blocked => None,
                Calls::Rejected => Some("Request again"),
                _ => Some("Change plan"),
            },
            has_change: subscription.change.is_some(),
            removal: match subscription.state {
                Calls::Blocked | Calls::ProductionBlocked => None,
                Calls::Pending => Some("Withdraw request"),
                _ => Some("Remove"),
            },
            id: subscription.id,
            api_url: urls::api(&subscription.api_name, subscription.major),
            menu_id: format!("menu-{}", subscription.id),
            menu_label: format!("Actions for {} v{}", subscription.api_title, subscription.major),
            title: subscription.api_title,
            major: subscription.major,
            plan: subscription.plan_title,
            quota: standing.map(words::quota_left),
            created_at: subscription.created_at,
        }
    }
}

/// The list.
pub async fn index(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<ApplicationId>,
) -> Result {
    let reached = manage::get(&state.ctx, &member, id).await?;
    let standings = quotas::of_application(&state.ctx, &member, id).await?;
    let row = |subscription: Subscription| {
        let standing = standings.get(&subscription.id);
        Row::new(subscription, standing)
    };
    let subscriptions = subscribe::of_application(&state.ctx, &member, id).await?.into_iter().map(row).collect();
    show(&Index { shell, frame: Frame::new(&reached, Tab::Subscriptions), subscriptions })
}
