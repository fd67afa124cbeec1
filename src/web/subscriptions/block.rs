//! Blocking a subscription, for whoever looks after its API, and letting its calls pass again.

use crate::base::error::Error;
use crate::base::id::SubscriptionId;
use crate::domain::accounts::model::{Member, Viewer};
use crate::domain::subscriptions::decide::{self, Extent};
use crate::domain::subscriptions::model::{State as Calls, Subscription};
use crate::web::catalog::frame::{Frame, Pane};
use crate::web::error::Result;
use crate::web::flash::Flash;
use crate::web::form::{Fields, Outcome, Wrong, outcome};
use crate::web::page::{Shell, redirect_with, refuse, show};
use crate::web::path::{At, Major};
use crate::web::state::PortalState;
use crate::web::urls;
use crate::web::viewer::SignedIn;
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "subscriptions/block.html")]
struct Block {
    shell: Shell,
    frame: Frame,
    id: SubscriptionId,
    application: String,
    form: BlockForm,
    wrong: Wrong,
}

/// Which calls, and why.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct BlockForm {
    #[serde(default)]
    calls: String,
    #[serde(default)]
    reason: String,
}

impl Block {
    fn is_production_only(&self) -> bool {
        self.form.calls == Extent::Production.as_str()
    }
}

/// The form.
pub async fn ask(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
) -> Result {
    let subscription = decide::get(&state.ctx, &member, id).await?;
    let extent = if subscription.state == Calls::ProductionBlocked { Extent::Production } else { Extent::All };
    let reason = if subscription.state.is_blocked() { subscription.reason.clone() } else { String::new() };
    let form = BlockForm { calls: extent.as_str().to_owned(), reason };
    show(&page(&state, shell, &member, (subscription, form)).await?)
}

/// Blocks it.
pub async fn block(
    State(state): State<PortalState>,
    shell: Shell,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
    Fields(form): Fields<BlockForm>,
) -> Result {
    let answer = match Extent::parse(&form.calls) {
        Some(extent) => decide::block(&state.ctx, &member, id, (extent, &form.reason)).await,
        None => Err(Error::field("calls", "Choose which calls to refuse.")),
    };
    let subscription = decide::get(&state.ctx, &member, id).await?;
    match outcome(answer)? {
        Outcome::Done(_) => redirect_with(&state, &list(&subscription), Flash::SubscriptionBlocked),
        Outcome::Wrong(wrong) => refuse(&Block { wrong, ..page(&state, shell, &member, (subscription, form)).await? }),
    }
}

/// Lets its calls pass again.
pub async fn unblock(
    State(state): State<PortalState>,
    SignedIn(member): SignedIn,
    At(id): At<SubscriptionId>,
) -> Result {
    let subscription = decide::unblock(&state.ctx, &member, id).await?;
    redirect_with(&state, &list(&subscription), Flash::SubscriptionUnblocked)
}

fn list(subscription: &Subscription) -> String {
    urls::api_subscribers(&subscription.api_name, subscription.major)
}

async fn page(
    state: &PortalState,
    shell: Shell,
    member: &Member,
    (subscription, form): (Subscription, BlockForm),
) -> Result<Block> {
    let (viewer, major) = (Viewer::Member(member.clone()), Major(subscription.major));
    Ok(Block {
        frame: Frame::load(state, &viewer, &subscription.api_name, major, Pane::Subscribers).await?,
        shell,
        id: subscription.id,
        application: subscription.application_name,
        form,
        wrong: Wrong::default(),
    })
}
