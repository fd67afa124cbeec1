//! What single values of an API's policies must be like. Each rule answers with the value as it is kept, or with a
//! sentence that says what to do.

use crate::base::policy::{Host, MOST_BODY_BYTES};
use crate::base::size;
use crate::domain::publishing::fields::shown;
use http::{HeaderName, HeaderValue, Method};
use std::net::Ipv6Addr;
use url::Url;

type Checked = Result<String, String>;

/// The longest name of a header, in characters.
const LONGEST_NAME: usize = 100;
/// The longest value of a header, in bytes.
const LONGEST_VALUE: usize = 4096;
/// The longest path, in characters.
const LONGEST_PATH: usize = 500;

/// Headers of the connection, of framing, and of who is at its ends: HTTP breaks where somebody edits them.
const CONNECTION_HEADERS: [&str; 15] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "sec-websocket-accept",
    "sec-websocket-key",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Headers that the gateway writes.
const OUR_HEADERS: [&str; 7] =
    ["api-version", "forwarded", "traceparent", "tracestate", "via", "x-real-ip", "x-request-id"];
/// Beginnings of the names of headers that the gateway writes.
const OUR_BEGINNINGS: [&str; 5] = ["ratelimit", "x-consumer-", "x-forwarded-", "x-portico-", "x-ratelimit-"];
/// Headers that may go but not be written: cookies count for whole hosts, and a backend that believes one of the others
/// takes the call for another method than the one that was checked.
const ONLY_REMOVED: [&str; 5] =
    ["cookie", "set-cookie", "x-http-method", "x-http-method-override", "x-method-override"];

/// What is done to a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// It is taken out.
    Remove,
    /// It is set or added.
    Write,
}

/// The name of a header, in lower case.
pub(super) fn header_name(text: &str) -> Checked {
    let lower = text.to_ascii_lowercase();
    if text.len() > LONGEST_NAME || HeaderName::from_bytes(lower.as_bytes()).is_err() {
        return Err(format!("`{}` must be the name of an HTTP header, such as x-region", shown(text)));
    }
    Ok(lower)
}

/// The name of a header that may be edited. `credentials` carry the API's API keys and access tokens.
pub(super) fn edited_header(text: &str, edit: Edit, credentials: &[String]) -> Checked {
    let name = header_name(text)?;
    // Servers that put headers into variables read `_` and `-` alike.
    let alike = name.replace('_', "-");
    let is = |names: &[&str]| names.contains(&&*alike);
    let why = if alike == "host" {
        "is chosen with `policies.host`"
    } else if is(&CONNECTION_HEADERS) {
        "belongs to the connection and cannot be edited"
    } else if credentials.iter().any(|credential| credential.replace('_', "-") == alike) {
        "carries a credential of this API, which the gateway takes out itself"
    } else if is(&OUR_HEADERS) || OUR_BEGINNINGS.iter().any(|beginning| alike.starts_with(beginning)) {
        "is written by the gateway"
    } else if alike.starts_with("access-control-") {
        "belongs to `policies.cors`"
    } else if edit == Edit::Write && is(&ONLY_REMOVED) {
        "can be removed, but not set or added"
    } else {
        return Ok(name);
    };
    Err(format!("`{name}` {why}; choose another header"))
}

/// The value of a header: visible ASCII with spaces and tabs between.
pub(super) fn header_value(text: &str) -> Checked {
    let text = text.trim();
    let plain = text.bytes().all(|b| b == b'\t' || b == b' ' || b.is_ascii_graphic());
    if !plain || HeaderValue::from_str(text).is_err() {
        return Err("must be one line of ASCII characters without control characters".to_owned());
    }
    if text.len() > LONGEST_VALUE {
        return Err(format!("must be {LONGEST_VALUE} bytes or fewer"));
    }
    Ok(text.to_owned())
}

