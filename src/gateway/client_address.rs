//! Where a call came from: the other end of the connection, seen through the proxies that the operator trusts.

use crate::gateway::headers::Peer;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// A proxy says it here; each adds the address that it was called from at the end.
const FOR: &str = "x-forwarded-for";

/// The caller's address; nothing where a trusted proxy says something that is no address.
pub(super) fn of(peer: &Peer, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let own = || peer.address().to_str().ok()?.parse().ok();
    // Nobody else is believed.
    if !peer.is_proxy() || !headers.contains_key(FOR) {
        return own();
    }
    let mut furthest = own()?;
    for hop in hops(headers) {
        furthest = hop?;
        if !is_trusted(furthest, trusted) {
            break;
        }
    }
    Some(furthest)
}

/// The address nearest to us that is none of our proxies, if it is an address.
pub(super) fn forwarded_for(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    for hop in hops(headers) {
        let address = hop?;
        if !is_trusted(address, trusted) {
            return Some(address);
        }
    }
    None
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

/// From the nearest to the furthest, whatever the number of header lines; nothing in place of what is no address.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines: Vec<&HeaderValue> = headers.get_all(FOR).iter().collect();
    lines.into_iter().rev().flat_map(|line| line.as_bytes().rsplit(|b| *b == b',')).map(address)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        for (peer, said, want) in [
            ("203.0.113.9", &["198.51.100.1"][..], Some("203.0.113.9")),
            ("10.0.0.1", &["198.51.100.1"], Some("198.51.100.1")),
            ("10.0.0.1", &["192.0.2.66, 198.51.100.1, 10.0.0.2"], Some("198.51.100.1")),
            // The lines are one list, in order.
            ("10.0.0.1", &["192.0.2.66", "198.51.100.1, 10.0.0.2"], Some("198.51.100.1")),
            ("10.0.0.1", &["198.51.100.1", "10.0.0.2"], Some("198.51.100.1")),
            ("::ffff:10.0.0.1", &["198.51.100.1:4711"], Some("198.51.100.1")),
            ("::1", &["[2001:db8::7]:443"], Some("2001:db8::7")),
            // Somebody on the proxies' own network.
            ("10.0.0.1", &["10.1.2.3"], Some("10.1.2.3")),
            ("10.0.0.1", &[], Some("10.0.0.1")),
            // What a proxy lets through without an address may hide anybody.
            ("10.0.0.1", &["198.51.100.1, unknown"], None),
            ("10.0.0.1", &[""], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in said {
                headers.append(FOR, line.parse().unwrap());
            }
            let peer = Peer::new(peer.parse().unwrap(), &trusted).unwrap();
            assert_eq!(of(&peer, &headers, &trusted), want.map(|a| a.parse().unwrap()), "{said:?}");
        }
    }
}
