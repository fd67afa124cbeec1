//! What a handler may reach.

use crate::config::{Config, Urls};
use crate::domain::Ctx;
use crate::domain::accounts::sessions::Lifetime;
use crate::domain::oauth::issuer::Issuer;
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
    /// Name shown on pages.
    pub brand: Arc<str>,
    /// The largest request body that the gateway takes, in bytes.
    pub most_body_bytes: u64,
    /// Proxies that are believed.
    pub trusted_proxies: Arc<[ipnet::IpNet]>,
    /// For how many days refused calls are kept.
    pub keep_refusals_days: u16,
}

impl PortalState {
    /// From the parts that `app.rs` has made.
    pub fn new(ctx: Ctx, issuer: Arc<Issuer>, config: &Config, urls: Urls, lifetime: Lifetime) -> Self {
        Self {
            ctx,
            issuer,
            urls: Arc::new(urls),
            lifetime,
            brand: config.brand.name.as_str().into(),
            most_body_bytes: config.gateway.max_body_bytes,
            trusted_proxies: config.portal.trusted_proxies.as_slice().into(),
            keep_refusals_days: config.gateway.refusals.keep_days,
        }
    }

    /// How browsers reach the portal; it decides about `Secure` cookies and HSTS.
    pub fn transport(&self) -> Transport {
        if self.urls.portal.starts_with("https://") { Transport::Tls } else { Transport::Plain }
    }
}

/// What the public URL says about the way between browser and portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// https, possibly ended by a proxy in front of us.
    Tls,
    /// http.
    Plain,
}
