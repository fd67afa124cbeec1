//! Addresses that the owner of a client enters: where browsers may be sent, and whose pages may read our answers.

use std::net::Ipv6Addr;
use url::Url;

/// Entries of one list, at most.
pub(super) const MOST: usize = 20;
/// Characters of one address, at most.
pub(super) const LONGEST: usize = 2000;

/// How a redirect URI may begin.
const BEGINNINGS: &str = "must begin with https://, with http:// on localhost, 127.0.0.1 or [::1], or with a scheme of \
                          your own that has a dot, such as com.example.app:/callback.";
/// Characters that are printable and yet never part of a URI (RFC 3986 §2).
const NEVER_IN_A_URI: &str = "\"<>\\^`{|}";

/// Where an application runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// On some host.
    Anywhere,
    /// On the user's own machine, where no network carries what is sent.
    Loopback,
}

/// Whether browsers may be sent there (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1). The error completes a sentence that
/// begins with the address.
pub(super) fn check_redirect(uri: &str) -> Result<(), &'static str> {
    check_characters(uri)?;
    if uri.contains('#') {
        return Err("has a fragment (#…). Leave it out.");
    }
    if uri.contains('*') {
        return Err("has a wildcard (*). Enter every address in full: they are compared to the letter.");
    }
    let (scheme, rest) = uri.split_once(':').ok_or(BEGINNINGS)?;
    match scheme {
        "https" => check_server(uri, rest, Reach::Anywhere),
        "http" => check_server(uri, rest, Reach::Loopback),
        _ if is_private_use(scheme) => match rest.strip_prefix("//").map(authority) {
            _ if rest.is_empty() => Err("needs a path, as in com.example.app:/callback."),
            Some(authority) if authority.contains('@') => Err(USER),
            _ => Ok(()),
        },
        _ => Err(BEGINNINGS),
    }
}

/// Whether it is an origin, written as browsers write it (RFC 6454 §6.2).
pub(super) fn check_origin(text: &str) -> Result<(), String> {
    check_characters(text)?;
    if text.contains('*') {
        return Err("has a wildcard (*). Enter every origin in full.".to_owned());
    }
    let reach = match text.split_once(':') {
        Some(("https", rest)) => check_server(text, rest, Reach::Anywhere),
        Some(("http", rest)) => check_server(text, rest, Reach::Loopback),
        _ => Err("must begin with https://, or with http:// on localhost, 127.0.0.1 or [::1]."),
    };
    reach?;
    match origin(text) {
        Some(canonical) if canonical == text => Ok(()),
        canonical => {
            Err(format!("is more than an origin, or spelled otherwise. Write {}.", canonical.unwrap_or_default()))
        }
    }
}

/// The origin of an address that passed the checks; none for a scheme of an application's own.
pub(super) fn origin(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(url.origin().ascii_serialization())
}

const USER: &str = "has a user name or a password before the host. Leave it out.";

fn check_characters(text: &str) -> Result<(), &'static str> {
    if text.len() > LONGEST {
        return Err("is longer than 2000 characters.");
    }
    if text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains(|c| NEVER_IN_A_URI.contains(c)) {
        return Ok(());
    }
    Err("has a space or a character that a URL cannot have. Percent-encode it.")
}

/// `rest` is what follows `https:`. Hosts are letters, digits, dots, hyphens: the address becomes part of headers.
fn check_server(uri: &str, rest: &str, reach: Reach) -> Result<(), &'static str> {
    let authority = authority(rest.strip_prefix("//").ok_or(BEGINNINGS)?);
    if authority.contains('@') {
        return Err(USER);
    }
    let after_host = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority.get(after_host..).and_then(|rest| rest.find(':')) {
        Some(at) => authority.split_at_checked(after_host + at).ok_or(HOST)?,
        None => (authority, ""),
    };
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return Err("has a port that is not a number from 1 to 65535.");
    }
    if !is_host(host) || Url::parse(uri).is_err() {
        return Err(HOST);
    }
    if reach == Reach::Loopback && !["localhost", "127.0.0.1", "[::1]"].contains(&host) {
        return Err("uses http. Only localhost, 127.0.0.1 and [::1] may; every other host takes https.");
    }
    Ok(())
}

const HOST: &str = "has no host, or one that is not a host name or an IP address.";

fn authority(after_slashes: &str) -> &str {
    after_slashes.split(['/', '?']).next().unwrap_or_default()
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)),
    }
}

