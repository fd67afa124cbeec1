//! Text that people enter, parsed once at the edge.

use crate::base::error::FieldError;

/// An e-mail address in lower case: good enough to send to and to compare.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// Trims and lowers; asks for one `@`, something before it and a dotted or local host after it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let (local, host) = text.rsplit_once('@')?;
        let plain = |s: &str| s.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"@".contains(c));
        let good = (1..=64).contains(&local.len())
            && (1..=253).contains(&host.len())
            && plain(local)
            && plain(host)
            && !host.starts_with(['.', '-'])
            && !host.ends_with(['.', '-'])
            && !host.contains("..");
        good.then_some(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A one-line text within `1..=max` characters, trimmed; control characters are refused.
pub fn line(field: &'static str, label: &str, text: &str, max: usize) -> Result<String, FieldError> {
    let text = text.trim();
    let message = if text.is_empty() {
        format!("Enter {label}.")
    } else if text.chars().count() > max {
        format!("Shorten {label} to {max} characters or fewer.")
    } else if text.chars().any(char::is_control) {
        format!("Remove line breaks and control characters from {label}.")
    } else {
        return Ok(text.to_owned());
    };
    Err(FieldError { field, message })
}

/// Text that may be empty and may have lines, at most `max` characters.
pub fn prose(field: &'static str, label: &str, text: &str, max: usize) -> Result<String, FieldError> {
    let text = text.trim().replace("\r\n", "\n");
    let message = if text.chars().count() > max {
        format!("Shorten {label} to {max} characters or fewer.")
    } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        format!("Remove control characters from {label}.")
    } else {
        return Ok(text);
    };
    Err(FieldError { field, message })
}

/// A name for URLs and manifests: lower-case letters, digits and inner hyphens, 1 to 63 characters.
pub fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lowered_and_checked() {
        assert_eq!(Email::parse(" Ada@Example.COM ").map(|e| e.to_string()).as_deref(), Some("ada@example.com"));
        for wrong in
            ["", "ada", "@example.com", "ada@", "a b@example.com", "a@b..c", "a@.b", "a@@b.c", "a,b@c.d", "a\n@b.c"]
        {
            assert!(Email::parse(wrong).is_none(), "{wrong}");
        }
    }
}
