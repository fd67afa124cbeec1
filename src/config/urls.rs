//! The public base URLs: how browsers and callers reach the listeners.

use crate::base::environment::Environment;
use crate::config::{Config, ListenerTls};
use std::net::SocketAddr;
use url::Url;

/// The public base URLs after listening: no slash at the end. Every link, issuer and curl line comes from these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    /// The portal, and the OAuth issuer.
    pub portal: String,
    /// The gateway for production.
    pub production: String,
    /// The gateway for the sandbox.
    pub sandbox: String,
}

impl Urls {
    /// The configured public URLs, or what the listeners' own addresses make.
    pub fn resolve(config: &Config, portal: SocketAddr, production: SocketAddr, sandbox: SocketAddr) -> Self {
        let or = |url: &Option<String>, tls, address| url.clone().unwrap_or_else(|| of(tls, address));
        let gateway = &config.gateway;
        Self {
            portal: or(&config.portal.public_url, &config.portal.tls, portal),
            production: or(&gateway.production.public_url, &gateway.production.tls, production),
            sandbox: or(&gateway.sandbox.public_url, &gateway.sandbox.tls, sandbox),
        }
    }

    /// The same before listening: true unless a port is 0.
    pub fn configured(config: &Config) -> Self {
        let gateway = &config.gateway;
        Self::resolve(config, config.portal.listen, gateway.production.listen, gateway.sandbox.listen)
    }

    /// The gateway's base URL in an environment; also the audience of its tokens.
    pub fn gateway(&self, environment: Environment) -> &str {
        match environment {
            Environment::Production => &self.production,
            Environment::Sandbox => &self.sandbox,
        }
    }
}

/// The URL of a listener that no proxy stands before. One that listens on every address is reached as `localhost`.
fn of(tls: &ListenerTls, address: SocketAddr) -> String {
    let scheme = tls.scheme();
    let host = if address.ip().is_unspecified() {
        "localhost".to_owned()
    } else {
        match address {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        }
    };
    match (scheme, address.port()) {
        // Browsers and clients leave out a scheme's own port when they compare.
        ("https", 443) | ("http", 80) => format!("{scheme}://{host}"),
        (_, port) => format!("{scheme}://{host}:{port}"),
    }
}

/// Whether a public URL may have a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Path {
    /// A proxy may take it off before it forwards.
    Allowed,
    /// Pages link to each other from the root.
    Refused,
}

/// Reads a public URL; the error says how to write it.
pub(super) fn parse(text: &str, path: Path) -> Result<Url, String> {
    let example = "write one such as https://portal.example.com";
    let url = Url::parse(text).map_err(|error| format!("not a URL ({error}); {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("must begin with http:// or https://; {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("must have no user, query or fragment; {example}"));
    }
    if path == Path::Refused && url.path() != "/" {
        return Err("must have no path: give the portal a host name of its own".to_owned());
    }
    let canonical = url.as_str().trim_end_matches('/');
    if text != canonical {
        // Clients compare the issuer byte by byte (RFC 8414 §3.3), and so do browsers with an origin.
        return Err(format!("write it as {canonical}"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_absolute_and_written_in_one_way_only() {
        for good in ["https://portal.example.com", "http://127.0.0.1:8080", "http://[::1]:8080", "https://a.b:8443"] {
            assert!(parse(good, Path::Refused).is_ok(), "{good}");
        }
        for (wrong, said) in [
            ("portal.example.com", "not a URL"),
            ("ftp://portal.example.com", "must begin with"),
            ("https://portal.example.com/", "write it as https://portal.example.com"),
            ("https://Portal.Example.com", "write it as https://portal.example.com"),
            ("https://portal.example.com:443", "write it as https://portal.example.com"),
            ("https://portal.example.com/portal", "no path"),
            ("https://portal.example.com?a=b", "no user, query"),
            ("https://portal.example.com#a", "no user, query"),
            ("https://u:p@portal.example.com", "no user, query"),
            ("", "not a URL"),
        ] {
            let error = parse(wrong, Path::Refused).unwrap_err();
            assert!(error.contains(said), "{wrong}: {error}");
        }
        assert!(parse("https://example.com/api", Path::Allowed).is_ok());
        assert!(parse("https://example.com/api/", Path::Allowed).is_err());
    }
}
