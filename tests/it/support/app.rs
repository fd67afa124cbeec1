//! The whole product on random ports, over a database of its own, with a fixed clock and seeded randomness.

use crate::support::db;
use portico::app::App;
use portico::base::clock::Clock;
use portico::base::environment::Environment;
use portico::base::random::Random;
use portico::config::Config;
use portico::domain::Ctx;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use time::macros::datetime;

/// A running instance. It stops with the test.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) ctx: Ctx,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
}

impl TestApp {
    /// Starts one with the default configuration.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts one whose configuration `change` has changed.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let app = Self::start_unready(&db::fresh().await, change).await;
        app.app.ready().await;
        app
    }

    /// Starts one that goes by the system's clock: for programs that look at the time themselves.
    pub(crate) async fn start_in_real_time() -> Self {
        let app = Self::start_at(Clock::System, &db::fresh().await, |_| {}).await;
        app.app.ready().await;
        app
    }

    /// Starts one again that was stopped: the same configuration, over the same database.
    pub(crate) async fn again(config: Config, clock: Clock) -> Self {
        let app = Box::pin(App::start(config.clone(), clock.clone(), Random::seeded(8))).await.unwrap();
        app.ready().await;
        Self { ctx: app.ctx.clone(), app, clock, config }
    }

    /// Starts one over this database and does not wait for its route table.
    pub(crate) async fn start_unready(options: &PgConnectOptions, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(Clock::fixed(datetime!(2026-11-24 12:00 UTC)), options, change).await
    }

    async fn start_at(clock: Clock, options: &PgConnectOptions, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.database.url = Some(db::url(options));
        config.database.max_connections = 6;
        config.data_dir = Some(db::scratch(options.get_database().unwrap()));
        let any = "127.0.0.1:0".parse().unwrap();
        config.portal.listen = any;
        config.operations.listen = any;
        config.gateway.production.listen = any;
        config.gateway.sandbox.listen = any;
        config.gateway.threads = 1;
        change(&mut config);
        // On the heap: it is large, and the threads of a test have small stacks.
        let app = Box::pin(App::start(config.clone(), clock.clone(), Random::seeded(7))).await.unwrap();
        Self { ctx: app.ctx.clone(), app, clock, config }
    }

    pub(crate) fn portal(&self, path: &str) -> String {
        format!("{}{path}", self.app.urls.portal)
    }

    pub(crate) fn gateway(&self, environment: Environment, path: &str) -> String {
        format!("{}{path}", self.app.urls.gateway(environment))
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.ctx.db.pool()
    }

    /// Waits until the gateway has heard of everything that is committed now.
    pub(crate) async fn settle(&self) {
        self.app.caught_up().await.unwrap();
    }
}
