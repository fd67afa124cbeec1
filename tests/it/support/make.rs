//! Arranging: people, published APIs, applications. Everything goes through the domain, as in the product.

use crate::support::app::TestApp;
use crate::support::db;
use portico::domain::accounts::model::Member;
use portico::domain::accounts::users::{self, NewUser};
use portico::domain::audit::model::Actor;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A person with these roles; the address is `{name}@example.com`.
pub(crate) async fn member(app: &TestApp, name: &str, roles: &[&str]) -> Member {
    let roles = roles.iter().map(|r| (*r).to_owned()).collect();
    let new = NewUser::parse(name, &format!("{name}@example.com"), roles, Some(PASSWORD)).unwrap();
    users::add(&app.ctx, new, &Actor::CommandLine).await.unwrap()
}

/// A developer who may hold production credentials.
pub(crate) async fn developer(app: &TestApp, name: &str) -> Member {
    member(app, name, &["developer", "production"]).await
}

/// Publishes a manifest given as text.
pub(crate) async fn publish(app: &TestApp, manifest: &str) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let dir = db::scratch(&format!("manifest-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    let file = dir.join("portico.yaml");
    std::fs::write(&file, manifest).unwrap();
    portico::domain::publishing::apply::apply_path(&app.ctx, &file).await.unwrap_or_else(|e| panic!("{e:?}"));
    app.settle().await;
}

/// Stores the policies of an API as they are, past every check: for those that no manifest could ask for.
pub(crate) async fn policies(app: &TestApp, api: &str, policies: &serde_json::Value) {
    let update = sqlx::query("update apis set policies = $1 where name = $2").bind(policies).bind(api);
    assert_eq!(update.execute(app.pool()).await.unwrap().rows_affected(), 1);
    app.settle().await;
}
