//! The composition root: from a configuration to a running portal, token endpoint, gateway and operations listener.

use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::base::tally::{Credential, Tally, TallyKey};
use crate::config::{Config, Urls};
use crate::domain::accounts::sessions::Lifetime;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::master_key::MasterKey;
use crate::domain::{Ctx, credentials, usage};
use crate::gateway::{self, Gateway, GatewayParts};
use crate::infra::database::{self, Database};
use crate::infra::watch;
use crate::jobs;
use crate::serve;
use crate::web;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch as signal;
use tokio::task::JoinSet;

/// How long requests in flight may take to finish after a stop was asked for.
pub const DRAIN: Duration = Duration::from_secs(30);

/// A running instance.
pub struct App {
    /// The public base URLs.
    pub urls: Urls,
    /// The address of the portal's listener; a proxy may stand between it and `urls.portal`.
    pub portal: SocketAddr,
    /// The address of the operations listener.
    pub operations: SocketAddr,
    /// What every activity needs.
    pub ctx: Ctx,
    /// The token issuer.
    pub issuer: Arc<Issuer>,
    gateway: Gateway,
    tasks: JoinSet<()>,
    stop: signal::Sender<bool>,
    database: Database,
}

/// Every socket, bound before anything else happens: a port in use must change nothing.
struct Sockets {
    portal: TcpListener,
    operations: TcpListener,
    production: Vec<std::net::TcpListener>,
    sandbox: Vec<std::net::TcpListener>,
}

impl App {
    /// Starts everything. The error is one line that says what to do.
    pub async fn start(config: Config, clock: Clock, random: Random) -> Result<Self, String> {
        let sockets = bind(&config).await?;
        let urls = urls(&config, &sockets)?;
        let database = Database::open(&config).await?;
        database.db.migrate().await.map_err(|error| database::explain_migration(&error))?;

        let ctx = Ctx::new(database.db.clone(), clock, random);
        let master_key = MasterKey::load(config.oauth.master_key.as_deref(), &database.data_dir, &ctx.random)?;
        let issuer = Issuer::start(&ctx, master_key, urls.clone(), &config.oauth)
            .await
            .map_err(|error| format!("signing keys: {error}"))?;
        let issuer = Arc::new(issuer);

        let gateway = Gateway::start(GatewayParts {
            config: config.gateway.clone(),
            urls: urls.clone(),
            db: ctx.db.clone(),
            clock: ctx.clock.clone(),
            random: ctx.random.clone(),
            production: sockets.production,
            sandbox: sockets.sandbox,
            sink: sink(ctx.clone()),
        })
        .map_err(|error| format!("gateway: {error}"))?;

        let lifetime = Lifetime::from_seconds(config.portal.session_idle_seconds, config.portal.session_max_seconds);
        let portal =
            web::router(web::PortalState::new(ctx.clone(), Arc::clone(&issuer), &config, urls.clone(), lifetime));
        let portal_address = sockets.portal.local_addr().map_err(|error| error.to_string())?;
        let operations_address = sockets.operations.local_addr().map_err(|error| error.to_string())?;
        let operations = web::ops::router(web::ops::Probes {
            ready: Arc::new({
                let readiness = gateway.readiness();
                move || readiness.is_ready()
            }),
            metrics: Arc::new({
                let metrics = gateway.metrics();
                move || metrics.render()
            }),
        });

        let (stop, stopping) = signal::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve::http(sockets.portal, portal, stopping.clone(), DRAIN));
        tasks.spawn(serve::http(sockets.operations, operations, stopping.clone(), DRAIN));
        tasks.spawn(jobs::follow_changes(ctx.clone(), Arc::clone(&issuer), stopping.clone()));
        tasks.spawn(jobs::rotate_signing_keys(ctx.clone(), Arc::clone(&issuer), stopping.clone()));
        tasks.spawn(jobs::tidy(ctx.clone(), lifetime, stopping));
        Ok(Self {
            urls,
            portal: portal_address,
            operations: operations_address,
            ctx,
            issuer,
            gateway,
            tasks,
            stop,
            database,
        })
    }

    /// Waits until the gateway has its route table.
    pub async fn ready(&self) {
        self.gateway.readiness().wait().await;
    }

    /// Waits until gateway and issuer have taken in everything that is committed now.
    pub async fn caught_up(&self) -> Result<(), sqlx::Error> {
        let revision = watch::revision(self.ctx.db.pool()).await?;
        self.gateway.reached(revision).await;
        self.issuer.reached(revision).await;
        Ok(())
    }

    /// The running gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Where the instance keeps its files.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.database.data_dir
    }

    /// Resolves when the embedded Postgres has gone and could not be brought back; the error says what to do.
    pub async fn failure(&mut self) -> String {
        self.database.failure().await
    }

    /// Stops: listeners close, requests in flight finish, usage is written, the embedded Postgres stops.
    pub async fn drain(mut self) {
        self.stop.send_replace(true);
        self.gateway.shutdown(DRAIN).await;
        while self.tasks.join_next().await.is_some() {}
        self.database.close().await;
    }
}