/// A path of whole segments that every reader takes for the same one.
pub(super) fn path(text: &str) -> Checked {
    let Some(rest) = text.strip_prefix('/') else {
        return Err(format!("`{}` must begin with a slash, such as /pets", shown(text)));
    };
    let path = text.trim_end_matches('/');
    if path.is_empty() && rest.is_empty() {
        return Ok("/".to_owned());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@".contains(c);
    for segment in path.strip_prefix('/').unwrap_or_default().split('/') {
        if segment.is_empty() || matches!(segment, "." | "..") {
            return Err(format!("`{}` must not have empty segments, `.` or `..`", shown(text)));
        }
        if let Some(wrong) = segment.chars().find(|c| !plain(*c)) {
            let wrong = shown(&wrong.to_string());
            return Err(format!("the segment `{}` must not have `{wrong}`; write it without", shown(segment)));
        }
    }
    if path.len() > LONGEST_PATH {
        return Err(format!("must be {LONGEST_PATH} characters or fewer"));
    }
    Ok(path.to_owned())
}

/// `backend`, `caller`, or a host with or without a port.
pub(super) fn host(text: &str) -> Result<Host, String> {
    match text {
        "backend" => return Ok(Host::Backend),
        "caller" => return Ok(Host::Caller),
        _ => {}
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let good_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|n| n > 0 && n.to_string() == port));
    if good_port && (is_host(name) || is_ipv6(name)) {
        return Ok(Host::Named(text.to_ascii_lowercase()));
    }
    Err(format!("`{}` must be `backend`, `caller`, or a host such as pets.internal.example", shown(text)))
}

fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

fn is_ipv6(name: &str) -> bool {
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
}

/// The name of a query parameter that carries an API key.
pub(super) fn parameter(text: &str) -> Checked {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err(format!("`{}` must be 1 to 64 letters, digits, `_`, `-` or `.`, such as api_key", shown(text)))
}

/// An origin as browsers write it (Fetch standard), or `*`.
pub(super) fn origin(text: &str) -> Checked {
    if text == "*" {
        return Ok(text.to_owned());
    }
    if text == "null" {
        return Err("`null` is the origin of many pages at once; list the origins of those that may call".to_owned());
    }
    let example = "write it like https://app.example.com";
    let wrong = || format!("`{}` is not an origin; {example}", shown(text));
    if text.contains('*') {
        return Err(format!("`{}` must name one origin; list each, or write `*` alone for all", shown(text)));
    }
    if text.len() > 300 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong());
    }
    let url = Url::parse(text).map_err(|_invalid| wrong())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong());
    }
    let origin = url.origin().ascii_serialization();
    if text == origin || text.eq_ignore_ascii_case(&origin) {
        return Ok(origin);
    }
    if url.username().is_empty() && url.password().is_none() {
        return Err(format!("`{}` is more than an origin; write `{origin}`", shown(text)));
    }
    Err(wrong())
}

/// A method that a page may use, in upper case.
pub(super) fn method(text: &str) -> Checked {
    let upper = text.to_ascii_uppercase();
    if text == "*" {
        return Err("leave `methods` out to allow every method".to_owned());
    }
    if matches!(&*upper, "CONNECT" | "TRACE" | "TRACK") {
        return Err(format!("browsers send no {upper} from a page; remove it"));
    }
    if text.len() > 32 || Method::from_bytes(upper.as_bytes()).is_err() {
        return Err(format!("`{}` must be a method such as GET", shown(text)));
    }
    Ok(upper)
}

/// The name of a header that a page may send or read.
pub(super) fn cors_header(text: &str) -> Checked {
    if text == "*" {
        return Err("list the headers by name".to_owned());
    }
    header_name(text)
}

/// Seconds between 1 and `most`.
pub(super) fn seconds(text: &str, least: u32, most: u32) -> Result<u32, String> {
    match text.parse() {
        Ok(n) if (least..=most).contains(&n) => Ok(n),
        _ => Err(format!("`{}` must be a whole number of seconds between {least} and {most}", shown(text))),
    }
}

