//! The composition root: from a configuration to a running portal, token endpoint, gateway and operations listener.

use crate::base::clock::Clock;
use crate::base::environment::Environment;
use crate::base::random::Random;
use crate::base::tally::Batch;
use crate::config::{Config, Urls};
use crate::domain::accounts::delivery::Delivery;
use crate::domain::accounts::providers::provider::Providers;
use crate::domain::accounts::providers::roles;
use crate::domain::accounts::sessions::Lifetime;
use crate::domain::oauth::issuer::Issuer;
use crate::domain::oauth::master_key::MasterKey;
use crate::domain::{Ctx, usage};
use crate::gateway::limits::QuotaLedger;
use crate::gateway::{self, Gateway, GatewayParts};
use crate::infra::database::{self, Database};
use crate::infra::mail::Mailer;
use crate::infra::own_listener::{Answer, OwnListener};
use crate::infra::tls::instance::Tls;
use crate::infra::watch;
use crate::jobs;
use crate::serve;
use crate::web;
use crate::web::console::own_gateway::{self as console, OwnGateway};
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
    delivery: Arc<Delivery>,
    tls: Arc<Tls>,
    tasks: JoinSet<()>,
    stop: signal::Sender<bool>,
    /// The operations listener ends last: it tells how the rest ends.
    stop_operations: signal::Sender<bool>,
    withdraw: Duration,
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
        let tls = certificates(&config).await?;
        let providers = identity_providers(&config).await?;
        let mailer = Mailer::open(&config, &config.data_dir(), &urls)?;
        let look = web::look::Look::load(&config.brand)?;
        let database = Database::open(&config).await?;
        database.db.migrate().await.map_err(|error| database::explain_migration(&error))?;

        let ctx = Ctx::new(database.db.clone(), clock, random);
        roles::take_back_orphans(&ctx, &config.identity_providers)
            .await
            .map_err(|error| format!("roles of identity providers: {error}"))?;
        let master_key = MasterKey::load(config.oauth.master_key.as_deref(), &database.data_dir, &ctx.random)?;
        let issuer = Issuer::start(&ctx, master_key, urls.clone(), &config.oauth)
            .await
            .map_err(|error| format!("signing keys: {error}"))?;
        let issuer = Arc::new(issuer);

        let own_gateway = own_gateway(&sockets, &tls)?;
        let gateway = Gateway::start(GatewayParts {
            config: config.gateway.clone(),
            urls: urls.clone(),
            db: ctx.db.clone(),
            clock: ctx.clock.clone(),
            random: ctx.random.clone(),
            production: sockets.production,
            sandbox: sockets.sandbox,
            tls: Arc::clone(&tls),
            signer: signer(Arc::clone(&issuer)),
            sink: sink(ctx.clone()),
            ledger: ledger(&ctx),
            refused: refused_calls(ctx.clone()),
        })
        .map_err(|error| format!("gateway: {error}"))?;

        let lifetime = Lifetime::from_seconds(config.portal.session_idle_seconds, config.portal.session_max_seconds);
        let state = web::PortalState::new(ctx.clone(), Arc::clone(&issuer), &config, urls.clone(), lifetime, look);
        let portal = web::router(state.with_gateway(own_gateway).with_providers(providers));
        let portal_address = sockets.portal.local_addr().map_err(|error| error.to_string())?;
        let operations_address = sockets.operations.local_addr().map_err(|error| error.to_string())?;
        let operations = web::ops::router(web::ops::Probes {
            ready: Arc::new({
                let readiness = gateway.readiness();
                move || readiness.now()
            }),
            metrics: Arc::new({
                let metrics = gateway.metrics();
                move || metrics.render()
            }),
        });

        let (stop, stopping) = signal::channel(false);
        let mut tasks = JoinSet::new();
        let (stop_operations, operations_stopping) = signal::channel(false);
        tasks.spawn(serve::http((sockets.portal, tls.portal.clone()), portal, stopping.clone(), DRAIN));
        tasks.spawn(serve::http((sockets.operations, tls.operations.clone()), operations, operations_stopping, DRAIN));
        tasks.spawn(Arc::clone(&tls).follow(stopping.clone()));
        tasks.spawn(jobs::follow_changes(ctx.clone(), Arc::clone(&issuer), stopping.clone()));
        tasks.spawn(jobs::reread_definitions(ctx.clone()));
        tasks.spawn(jobs::rotate_signing_keys(ctx.clone(), Arc::clone(&issuer), stopping.clone()));
        let keep = jobs::Keep { usage_days: config.usage.keep_days, refusals_days: config.gateway.refusals.keep_days };
        let delivery = Arc::new(Delivery::new(&config, mailer, &urls));
        tasks.spawn(jobs::send_mail(ctx.clone(), Arc::clone(&delivery), stopping.clone()));
        tasks.spawn(jobs::tidy(ctx.clone(), lifetime, keep, stopping));
        Ok(Self {
            urls,
            portal: portal_address,
            operations: operations_address,
            ctx,
            issuer,
            gateway,
            delivery,
            tls,
            tasks,
            stop,
            stop_operations,
            withdraw: Duration::from_secs(config.operations.withdraw_seconds.into()),
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

    /// Sends the mails that are due now, and not only at the next of the rounds that come by themselves.
    pub async fn send_mail(&self) -> Result<(), crate::base::error::Error> {
        while self.delivery.run(&self.ctx).await? > 0 {}
        Ok(())
    }

    /// The running gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Looks at the TLS files now, and not only at the next of the looks that come by themselves.
    pub async fn look_at_certificates(&self) {
        let tls = Arc::clone(&self.tls);
        // An error would be a panic of ours, and was logged as such.
        let _ = tokio::task::spawn_blocking(move || tls.look()).await;
    }

    /// The URL of the operations listener, which has no public one.
    pub fn operations_url(&self) -> String {
        let scheme = if self.tls.operations.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.operations)
    }

    /// Where the instance keeps its files.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.database.data_dir
    }

    /// Resolves when the embedded Postgres has gone and could not be brought back; the error says what to do.
    pub async fn failure(&mut self) -> String {
        self.database.failure().await
    }

    /// Stops: it is not ready any more; after the time for a load balancer to see that, listeners close, requests in
    /// flight finish, usage is written, the embedded Postgres stops.
    pub async fn drain(mut self) {
        self.gateway.withdraw();
        tokio::time::sleep(self.withdraw).await;
        self.stop.send_replace(true);
        self.gateway.shutdown(DRAIN).await;
        self.stop_operations.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.database.close().await;
    }
}

