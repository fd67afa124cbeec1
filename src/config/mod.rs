//! What the operator chooses: `config.toml`, then `PORTICO_…` variables, then flags. Every key has a default.

mod brand;
mod counter;
mod gateway_logs;
mod identity_providers;
pub mod keys;
pub mod load;
mod mail;
mod tls;
mod urls;
mod validate;

pub use brand::{Brand, Logo, footer_link};
pub use counter::{Counter, OnFailure};
pub use gateway_logs::{AccessLog, AccessLogField, AccessLogFormat, ContinueFrom, Refusals, Trace};
pub use identity_providers::IdentityProvider;
pub use mail::{Accounts, Mail, MailTo, Smtp};
pub use tls::{BackendTls, ListenerTls};
pub use urls::Urls;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The whole configuration. `config.example.toml` explains each key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the embedded Postgres, the master key, mails without a server and nothing else live. Default: see [`Config::data_dir`].
    pub data_dir: Option<PathBuf>,
    /// Pages and the token endpoint.
    pub portal: Portal,
    /// The two gateways.
    pub gateway: Gateway,
    /// Health, readiness and metrics.
    pub operations: Operations,
    /// Postgres.
    pub database: Database,
    /// Tokens.
    pub oauth: OAuth,
    /// Who may have an account.
    pub accounts: Accounts,
    /// The OpenID Connect providers that people may sign in with, by names that stand in addresses.
    pub identity_providers: BTreeMap<String, IdentityProvider>,
    /// How mail leaves.
    pub mail: Mail,
    /// What is kept of calls.
    pub usage: Usage,
    /// Log lines.
    pub log: Log,
    /// Name, looks and words of the pages.
    pub brand: Brand,
}

/// Pages and the token endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Portal {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// How browsers and clients reach it, also the OAuth issuer; without a slash at the end. Default: from `listen`.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Vec<IpNet>,
    /// A session ends after so many seconds without a request.
    pub session_idle_seconds: u32,
    /// A session ends after so many seconds in any case.
    pub session_max_seconds: u32,
    /// Whether everybody sees what is public; `false`: every page asks to sign in.
    pub anonymous_browsing: bool,
    /// Its certificate.
    pub tls: ListenerTls,
}

/// The two gateways and what they share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// Listener of production.
    pub production: GatewayListener,
    /// Listener of the sandbox.
    pub sandbox: GatewayListener,
    /// Threads that forward; 0: one for each core.
    pub threads: usize,
    /// Proxies whose `X-Forwarded-*` and `X-Request-Id` are passed on.
    pub trusted_proxies: Vec<IpNet>,
    /// Seconds to connect to a backend.
    pub connect_seconds: u32,
    /// Seconds until the backend's first byte.
    pub first_byte_seconds: u32,
    /// Seconds without a byte in either direction of a body.
    pub idle_seconds: u32,
    /// Seconds for a client to send a request head.
    pub head_seconds: u32,
    /// Largest request body, in bytes.
    pub max_body_bytes: u64,
    /// Largest request head, in bytes.
    pub max_head_bytes: usize,
    /// Longest request target, in bytes.
    pub max_target_bytes: usize,
    /// Header lines of a request, at most.
    pub max_headers: usize,
    /// Connections of one environment that a thread serves at once.
    pub max_connections: u32,
    /// Credentials kept in memory, at most.
    pub cached_credentials: usize,
    /// What becomes of calls under a quota of which nothing is in hand while the database is away.
    pub quota_on_failure: OnFailure,
    /// Where several processes count calls together.
    pub counter: Counter,
    /// A line for each call.
    pub access_log: AccessLog,
    /// The trace that a call belongs to.
    pub trace: Trace,
    /// Refused calls, for those whose calls they were.
    pub refusals: Refusals,
    /// What backends are spoken to with, by the names that APIs' policies use.
    pub backend_tls: BTreeMap<String, BackendTls>,
}

