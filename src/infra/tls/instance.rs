//! All the TLS of an instance: what its listeners show, what its backends are spoken to with, and who looks at the files.

use crate::base::environment::Environment;
use crate::config::Config;
use crate::infra::tls::client::Profile;
use crate::infra::tls::server::Server;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the configuration says about TLS, read from its files. The default has none.
#[derive(Default)]
pub struct Tls {
    /// The portal's certificate; none: plain HTTP.
    pub portal: Option<Arc<Server>>,
    /// The operations listener's.
    pub operations: Option<Arc<Server>>,
    /// The gateway's for production.
    pub production: Option<Arc<Server>>,
    /// The gateway's for the sandbox.
    pub sandbox: Option<Arc<Server>>,
    /// The sections `[gateway.backend_tls.NAME]`.
    profiles: BTreeMap<String, Profile>,
}

impl Tls {
    /// Reads every file once. The error is one line that names the setting and the file. Blocks while it reads.
    pub fn open(config: &Config) -> Result<Self, String> {
        let gateway = &config.gateway;
        let profiles = gateway.backend_tls.iter();
        let profiles = profiles.map(|(name, profile)| Ok((name.clone(), Profile::open(name, profile)?)));
        Ok(Self {
            portal: Server::open("portal.tls", &config.portal.tls)?,
            operations: Server::open("operations.tls", &config.operations.tls)?,
            production: Server::open("gateway.production.tls", &gateway.production.tls)?,
            sandbox: Server::open("gateway.sandbox.tls", &gateway.sandbox.tls)?,
            profiles: profiles.collect::<Result<_, String>>()?,
        })
    }

    /// The certificate of the gateway's listener of this environment.
    pub fn gateway(&self, environment: Environment) -> Option<&Arc<Server>> {
        match environment {
            Environment::Production => self.production.as_ref(),
            Environment::Sandbox => self.sandbox.as_ref(),
        }
    }

    /// The section `[gateway.backend_tls.NAME]`, if there is one.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// Certificates that have expired or do not hold yet, by the machine's clock: a line each.
    pub fn faults(&self) -> Vec<String> {
        let servers = self.servers().filter_map(|server| server.fault());
        servers.chain(self.profiles.values().filter_map(Profile::fault)).collect()
    }

    /// Each certificate of ours, by its section of the configuration, and when it expires in seconds since the epoch.
    pub fn expiries(&self) -> Vec<(String, i64)> {
        let servers = self.servers().filter_map(|server| Some((server.section().to_owned(), server.expires_at()?)));
        let profiles = self.profiles.values().filter_map(|p| Some((p.section().to_owned(), p.expires_at()?)));
        servers.chain(profiles).collect()
    }

    /// Reads the files again, and takes what has changed and can be used. Blocks while it reads.
    pub fn look(&self) {
        self.servers().for_each(|server| server.look());
        self.profiles.values().for_each(Profile::look);
    }

    /// Looks every few seconds and on SIGHUP, until `stop` says true.
    pub async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        if self.servers().next().is_none() && self.profiles.is_empty() {
            // Without a file to read again, SIGHUP keeps what it means to a process in a terminal that was closed.
            return;
        }
        let mut hangup = signal(SignalKind::hangup()).inspect_err(|error| {
            tracing::warn!(%error, "SIGHUP cannot be heard; TLS files are looked at every few seconds all the same");
        });
        loop {
            let signalled = async {
                match &mut hangup {
                    Ok(hangup) => hangup.recv().await,
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = signalled => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let tls = Arc::clone(&self);
            // A panic inside would be ours to log; the next look comes all the same.
            let _ = tokio::task::spawn_blocking(move || tls.look()).await;
        }
    }

    fn servers(&self) -> impl Iterator<Item = &Arc<Server>> {
        [&self.portal, &self.operations, &self.production, &self.sandbox].into_iter().flatten()
    }
}