/// Every certificate and key that the configuration names.
async fn certificates(config: &Config) -> Result<Arc<Tls>, String> {
    let config = config.clone();
    let tls = tokio::task::spawn_blocking(move || Tls::open(&config)).await.map_err(|error| error.to_string())??;
    for fault in tls.faults() {
        tracing::error!("{fault}; clients will refuse it");
    }
    Ok(Arc::new(tls))
}

/// The providers that people may sign in with.
async fn identity_providers(config: &Config) -> Result<Arc<Providers>, String> {
    let config = config.clone();
    let opened = tokio::task::spawn_blocking(move || Providers::open(&config)).await;
    Ok(Arc::new(opened.map_err(|error| error.to_string())??))
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

/// Signs what the gateway says about callers, with the key that signs access tokens at that moment.
fn signer(issuer: Arc<Issuer>) -> gateway::assertion::Signer {
    Arc::new(move |claims: &_| issuer.access_key().sign(gateway::assertion::ASSERTION, claims))
}

/// How the portal calls the gateway of this process on behalf of somebody whose browser runs no script.
fn own_gateway(sockets: &Sockets, tls: &Tls) -> Result<OwnGateway, String> {
    let listener = |sockets: &[std::net::TcpListener], environment| {
        let socket = sockets.first().ok_or_else(|| "gateway.threads: there must be at least one".to_owned())?;
        let address = socket.local_addr().map_err(|error| error.to_string())?;
        Ok::<_, String>(OwnListener::new(address, tls.gateway(environment).cloned()))
    };
    let production = listener(&sockets.production, Environment::Production)?;
    let sandbox = listener(&sockets.sandbox, Environment::Sandbox)?;
    Ok(OwnGateway::new(move |environment, request| {
        let listener = match environment {
            Environment::Production => production.clone(),
            Environment::Sandbox => sandbox.clone(),
        };
        Box::pin(async move {
            let Answer { head, body, is_cut } = listener.call(request).await?;
            Ok(console::Answer { status: head.status(), headers: head.headers().clone(), body, is_cut })
        })
    }))
}

/// What the gateway's tallies go into: usage, and when each credential was last called with.
fn sink(ctx: Ctx) -> gateway::meter::Sink {
    let writer = Arc::new(usage::record::Writer::default());
    Arc::new(move |batch: Batch| {
        let (ctx, writer) = (ctx.clone(), Arc::clone(&writer));
        Box::pin(async move { writer.write(&ctx, &batch).await })
    })
}

/// What the gateway's quotas are taken from: usage.
fn ledger(ctx: &Ctx) -> QuotaLedger {
    let (lease, give_back) = (ctx.clone(), ctx.clone());
    QuotaLedger {
        lease: Arc::new(move |ask| {
            let ctx = lease.clone();
            Box::pin(async move { usage::quotas::lease(&mut *ctx.conn().await?, &ask).await })
        }),
        give_back: Arc::new(move |unused| {
            let ctx = give_back.clone();
            Box::pin(async move { usage::quotas::give_back(&mut *ctx.conn().await?, &unused).await })
        }),
    }
}

/// What the gateway's refused calls go into.
fn refused_calls(ctx: Ctx) -> gateway::refused_calls::Sink {
    Arc::new(move |batch| {
        let ctx = ctx.clone();
        Box::pin(async move {
            let mut tx = ctx.db.begin().await?;
            usage::refusals::batch(&mut tx, &batch).await?;
            tx.commit().await?;
            Ok(())
        })
    })
}
