//! The rules that settings have to keep, beyond their shape.

use crate::base::text::{Email, is_slug};
use crate::config::AccessLog;
use crate::config::Config;
use crate::config::urls::{self, Path, Urls};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::net::SocketAddr;
use url::Url;

/// A setting that breaks a rule: its path and what to do.
pub(super) type Broken = (&'static str, String);

/// What each number may be.
const BOUNDS: &[(&str, i64, i64)] = &[
    ("portal.session_idle_seconds", 60, 31_536_000),
    ("portal.session_max_seconds", 60, 31_536_000),
    ("gateway.threads", 0, 256),
    ("gateway.connect_seconds", 1, 300),
    ("gateway.first_byte_seconds", 1, 3600),
    ("gateway.idle_seconds", 1, 86_400),
    ("gateway.head_seconds", 1, 300),
    ("gateway.max_body_bytes", 1, 1 << 50),
    ("gateway.max_head_bytes", 1024, 1 << 20),
    ("gateway.max_target_bytes", 256, 1 << 16),
    ("gateway.max_headers", 10, 256),
    ("gateway.max_connections", 10, 1_000_000),
    ("gateway.cached_credentials", 100, 100_000_000),
    ("gateway.counter.timeout_milliseconds", 1, 10_000),
    ("gateway.refusals.each_minute", 0, 1000),
    ("gateway.refusals.keep_days", 1, 365),
    ("operations.withdraw_seconds", 0, 300),
    ("database.max_connections", 4, 1000),
    ("usage.keep_days", 1, 3650),
];

/// What the number at `path` may be.
pub(super) fn bounds(path: &str) -> (i64, i64) {
    BOUNDS.iter().find(|(key, ..)| *key == path).map_or((0, i64::from(u32::MAX)), |(_, least, most)| (*least, *most))
}

/// Checks every rule, and names the first that is broken.
pub(super) fn validate(config: &Config) -> Result<(), Broken> {
    listeners(config)?;
    public_urls(config)?;
    if config.portal.session_max_seconds < config.portal.session_idle_seconds {
        let least = config.portal.session_idle_seconds;
        let message = format!("must be at least portal.session_idle_seconds ({least})");
        return Err(("portal.session_max_seconds", message));
    }
    if let Some(url) = &config.database.url
        && !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme))
    {
        let message = "not a Postgres URL; write postgres://USER:PASSWORD@HOST:5432/DATABASE";
        return Err(("database.url", message.to_owned()));
    }
    if !config.gateway.counter.is_sound() {
        let message = "not a Redis URL; write redis://USER:PASSWORD@HOST:6379/0, or rediss://… for TLS";
        return Err(("gateway.counter.url", message.to_owned()));
    }
    if let Some(key) = &config.oauth.master_key
        // As people paste it: with or without the padding.
        && STANDARD_NO_PAD.decode(key.trim().trim_end_matches('=')).map(|bytes| bytes.len()) != Ok(32)
    {
        return Err(("oauth.master_key", "must be 32 bytes in base64; `openssl rand -base64 32` makes one".to_owned()));
    }
    if let Err(error) = tracing_subscriber::EnvFilter::builder().parse(&config.log.filter) {
        return Err(("log.filter", format!("{error}; write one such as info or portico=debug,warn")));
    }
    access_log(&config.gateway.access_log)?;
    mail(config)?;
    config.brand.validate()
}

fn mail(config: &Config) -> Result<(), Broken> {
    config.mail.server().map_err(|message| ("mail.url", message))?;
    let from = config.mail.from.as_deref().unwrap_or("noreply@localhost");
    if from.parse::<lettre::message::Mailbox>().is_err() {
        let message = "no address; write one such as Portico <noreply@example.com>";
        return Err(("mail.from", message.to_owned()));
    }
    let accounts = &config.accounts;
    if let Some(wrong) = accounts.sign_up_roles.iter().find(|role| !is_slug(role)) {
        return Err(("accounts.sign_up_roles", format!("{wrong} cannot be the name of a role")));
    }
    if accounts.sign_up_roles.iter().any(|role| role == "admin") {
        return Err(("accounts.sign_up_roles", "strangers cannot be made administrators".to_owned()));
    }
    if let Some(wrong) = accounts.sign_up_domains.iter().find(|domain| !is_domain(domain)) {
        return Err(("accounts.sign_up_domains", format!("{wrong} is no domain; write one such as example.com")));
    }
    Ok(())
}

