//! What single values of a manifest must be like. Each rule answers with the value as it is kept, or with a sentence
//! that says what to do.

use crate::base::text::{Email, is_slug};
use crate::base::version;
use crate::domain::publishing::fields::shown;
use http::HeaderName;
use time::Date;
use time::macros::format_description;
use url::Url;

/// Headers that the gateway or HTTP itself needs, so that no credential can travel in them.
const RESERVED_HEADERS: [&str; 18] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

type Checked = Result<String, String>;

/// A name for URLs and manifests.
pub(super) fn slug(text: &str) -> Checked {
    if is_slug(text) {
        return Ok(text.to_owned());
    }
    Err(format!("`{}` must be 1 to 63 lower-case letters, digits and inner hyphens", shown(text)))
}

/// A role's name begins with a letter, too.
pub(super) fn role(text: &str) -> Checked {
    if text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return slug(text);
    }
    Err(format!("`{}` must begin with a lower-case letter, then letters, digits and hyphens", shown(text)))
}

/// The first path segments at the gateway. None may look like a version: whatever comes before the first segment that
/// does is the context, so that `a` and `a/b` can both be published and no route is ambiguous.
pub(super) fn context(text: &str) -> Checked {
    let segments: Vec<&str> = text.trim_matches('/').split('/').collect();
    if segments.len() > 4 {
        return Err("must have 1 to 4 segments".to_owned());
    }
    segments.iter().try_for_each(|segment| path_segment(segment))?;
    Ok(segments.join("/"))
}

/// The path of an endpoint below the version; empty for the root.
pub(super) fn endpoint_path(text: &str) -> Checked {
    match text.trim_matches('/') {
        "" => Ok(String::new()),
        path => context(path),
    }
}

fn path_segment(segment: &str) -> Result<(), String> {
    if !is_slug(segment) {
        return Err(format!(
            "the segment `{}` must be 1 to 63 lower-case letters, digits and inner hyphens",
            shown(segment)
        ));
    }
    if looks_like_version(segment) {
        return Err(format!("the segment `{segment}` looks like a version; versions are listed under `versions`"));
    }
    Ok(())
}

/// `v1`, `v12`: what the gateway takes for a version in a path.
fn looks_like_version(segment: &str) -> bool {
    let digits = segment.strip_prefix('v').unwrap_or_default();
    version::number(digits).is_some() || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The name of a header that carries a credential, in lower case.
pub(super) fn header(text: &str) -> Checked {
    let lower = text.to_ascii_lowercase();
    if text.len() > 64 || HeaderName::from_bytes(lower.as_bytes()).is_err() {
        return Err(format!("`{}` must be the name of an HTTP header, such as X-Api-Key", shown(text)));
    }
    if RESERVED_HEADERS.contains(&&*lower) || lower.starts_with("x-forwarded-") || lower.starts_with("sec-") {
        return Err(format!("`{text}` has a meaning of its own in HTTP; choose another header, such as X-Api-Key"));
    }
    Ok(lower)
}

/// Where calls go: an absolute URL without user, query and fragment; kept without the slash at its end.
pub(super) fn backend(text: &str) -> Checked {
    let example = "write it like https://api.example.com/base";
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("a backend URL has no spaces; {example}"));
    }
    // Neither this nor the parser's error repeats the URL: somebody may have written a password into it.
    let url = Url::parse(text).map_err(|error| format!("this is not a URL ({error}); {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("a backend URL begins with http:// or https:// and names a host; {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("a backend URL may not hold a user or password; {example}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("a backend URL has no `?` and no `#`; {example}"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Where to get help, as it is kept: an e-mail address, or a URL of the web.
pub(super) fn contact(text: &str) -> Checked {
    if let Some(email) = Email::parse(text) {
        return Ok(email.to_string());
    }
    web_link(text).map_err(|_why| {
        format!("`{}` must be an e-mail address, or a URL such as https://support.example.com", shown(text))
    })
}

/// A link for people: an absolute URL of the web without user and password.
pub(super) fn web_link(text: &str) -> Checked {
    let example = "write it like https://docs.example.com/guide";
    if text.len() > 2000 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("a link has no spaces and at most 2000 characters; {example}"));
    }
    let url = Url::parse(text).map_err(|error| format!("this is not a URL ({error}); {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("a link begins with http:// or https:// and names a host; {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("a link may not hold a user or password; {example}"));
    }
    Ok(url.into())
}

/// A day.
pub(super) fn day(text: &str) -> Result<Date, String> {
    let format = format_description!("[year]-[month]-[day]");
    Date::parse(text, &format).map_err(|_why| format!("`{}` must be a day such as 2027-03-31", shown(text)))
}

/// A whole number from 1 on.
pub(super) fn count(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(n @ 1..=1_000_000_000) => Ok(n),
        _ => Err(format!("`{}` must be a whole number between 1 and 1000000000", shown(text))),
    }
}

