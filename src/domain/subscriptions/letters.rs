//! Letters about subscriptions: to an API's owners when one is asked for, to the application's owner when it is decided.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::catalog::oversight;
use crate::domain::mail;
use crate::domain::mail::model::{Decision, Letter};
use crate::domain::subscriptions::decision_store::{self, Contact};
use crate::domain::subscriptions::model::Subscription;
use crate::infra::db::Conn;

/// To the API's owners: somebody asks for a plan.
pub(super) async fn requested(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    (subscription, plan): (&Subscription, &str),
) -> Result<()> {
    let letter = Letter::SubscriptionRequested {
        api: subscription.api_name.clone(),
        title: subscription.api_title.clone(),
        major: subscription.major,
        application: subscription.application_name.clone(),
        plan: plan.to_owned(),
        by: member.email.to_string(),
    };
    for owner in oversight::owners(conn, subscription.api).await? {
        // Whoever asks knows.
        if owner != member.email {
            mail::queue(conn, ctx, &owner, &letter).await?;
        }
    }
    Ok(())
}

/// To the application's owner: what was decided about a subscription, or a plan for it.
pub(super) async fn decided(
    conn: &mut Conn,
    ctx: &Ctx,
    member: &Member,
    (subscription, plan): (&Subscription, &str),
    (decision, reason): (Decision, &str),
) -> Result<()> {
    let Some(Contact { owner, is_direct }) = decision_store::contact(conn, subscription.application).await? else {
        return Ok(());
    };
    if owner == member.email {
        return Ok(());
    }
    let letter = Letter::SubscriptionDecided {
        application: (!is_direct).then_some(subscription.application),
        name: subscription.application_name.clone(),
        api: subscription.api_name.clone(),
        title: subscription.api_title.clone(),
        major: subscription.major,
        plan: plan.to_owned(),
        decision,
        reason: reason.to_owned(),
    };
    mail::queue(conn, ctx, &owner, &letter).await?;
    Ok(())
}