/// As addresses are compared: in lower case.
fn is_domain(domain: &str) -> bool {
    Email::parse(&format!("x@{domain}")).is_some_and(|email| email.as_str() == format!("x@{domain}"))
}

fn access_log(log: &AccessLog) -> Result<(), Broken> {
    let fields = &log.fields;
    if fields.is_empty() {
        return Err(("gateway.access_log.fields", "must name at least one field".to_owned()));
    }
    let twice = fields.iter().enumerate().find(|(place, field)| fields.iter().take(*place).any(|one| one == *field));
    if let Some((_, field)) = twice {
        return Err(("gateway.access_log.fields", format!("names {} twice", field.name())));
    }
    if log.to.trim().is_empty() {
        return Err(("gateway.access_log.to", "must be stdout or a file".to_owned()));
    }
    Ok(())
}

fn listeners(config: &Config) -> Result<(), Broken> {
    let all = [
        ("portal.listen", config.portal.listen),
        ("gateway.production.listen", config.gateway.production.listen),
        ("gateway.sandbox.listen", config.gateway.sandbox.listen),
        ("operations.listen", config.operations.listen),
    ];
    let clash = |a: SocketAddr, b: SocketAddr| {
        let same_place = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
        a.port() != 0 && a.port() == b.port() && same_place
    };
    for (number, (key, address)) in all.into_iter().enumerate() {
        if let Some((other, _)) = all.into_iter().take(number).find(|(_, earlier)| clash(address, *earlier)) {
            return Err((key, format!("{address} is taken by {other}; choose another port")));
        }
    }
    Ok(())
}

fn public_urls(config: &Config) -> Result<(), Broken> {
    let gateway = &config.gateway;
    let urls = Urls::configured(config);
    let read = |key, configured: &Option<String>, url: &str, path| match configured {
        Some(_) => urls::parse(url, path).map(Some).map_err(|message| (key, message)),
        // With port 0 the system chooses, and never the same twice.
        None => Ok(Url::parse(url).ok().filter(|url| url.port() != Some(0))),
    };
    let (production_key, sandbox_key) = ("gateway.production.public_url", "gateway.sandbox.public_url");
    let portal = read("portal.public_url", &config.portal.public_url, &urls.portal, Path::Refused)?;
    let production = read(production_key, &gateway.production.public_url, &urls.production, Path::Allowed)?;
    let sandbox = read(sandbox_key, &gateway.sandbox.public_url, &urls.sandbox, Path::Allowed)?;
    for (key, url) in [(production_key, &production), (sandbox_key, &sandbox)] {
        if let (Some(portal), Some(url)) = (&portal, url)
            && portal.origin() == url.origin()
        {
            let message = "must not have the portal's scheme, host and port: a backend's answer could act as the portal in a browser; give the gateway a host name or port of its own";
            return Err((key, message.to_owned()));
        }
    }
    if let (Some(production), Some(sandbox)) = (&production, &sandbox)
        && (within(production, sandbox) || within(sandbox, production))
    {
        let message = format!(
            "{sandbox} and production's {production} lie within each other; they must differ in host, port or path"
        );
        return Err((sandbox_key, message));
    }
    Ok(())
}

/// Whether `url` is `base` or below it.
fn within(url: &Url, base: &Url) -> bool {
    let (below, base_path) = (url.path().trim_end_matches('/'), base.path().trim_end_matches('/'));
    let rest = below.strip_prefix(base_path);
    url.origin() == base.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