/// A scheme that an application made from a domain of its own (RFC 8252 §7.1), in lower case as browsers send it.
fn is_private_use(scheme: &str) -> bool {
    scheme.contains('.')
        && scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn az_7_registration_takes_https_loopback_and_private_use_schemes() {
        for good in [
            "https://app.example/callback",
            "https://app.example",
            "https://APP.example:8443/a/b?c=d&e=%20",
            "https://192.0.2.1/cb",
            "https://[2001:db8::1]:8443/cb",
            "http://localhost:3000/cb",
            "http://localhost/",
            "http://127.0.0.1/cb",
            "http://[::1]:8080/cb",
            "com.example.app:/callback",
            "com.example.app://callback",
            "https://app.example/cb;v=1,2!'()$",
        ] {
            assert_eq!(check_redirect(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn az_7_registration_refuses_fragments_wildcards_and_http_outside_loopback() {
        for (wrong, why) in [
            ("https://app.example/cb#", "fragment"),
            ("https://app.example/cb#done", "fragment"),
            ("com.example.app:/cb#done", "fragment"),
            ("https://*.app.example/cb", "wildcard"),
            ("https://app.example/*", "wildcard"),
            ("http://app.example/cb", "uses http"),
            ("http://127.0.0.2/cb", "uses http"),
            ("http://0x7f.1/cb", "uses http"),
            ("http://localhost.evil.example/cb", "uses http"),
            ("http://LOCALHOST/cb", "uses http"),
            ("http://[::ffff:127.0.0.1]/cb", "uses http"),
            ("https://user@app.example/cb", "user name"),
            ("https://user:secret@app.example/cb", "user name"),
            ("http://localhost@evil.example/cb", "user name"),
            ("com.example.app://user@host/cb", "user name"),
            ("", "must begin"),
            ("/cb", "must begin"),
            ("app.example/cb", "must begin"),
            ("//app.example/cb", "must begin"),
            ("https:app.example/cb", "must begin"),
            ("HTTPS://app.example/cb", "must begin"),
            ("myapp:/cb", "must begin"),
            ("javascript:alert(1)", "must begin"),
            ("data:text/html,x", "must begin"),
            ("urn:ietf:wg:oauth:2.0:oob", "must begin"),
            ("com.example.app:", "path"),
            ("https:///cb", "host"),
            ("https://a;b/cb", "host"),
            ("https://[::1/cb", "port"),
            ("https://999.1.1.1/cb", "host"),
            ("https://app.example:0/cb", "port"),
            ("https://app.example:99999/cb", "port"),
            ("https://app.example:/cb", "port"),
            ("https://app.example:+80/cb", "port"),
            ("https://app.example/a b", "character"),
            ("https://app.example/\u{e9}", "character"),
            ("https://app.example\\@evil.example/", "character"),
            ("https://app.example/\ncb", "character"),
            ("https://app.example/{id}", "character"),
        ] {
            assert!(
                check_redirect(wrong).is_err_and(|said| said.contains(why)),
                "{wrong}: {:?}",
                check_redirect(wrong)
            );
        }
        let long = format!("https://app.example/{}", "a".repeat(LONGEST));
        assert_eq!(check_redirect(&long), Err("is longer than 2000 characters."));
    }

    #[test]
    fn origins_are_taken_only_as_browsers_send_them() {
        for good in ["https://app.example", "https://app.example:8443", "http://localhost:3000", "http://[::1]:1"] {
            assert_eq!(check_origin(good), Ok(()), "{good}");
        }
        for (wrong, why) in [
            ("https://app.example/", "Write https://app.example."),
            ("https://app.example/a?b", "Write https://app.example."),
            ("https://App.Example", "Write https://app.example."),
            ("https://app.example:443", "Write https://app.example."),
            ("http://app.example", "uses http"),
            ("https://*.example", "wildcard"),
            ("*", "wildcard"),
            ("null", "must begin"),
            ("com.example.app:/", "must begin"),
            ("https://a@app.example", "user name"),
        ] {
            assert!(check_origin(wrong).is_err_and(|said| said.contains(why)), "{wrong}: {:?}", check_origin(wrong));
        }
    }

    #[test]
    fn only_pages_have_origins() {
        assert_eq!(origin("https://App.example:443/cb?x").as_deref(), Some("https://app.example"));
        assert_eq!(origin("http://localhost:3000/cb").as_deref(), Some("http://localhost:3000"));
        assert_eq!(origin("com.example.app:/cb"), None);
    }
}
