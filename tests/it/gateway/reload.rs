//! What the database says counts: lost announcements, gaps in the log, and a database that is away.

use crate::gateway::{Gate, assert_refused, key, pets};
use crate::support::{db, http, make};
use portico::domain::credentials::api_keys;
use portico::infra::db::Db;
use portico::infra::watch::{self, Changes, Follower};
use sqlx::{AssertSqlSafe, Executor as _};

const PATH: &str = "/shop/pets/v1/cats";

#[tokio::test]
async fn a_route_appears_changes_and_goes_without_a_restart() {
    let gate = Gate::open().await;
    let backend = gate.upstream.url("/other");
    let dogs =
        |state| pets(&[("1.0", state, &*backend)]).replace("name: pets", "name: dogs").replace("shop/pets", "dogs");
    assert_refused(&http::get(&gate.url("/dogs/v1/x"), &[]).await, 404, "404");
    make::publish(&gate.app, &dogs("published")).await;
    assert_refused(&http::get(&gate.url("/dogs/v1/x"), &[]).await, 401, "900902");
    make::publish(&gate.app, &dogs("published").replace("plans: [bronze, gold]", "auth: []")).await;
    assert_eq!(http::get(&gate.url("/dogs/v1/x"), &[]).await.status, 200);
    make::publish(&gate.app, &dogs("retired").replace("plans: [bronze, gold]", "auth: []")).await;
    assert_refused(&http::get(&gate.url("/dogs/v1/x"), &[]).await, 404, "404");
}

#[tokio::test]
async fn a_change_counts_although_the_listener_was_killed() {
    let gate = Gate::open().await;
    for _ in 0..3 {
        gate.app
            .pool()
            .execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%'")
            .await
            .unwrap();
        let issued = key(&gate.app, &gate.member, "pets", "next").await;
        assert_eq!(gate.get_with(PATH, issued.secret.expose()).await.status, 200);
        api_keys::delete(&gate.app.ctx, &gate.member, issued.key.id).await.unwrap();
        gate.app.settle().await;
        assert_refused(&gate.get_with(PATH, issued.secret.expose()).await, 401, "900901");
    }
}

#[tokio::test]
async fn while_the_database_is_away_what_is_known_goes_on_and_the_rest_is_503() {
    let gate = Gate::open().await;
    let second = key(&gate.app, &gate.member, "pets", "second").await;
    assert_eq!(gate.get(PATH).await.status, 200);
    let mut admin = db::admin().await;
    let database = gate.app.pool().connect_options().get_database().unwrap().to_owned();
    let away = format!("alter database {database} allow_connections false");
    admin.execute(AssertSqlSafe(away)).await.unwrap();
    let kill = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'");
    admin.execute(AssertSqlSafe(kill)).await.unwrap();

    assert_eq!(gate.get(PATH).await.status, 200, "it was seen before");
    assert_refused(&gate.get_with(PATH, second.secret.expose()).await, 503, "503");
    assert_refused(&gate.get_with(PATH, "nonsense").await, 401, "900901");

    let back = format!("alter database {database} allow_connections true");
    admin.execute(AssertSqlSafe(back)).await.unwrap();
    gate.app.settle().await;
    assert_eq!(gate.get_with(PATH, second.secret.expose()).await.status, 200, "a failed look-up is not remembered");
}

#[tokio::test]
async fn a_follower_that_was_away_too_long_reads_everything_again() {
    let db = Db::connect(db::fresh().await, 3).await.unwrap();
    let mut follower = Follower::new(db.pool().clone());
    let first = follower.next().await.unwrap();
    assert_eq!(first.changes, Changes::All);
    follower.done(first.revision);

    let touch = "update plans set title = title where name = 'bronze'";
    db.pool().execute(touch).await.unwrap();
    let news = follower.next().await.unwrap();
    assert_eq!(news.revision, first.revision + 1);
    let Changes::Listed(changes) = &news.changes else { panic!("{news:?}") };
    assert_eq!((changes.len(), &*changes[0].subject), (1, "catalog"));

    // Not taken in, so it comes again, with what has happened since; one transaction is one change.
    let mut tx = db.pool().begin().await.unwrap();
    tx.execute(touch).await.unwrap();
    tx.execute(touch).await.unwrap();
    tx.commit().await.unwrap();
    let news = follower.next().await.unwrap();
    let Changes::Listed(changes) = &news.changes else { panic!("{news:?}") };
    assert_eq!(changes.iter().map(|change| change.revision - first.revision).collect::<Vec<_>>(), [1, 2]);

    db.pool().execute("update gateway_changes set changed_at = now() - interval '2 hours'").await.unwrap();
    db.pool().execute(touch).await.unwrap();
    assert!(watch::prune(db.pool()).await.unwrap() >= 2);
    assert_eq!(follower.next().await.unwrap().changes, Changes::All);
}