async fn bind(config: &Config) -> Result<Sockets, String> {
    let threads = gateway::listen::threads(config.gateway.threads);
    let gateway =
        |key: &str, address| gateway::listen::bind(address, threads).map_err(|error| refused(key, address, &error));
    Ok(Sockets {
        portal: listen("portal.listen", config.portal.listen).await?,
        operations: listen("operations.listen", config.operations.listen).await?,
        production: gateway("gateway.production.listen", config.gateway.production.listen)?,
        sandbox: gateway("gateway.sandbox.listen", config.gateway.sandbox.listen)?,
    })
}

async fn listen(key: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| refused(key, address, &error))
}

/// Why an address cannot be listened on, and what to do.
pub(crate) fn refused(key: &str, address: SocketAddr, error: &std::io::Error) -> String {
    let what = match error.kind() {
        std::io::ErrorKind::AddrInUse => "another process listens there; stop it or choose another address",
        std::io::ErrorKind::PermissionDenied => "ports below 1024 take privileges; choose a higher port",
        std::io::ErrorKind::AddrNotAvailable => "this machine has no such address; choose one that it has",
        _ => return format!("{key}: cannot listen on {address}: {error}"),
    };
    format!("{key}: cannot listen on {address}: {what}")
}

fn urls(config: &Config, sockets: &Sockets) -> Result<Urls, String> {
    let address = |listener: Option<&std::net::TcpListener>| {
        listener
            .ok_or_else(|| "gateway.threads: there must be at least one".to_owned())
            .and_then(|l| l.local_addr().map_err(|error| error.to_string()))
    };
    let portal = sockets.portal.local_addr().map_err(|error| error.to_string())?;
    Ok(Urls::resolve(config, portal, address(sockets.production.first())?, address(sockets.sandbox.first())?))
}

/// What the gateway's tallies go into: usage, and when each credential was last called with.
fn sink(ctx: Ctx) -> gateway::meter::Sink {
    Arc::new(move |batch: Vec<(TallyKey, Tally)>| {
        let ctx = ctx.clone();
        Box::pin(async move {
            let mut tx = ctx.db.begin().await?;
            usage::record::batch(&mut tx, &batch).await?;
            let (mut keys, mut clients) = (BTreeMap::new(), BTreeMap::new());
            for (key, _) in &batch {
                match &key.credential {
                    Credential::None => {}
                    Credential::ApiKey(id) => _ = keys.insert(*id, key.minute),
                    Credential::Client(id) => _ = clients.insert(id.to_string(), key.minute),
                }
            }
            let (keys, clients): (Vec<_>, Vec<_>) = (keys.into_iter().collect(), clients.into_iter().collect());
            credentials::touch(&mut tx, &keys, &clients).await?;
            tx.commit().await?;
            Ok(())
        })
    })
}
