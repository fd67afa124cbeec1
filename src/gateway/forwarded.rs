//! `Forwarded` (RFC 7239): where a call came from, for backends that read the standard header.

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::net::Ipv6Addr;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Adds the hop that we have seen to what a trusted proxy has said, in `Forwarded` or in the older headers. What anybody
/// else has said is gone from `headers` by now, and ours is not yet in them.
pub(super) fn write(headers: &mut HeaderMap, address: &HeaderValue, scheme: &str, host: Option<&HeaderValue>) {
    let mut text: Vec<u8> = Vec::with_capacity(96);
    for earlier in headers.get_all(FORWARDED) {
        next(&mut text);
        text.extend_from_slice(earlier.as_bytes());
    }
    if text.is_empty() {
        let hops = headers.get_all(FOR).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
        for (at, hop) in hops.enumerate() {
            next(&mut text);
            node(&mut text, hop.trim_ascii());
            // What the first proxy was asked for is what the caller asked for.
            if at == 0 {
                quoted(&mut text, b";host=", headers.get(HOST));
                quoted(&mut text, b";proto=", headers.get(PROTO));
            }
        }
    }
    next(&mut text);
    node(&mut text, address.as_bytes());
    quoted(&mut text, b";host=", host);
    text.extend_from_slice(b";proto=");
    text.extend_from_slice(scheme.as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&text) {
        headers.insert(FORWARDED, value);
    }
}

fn next(text: &mut Vec<u8>) {
    if !text.is_empty() {
        text.extend_from_slice(b", ");
    }
}

/// An address (§6): that of IPv6 stands in brackets and quotation marks, and what is no address is unknown.
fn node(text: &mut Vec<u8>, address: &[u8]) {
    text.extend_from_slice(b"for=");
    let parsed = std::str::from_utf8(address).ok();
    let parsed = parsed.and_then(|text| text.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok());
    match parsed.map(|address| address.to_canonical()) {
        Some(std::net::IpAddr::V4(address)) => text.extend_from_slice(address.to_string().as_bytes()),
        Some(std::net::IpAddr::V6(address)) => text.extend_from_slice(bracketed(address).as_bytes()),
        None => text.extend_from_slice(b"unknown"),
    }
}

fn bracketed(address: Ipv6Addr) -> String {
    format!("\"[{address}]\"")
}

/// A parameter whose value somebody else chose, as a quoted string (RFC 9110 §5.6.4).
fn quoted(text: &mut Vec<u8>, name: &[u8], value: Option<&HeaderValue>) {
    let Some(value) = value else { return };
    text.extend_from_slice(name);
    text.push(b'"');
    for byte in value.as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(said: &[(&'static str, &'static str)], address: &'static str) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.append(*name, HeaderValue::from_static(value));
        }
        write(
            &mut headers,
            &HeaderValue::from_static(address),
            "https",
            Some(&HeaderValue::from_static("api.example")),
        );
        assert_eq!(headers.get_all(FORWARDED).iter().count(), 1);
        headers[FORWARDED].to_str().unwrap().to_owned()
    }

    #[test]
    fn each_hop_is_an_element_and_none_can_pretend_to_be_two() {
        let ours = "host=\"api.example\";proto=https";
        for (said, address, want) in [
            (&[][..], "192.0.2.1", format!("for=192.0.2.1;{ours}")),
            (&[], "2001:db8::1", format!("for=\"[2001:db8::1]\";{ours}")),
            (
                &[("forwarded", "for=a"), ("forwarded", "for=b")],
                "192.0.2.1",
                format!("for=a, for=b, for=192.0.2.1;{ours}"),
            ),
            (
                &[("x-forwarded-for", "198.51.100.7, 2001:db8::2"), ("x-forwarded-proto", "https")],
                "192.0.2.1",
                format!("for=198.51.100.7;proto=\"https\", for=\"[2001:db8::2]\", for=192.0.2.1;{ours}"),
            ),
            (
                &[("x-forwarded-for", "x;host=y"), ("x-forwarded-host", "a\", for=\"b")],
                "192.0.2.1",
                format!("for=unknown;host=\"a\\\", for=\\\"b\", for=192.0.2.1;{ours}"),
            ),
        ] {
            assert_eq!(written(said, address), want);
        }
    }
}