/// A number of bytes, with or without a unit.
pub(super) fn size(text: &str) -> Result<u64, String> {
    size::parse(text).filter(|bytes| (1..=MOST_BODY_BYTES).contains(bytes)).ok_or_else(|| {
        format!("`{}` must be a size from 1 byte to 1024 TiB, such as 10 MB, 10 MiB or a number of bytes", shown(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headers_that_are_nobody_elses_can_be_edited() {
        let credentials = ["x-pets-key".to_owned(), "authorization".to_owned()];
        for good in ["x-region", "X-Region", "server", "content-type", "cache-control", "x_a"] {
            assert_eq!(edited_header(good, Edit::Write, &credentials), Ok(good.to_ascii_lowercase()));
        }
        for wrong in [
            "",
            "a b",
            "a:b",
            "x\r\ny",
            "é",
            ":path",
            "Host",
            "content-length",
            "Content_Length",
            "Transfer-Encoding",
            "connection",
            "te",
            "trailer",
            "upgrade",
            "X-Pets-Key",
            "x_pets_key",
            "Authorization",
            "x-portico-plan",
            "X_Portico_Plan",
            "x-forwarded-for",
            "forwarded",
            "x-request-id",
            "via",
            "traceparent",
            "tracestate",
            "ratelimit",
            "ratelimit-policy",
            "x-ratelimit-limit",
            "x-real-ip",
            "api-version",
            "access-control-allow-origin",
        ] {
            for edit in [Edit::Remove, Edit::Write] {
                assert!(edited_header(wrong, edit, &credentials).is_err(), "{wrong}");
            }
        }
        for only_removed in ["cookie", "set-cookie", "x-http-method-override"] {
            assert!(edited_header(only_removed, Edit::Remove, &[]).is_ok());
            assert!(edited_header(only_removed, Edit::Write, &[]).is_err());
        }
        assert!(edited_header("authorization", Edit::Write, &[]).is_ok(), "no credential of this API");
    }

    #[test]
    fn a_header_value_is_one_line() {
        assert_eq!(header_value("  a b\tc ").as_deref(), Ok("a b\tc"));
        assert_eq!(header_value("").as_deref(), Ok(""));
        for wrong in ["a\r\nx: y", "a\0", "a\u{7f}", "é", &"x".repeat(4097)] {
            assert!(header_value(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_path_has_one_reading() {
        for (text, want) in [("/", "/"), ("/a", "/a"), ("/a/", "/a"), ("/a/b.c", "/a/b.c"), ("/~a/(b)", "/~a/(b)")] {
            assert_eq!(path(text).as_deref(), Ok(want));
        }
        for wrong in [
            "", "a", "//", "/a//b", "//a", "/.", "/a/..", "/%2e", "/a;b", "/a\\b", "/a?b", "/a#b", "/a b", "/{a}", "/é",
        ] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_host_is_a_name_with_or_without_a_port() {
        assert_eq!(host("backend"), Ok(Host::Backend));
        assert_eq!(host("caller"), Ok(Host::Caller));
        for good in ["pets.internal.example", "a_b:8080", "127.0.0.1", "[::1]", "[::1]:80"] {
            assert_eq!(host(good), Ok(Host::Named(good.to_owned())));
        }
        assert_eq!(host("Pets.Example"), Ok(Host::Named("pets.example".to_owned())));
        for wrong in
            ["", "a b", "a/b", "u@a", "a:0", "a:99999", "a:", "a:080", "::1", "[a]", "-a", "a..b", "é", "a\r\n"]
        {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for (text, want) in [
            ("*", "*"),
            ("https://app.example.com", "https://app.example.com"),
            ("https://App.Example.com", "https://app.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(origin(text).as_deref(), Ok(want));
        }
        for wrong in [
            "",
            "null",
            "app.example.com",
            "https://*.example.com",
            "https://a.example/",
            "https://a.example/x",
            "https://a.example:443",
            "https://u:p@a.example",
            "ftp://a.example",
            "file:///x",
            "https://a.example\n",
            "https://a.example https://b.example",
        ] {
            let error = origin(wrong).unwrap_err();
            assert!(!error.contains("write `https://u") && !error.contains('\n'), "{error}");
        }
        assert!(origin("https://a.example/").unwrap_err().ends_with("write `https://a.example`"));
    }

    #[test]
    fn a_size_has_bounds() {
        assert_eq!((size("10 MB"), size("1024 TiB")), (Ok(10_000_000), Ok(1 << 50)));
        assert!(["0", "1025 TiB", "ten"].into_iter().all(|wrong| size(wrong).is_err()));
    }

    #[test]
    fn methods_and_parameters_are_plain() {
        assert_eq!(method("patch").as_deref(), Ok("PATCH"));
        assert!(["*", "TRACE", "connect", "G T", ""].into_iter().all(|wrong| method(wrong).is_err()));
        assert_eq!(parameter("api_key").as_deref(), Ok("api_key"));
        assert!(["", "a b", "a=b", "a&b", "a[b]", "é"].into_iter().all(|wrong| parameter(wrong).is_err()));
    }
}
