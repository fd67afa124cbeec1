//! The roles that a provider gives: with each sign-in as its claim says now, beside those that were given by hand.

use crate::base::error::Result;
use crate::base::id::UserId;
use crate::config::IdentityProvider;
use crate::domain::Ctx;
use crate::domain::accounts::model::Member;
use crate::domain::accounts::providers::identity_store as store;
use crate::domain::accounts::providers::provider::Provider;
use crate::domain::accounts::store as account_store;
use crate::domain::audit;
use crate::domain::audit::model::Actor;
use crate::infra::db::Conn;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Gives the roles that the values open, and takes back those that the same provider gave before and does not any more.
pub(super) async fn follow(
    conn: &mut Conn,
    ctx: &Ctx,
    provider: &Provider,
    member: &Member,
    values: &BTreeSet<String>,
) -> Result<()> {
    let known: BTreeSet<String> = account_store::roles(conn).await?.into_iter().map(|(name, ..)| name).collect();
    let opened = provider.settings.role_rules().filter(|(value, _)| values.contains(*value));
    let (wanted, unknown): (BTreeSet<&str>, BTreeSet<&str>) =
        opened.map(|(_, role)| role).partition(|r| known.contains(*r));
    for role in unknown {
        let name = &provider.name;
        tracing::warn!(
            provider = name,
            role,
            "identity_providers.{name}.roles names the role {role}, which is not there"
        );
    }
    let given = store::roles(conn, member.id, &provider.name).await?;
    for role in wanted.iter().filter(|role| !given.contains(**role)) {
        store::give_role(conn, member.id, (&provider.name, role), ctx.clock.now()).await?;
        let detail = json!({ "role": role, "provider": provider.name });
        let what = ("role.granted", &*member.id.to_string());
        audit::record(conn, ctx, &Actor::from(member), what, None, detail).await?;
    }
    for role in given.iter().filter(|role| !wanted.contains(role.as_str())) {
        take_back(conn, ctx, member.id, (&provider.name, role), &Actor::from(member)).await?;
    }
    Ok(())
}

/// Takes back what providers gave that the configuration does not name any more, or whose rules do not open any more; answers
/// how many. For the start of an instance: nobody keeps a role because the provider has gone that would take it back.
pub async fn take_back_orphans(ctx: &Ctx, providers: &BTreeMap<String, IdentityProvider>) -> Result<usize> {
    let mut tx = ctx.db.begin().await?;
    let is_given = |provider: &str, role: &str| {
        providers.get(provider).is_some_and(|settings| settings.role_rules().any(|(_, opened)| opened == role))
    };
    let all = store::kinds_of_roles(&mut tx).await?;
    let mut count = 0;
    for (provider, role) in all.iter().filter(|(provider, role)| !is_given(provider, role)) {
        for user in store::users_with_role(&mut tx, provider, role).await? {
            take_back(&mut tx, ctx, user, (provider, role), &Actor::CommandLine).await?;
            count += 1;
        }
    }
    tx.commit().await?;
    Ok(count)
}

pub(super) async fn take_back(
    conn: &mut Conn,
    ctx: &Ctx,
    user: UserId,
    (provider, role): (&str, &str),
    actor: &Actor,
) -> Result<()> {
    store::take_role(conn, user, (provider, role)).await?;
    let detail = json!({ "role": role, "provider": provider });
    audit::record(conn, ctx, actor, ("role.revoked", &user.to_string()), None, detail).await
}
