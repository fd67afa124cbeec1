//! What a handler may reach.

use crate::config::{Accounts, Config, Urls};
use crate::domain::Ctx;
use crate::domain::accounts::providers::provider::Providers;
use crate::domain::accounts::sessions::Lifetime;
use crate::domain::catalog::search::Remembered;
use crate::domain::oauth::issuer::Issuer;
use crate::web::console::own_gateway::OwnGateway;
use crate::web::look::Look;
use std::sync::Arc;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct PortalState {
    /// What every activity needs.
    pub ctx: Ctx,
    /// The token issuer.
    pub issuer: Arc<Issuer>,
    /// The public base URLs.
    pub urls: Arc<Urls>,
    /// When sessions end.
    pub lifetime: Lifetime,
    /// Who may sign people in besides us.
    pub providers: Arc<Providers>,
    /// Who may have an account.
    pub accounts: Arc<Accounts>,
    /// Name shown on pages.
    pub brand: Arc<str>,
    /// The rest of what the operator puts on pages.
    pub look: Arc<Look>,
    /// The largest request body that the gateway takes, in bytes.
    pub most_body_bytes: u64,
    /// Proxies that are believed.
    pub trusted_proxies: Arc<[ipnet::IpNet]>,
    /// How to call the gateway from here.
    pub gateway: OwnGateway,
    /// Who may look at pages without an account.
    pub browsing: Browsing,
    /// What was counted in the catalogue.
    pub remembered: Remembered,
    /// For how many days refused calls are kept.
    pub keep_refusals_days: u16,
}

impl PortalState {
    /// From the parts that `app.rs` has made.
    pub fn new(ctx: Ctx, issuer: Arc<Issuer>, config: &Config, urls: Urls, lifetime: Lifetime, look: Look) -> Self {
        Self {
            ctx,
            issuer,
            urls: Arc::new(urls),
            lifetime,
            providers: Arc::default(),
            accounts: Arc::new(config.accounts.clone()),
            brand: config.brand.name.as_str().into(),
            look: Arc::new(look),
            most_body_bytes: config.gateway.max_body_bytes,
            trusted_proxies: config.portal.trusted_proxies.as_slice().into(),
            gateway: OwnGateway::none(),
            browsing: if config.portal.anonymous_browsing { Browsing::Anybody } else { Browsing::Members },
            remembered: Remembered::default(),
            keep_refusals_days: config.gateway.refusals.keep_days,
        }
    }

    /// With a way to call the gateway.
    #[must_use]
    pub fn with_gateway(self, gateway: OwnGateway) -> Self {
        Self { gateway, ..self }
    }

    /// With providers that people may sign in with.
    #[must_use]
    pub fn with_providers(self, providers: Arc<Providers>) -> Self {
        Self { providers, ..self }
    }

    /// How browsers reach the portal; it decides about `Secure` cookies and HSTS.
    pub fn transport(&self) -> Transport {
        if self.urls.portal.starts_with("https://") { Transport::Tls } else { Transport::Plain }
    }
}

/// Who may look at pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browsing {
    /// Everybody sees what is public.
    Anybody,
    /// Whoever is signed in.
    Members,
}

/// What the public URL says about the way between browser and portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// https, possibly ended by a proxy in front of us.
    Tls,
    /// http.
    Plain,
}