/// An e-mail address, in lower case.
pub(super) fn email(text: &str) -> Checked {
    let email = Email::parse(text).map(|email| email.to_string());
    email.ok_or_else(|| "is no e-mail address; write one such as `jo@example.com`".to_owned())
}

/// One line of 1 to `most` characters.
pub(super) fn line(text: &str, most: usize) -> Checked {
    let text = text.trim();
    if text.is_empty() {
        return Err("is empty; write something or leave it out".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("must be one line without control characters".to_owned());
    }
    if text.chars().count() > most {
        return Err(format!("must be {most} characters or fewer"));
    }
    Ok(text.to_owned())
}

/// Markdown, kept as it is.
pub(super) fn markdown(text: &str, most: usize) -> Checked {
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("must not hold control characters".to_owned());
    }
    if text.chars().count() > most {
        return Err(format!("must be {most} characters or fewer"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_cannot_be_taken_for_a_version() {
        assert_eq!(context("/pets/").as_deref(), Ok("pets"));
        assert_eq!(context("a/b/c/d").as_deref(), Ok("a/b/c/d"));
        assert_eq!(context("v").as_deref(), Ok("v"));
        assert_eq!(context("video").as_deref(), Ok("video"));
        for wrong in ["", "/", "a/b/c/d/e", "Pets", "a//b", "v1", "a/v2", "v01", "v99999", "a b", "ä", "..", "a/../b"]
        {
            assert!(context(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_credential_travels_in_a_header_of_its_own() {
        assert_eq!(header("X-Api-Key").as_deref(), Ok("x-api-key"));
        assert_eq!(header("Authorization").as_deref(), Ok("authorization"));
        for wrong in ["", "a b", "Host", "content-length", "Connection", "X-Forwarded-For", "naïve", "a:b"] {
            assert!(header(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_contact_is_an_address_or_a_page_of_the_web() {
        assert_eq!(contact("Help@Example.com").as_deref(), Ok("help@example.com"));
        assert_eq!(contact("https://help.example/a?b#c").as_deref(), Ok("https://help.example/a?b#c"));
        for wrong in
            ["", "help", "javascript:alert(1)", "https://u:p@a/", "data:text/html,x", "//evil.example", "a b@c"]
        {
            assert!(contact(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "2027", "2027-02-30", "31.03.2027"] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_backend_is_a_plain_absolute_url() {
        assert_eq!(backend("https://a.example/x/").as_deref(), Ok("https://a.example/x"));
        assert_eq!(backend("http://[::1]:8080").as_deref(), Ok("http://[::1]:8080"));
        for wrong in [
            "",
            "a.example",
            "/x",
            "ftp://a",
            "https://",
            "http://u:p@a/",
            "http://u@a/",
            "http://a/?x",
            "http://a/#f",
            "http://a b/",
            "file:///etc/passwd",
            "http://a\n/",
        ] {
            let error = backend(wrong).unwrap_err();
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
