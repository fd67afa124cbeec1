//! Which registered redirect URI a request names: compared as an exact string (RFC 9700 §2.1), but for the port of a
//! loopback address, which a native application cannot know beforehand (RFC 8252 §7.3).

/// Hosts that lead to the user's own machine.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Whether `requested` is one of the registered ones.
pub(super) fn is_registered(registered: &[String], requested: &str) -> bool {
    let portless = loopback(requested);
    registered.iter().any(|uri| uri == requested || (portless.is_some() && loopback(uri) == portless))
}

/// Host and everything behind the port, for plain http to a loopback host. Nothing is normalised: what differs in any
/// other byte is another URI.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let (authority, path) = rest.split_at_checked(rest.find(['/', '?', '#']).unwrap_or(rest.len()))?;
    let host = LOOPBACK.into_iter().find(|host| authority.starts_with(host))?;
    let port = authority.strip_prefix(host)?;
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some((host, path))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_a_loopback_address_may_differ() {
        let registered =
            ["https://app.example/cb", "http://127.0.0.1/cb", "http://[::1]:1/cb?x=1", "com.example.app:/cb"]
                .map(str::to_owned);
        for same in [
            "https://app.example/cb",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:49152/cb",
            "http://[::1]:80/cb?x=1",
            "http://[::1]/cb?x=1",
            "com.example.app:/cb",
        ] {
            assert!(is_registered(&registered, same), "{same}");
        }
        for other in [
            "https://app.example:443/cb",
            "https://app.example/cb/",
            "https://app.example/CB",
            "https://APP.example/cb",
            "https://app.example/cb?x=1",
            "https://app.example/cb#x",
            "https://app.example.evil.example/cb",
            "http://127.0.0.1:49152/cb/",
            "http://127.0.0.1:49152/cb#x",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:1@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:1\\@evil.example/cb",
            "http://localhost:1/cb",
            "https://127.0.0.1:1/cb",
            "http://127.0.0.2/cb",
            "http://[::1]:80/cb",
            "com.example.app:/cb2",
            "",
        ] {
            assert!(!is_registered(&registered, other), "{other}");
        }
    }
}