/// One gateway listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayListener {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// How consumers reach it, without a slash at the end. Default: from `listen`.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Its certificate.
    #[serde(default)]
    pub tls: ListenerTls,
}

/// The operations listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Operations {
    /// Address to listen on. Keep it private: it has no sign-in.
    pub listen: SocketAddr,
    /// Seconds between not being ready any more and closing the listeners, at a stop.
    pub withdraw_seconds: u32,
    /// Its certificate.
    pub tls: ListenerTls,
}

/// Postgres.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://…`. Unset: an embedded cluster in the data directory. `DATABASE_URL` counts too.
    pub url: Option<String>,
    /// Connections at most.
    pub max_connections: u32,
    /// Directory of the server programs (`initdb`, `postgres`) for the embedded cluster. Unset: the usual places.
    pub programs: Option<PathBuf>,
}

/// Tokens.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth {
    /// How access tokens are signed.
    pub access_token_algorithm: crate::base::jwt::Algorithm,
    /// How ID tokens are signed (OIDC Core §2; every client must know RS256).
    pub id_token_algorithm: crate::base::jwt::Algorithm,
    /// Whether applications may choose the grants `password` and `implicit` (RFC 9700 §2.1.2, §2.4 advise against both).
    pub legacy_grants: bool,
    /// 32 random bytes in base64 that encrypt private keys at rest. Unset: `master.key` in the data directory.
    pub master_key: Option<String>,
}

/// What is kept of calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Days after which usage is removed.
    pub keep_days: u32,
}

/// Log lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// A filter such as `info` or `portico=debug,warn`.
    pub filter: String,
}

/// Shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// What `Debug` shows of a secret: whether there is one.
fn hidden(secret: Option<&String>) -> &'static str {
    if secret.is_some() { "set" } else { "not set" }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("url", &hidden(self.url.as_ref()))
            .field("max_connections", &self.max_connections)
            .field("programs", &self.programs)
            .finish()
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("access_token_algorithm", &self.access_token_algorithm)
            .field("id_token_algorithm", &self.id_token_algorithm)
            .field("legacy_grants", &self.legacy_grants)
            .field("master_key", &hidden(self.master_key.as_ref()))
            .finish()
    }
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port)
}

impl GatewayListener {
    fn at(port: u16) -> Self {
        Self { listen: loopback(port), public_url: None, tls: ListenerTls::default() }
    }
}

impl Default for Portal {
    fn default() -> Self {
        Self {
            listen: loopback(8080),
            public_url: None,
            trusted_proxies: Vec::new(),
            session_idle_seconds: 8 * 3600,
            session_max_seconds: 7 * 24 * 3600,
            anonymous_browsing: true,
            tls: ListenerTls::default(),
        }
    }
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            production: GatewayListener::at(8081),
            sandbox: GatewayListener::at(8082),
            threads: 0,
            trusted_proxies: Vec::new(),
            connect_seconds: 5,
            first_byte_seconds: 60,
            idle_seconds: 60,
            head_seconds: 15,
            max_body_bytes: 1 << 30,
            max_head_bytes: 64 * 1024,
            max_target_bytes: 16 * 1024,
            max_headers: 100,
            max_connections: 8192,
            cached_credentials: 100_000,
            quota_on_failure: OnFailure::Refuse,
            counter: Counter::default(),
            access_log: AccessLog::default(),
            trace: Trace::default(),
            refusals: Refusals::default(),
            backend_tls: BTreeMap::new(),
        }
    }
}

impl Default for Operations {
    fn default() -> Self {
        Self { listen: loopback(9090), withdraw_seconds: 0, tls: ListenerTls::default() }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, max_connections: 16, programs: None }
    }
}

impl Default for OAuth {
    fn default() -> Self {
        Self {
            access_token_algorithm: crate::base::jwt::Algorithm::Es256,
            id_token_algorithm: crate::base::jwt::Algorithm::Rs256,
            legacy_grants: true,
            master_key: None,
        }
    }
}

impl Default for Usage {
    fn default() -> Self {
        Self { keep_days: 90 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}
