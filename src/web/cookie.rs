//! The cookies of the portal: how they are called, read and written.

use crate::base::secret::{SESSION_COOKIES, SIGN_IN_COOKIES};
use crate::web::state::Transport;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// The visitor's choice of light or dark; the script reads and writes it too.
pub const THEME: &str = "theme";
/// The code of one message for the next page.
pub const FLASH: &str = "portico-flash";

/// The session. On https the `__Host-` prefix makes browsers refuse one that a sibling domain tries to plant.
pub fn session_name(transport: Transport) -> &'static str {
    let [tls, plain] = SESSION_COOKIES;
    match transport {
        Transport::Tls => tls,
        Transport::Plain => plain,
    }
}

/// What the browser keeps while somebody signs in at another provider.
pub fn sign_in_name(transport: Transport) -> &'static str {
    let [tls, plain] = SIGN_IN_COOKIES;
    match transport {
        Transport::Tls => tls,
        Transport::Plain => plain,
    }
}

/// The value of the first cookie of that name.
pub fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A `Set-Cookie` value that scripts cannot read. Without `max_age` (seconds) it ends with the browser's session.
pub fn set(transport: Transport, name: &str, value: &str, max_age: Option<i64>) -> Option<HeaderValue> {
    let secure = if transport == Transport::Tls { "; Secure" } else { "" };
    let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}")).ok()
}

/// The same for a cookie that the script may read and write.
pub fn set_open(transport: Transport, name: &str, value: &str, max_age: i64) -> Option<HeaderValue> {
    let secure = if transport == Transport::Tls { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; Path=/; SameSite=Lax; Max-Age={max_age}{secure}")).ok()
}

/// A `Set-Cookie` value that removes the cookie.
pub fn clear(transport: Transport, name: &str) -> Option<HeaderValue> {
    set(transport, name, "", Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cookie_of_a_name_counts() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; b=2;c=3"));
        headers.append(COOKIE, HeaderValue::from_static("b=4; d"));
        let found = ["a", "b", "c", "d", "e"].map(|name| get(&headers, name));
        assert_eq!(found, [Some("1"), Some("2"), Some("3"), None, None]);
    }

    #[test]
    fn only_https_makes_cookies_secure() {
        let set = |transport| set(transport, session_name(transport), "x", Some(9)).unwrap();
        assert_eq!(set(Transport::Tls), "__Host-portico-session=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=9; Secure");
        assert_eq!(set(Transport::Plain), "portico-session=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=9");
    }
}
