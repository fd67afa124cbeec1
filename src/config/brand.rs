//! What an operator puts on the pages: name, logo, colour, footer and the words of the home page.

use crate::base::colour::Accent;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The largest logo, in bytes.
const MOST_LOGO_BYTES: usize = 64 * 1024;
/// Links in the footer, at most.
const MOST_LINKS: usize = 12;
/// The longest text of the home page, in characters.
const MOST_TEXT: usize = 4000;

/// What pages show of the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Brand {
    /// Name of the portal.
    pub name: String,
    /// A picture (SVG, PNG, WebP or JPEG) in place of the sign beside the name. Unset: the sign of Portico.
    pub logo: Option<PathBuf>,
    /// The accent colour as `#rrggbb`. Its lightness is the stylesheet's, so that text keeps its contrast.
    pub accent: Option<String>,
    /// A line in the footer; unset: the name.
    pub footer: Option<String>,
    /// Links in the footer, each `Label https://…`.
    pub footer_links: Vec<String>,
    /// The heading of the home page; unset: one that is made from the name.
    pub home_title: Option<String>,
    /// What stands below it, in Markdown; unset: what a developer portal is for.
    pub home_text: Option<String>,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            name: "Portico".to_owned(),
            logo: None,
            accent: None,
            footer: None,
            footer_links: Vec::new(),
            home_title: None,
            home_text: None,
        }
    }
}

/// A logo as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// `logo.svg` and so on, by what is in the file.
    pub name: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// The file.
    pub content: Vec<u8>,
}

/// A link in the footer: its text and where it leads.
pub fn footer_link(text: &str) -> Option<(&str, &str)> {
    let (label, url) = text.trim().rsplit_once(' ')?;
    let label = label.trim();
    let leads =
        ["https://", "http://", "mailto:"].iter().any(|start| url.len() > start.len() && url.starts_with(start));
    (leads && !label.is_empty() && !url.chars().any(char::is_control)).then_some((label, url))
}

impl Brand {
    /// Reads the logo, if there is to be one. The error says what to do.
    pub fn read_logo(&self) -> Result<Option<Logo>, String> {
        let Some(path) = &self.logo else { return Ok(None) };
        let wrong = |what: &str| format!("brand.logo: {}: {what}", path.display());
        let content = std::fs::read(path).map_err(|error| wrong(&error.to_string()))?;
        if content.len() > MOST_LOGO_BYTES {
            return Err(wrong("larger than 64 KiB; make it smaller"));
        }
        let (name, kind) = kind(&content).ok_or_else(|| wrong("neither SVG, PNG, WebP nor JPEG"))?;
        Ok(Some(Logo { name, kind, content }))
    }

    /// The rule that is broken, if one is.
    pub(super) fn validate(&self) -> Result<(), (&'static str, String)> {
        let one_line = |text: &str, most: usize| {
            !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
        };
        if !one_line(&self.name, 60) {
            return Err(("brand.name", "must have 1 to 60 characters on one line".to_owned()));
        }
        for (key, text, most) in [("brand.footer", &self.footer, 200), ("brand.home_title", &self.home_title, 120)] {
            if text.as_ref().is_some_and(|text| !one_line(text, most)) {
                return Err((key, format!("must have 1 to {most} characters on one line")));
            }
        }
        if self.home_text.as_ref().is_some_and(|text| text.chars().count() > MOST_TEXT) {
            return Err(("brand.home_text", format!("must have at most {MOST_TEXT} characters")));
        }
        if self.accent.as_ref().is_some_and(|accent| Accent::parse(accent).is_none()) {
            return Err(("brand.accent", "not a colour; write it as #1a5fb4".to_owned()));
        }
        if self.footer_links.len() > MOST_LINKS {
            return Err(("brand.footer_links", format!("must have at most {MOST_LINKS} links")));
        }
        if let Some(wrong) = self.footer_links.iter().find(|link| footer_link(link).is_none()) {
            let message = format!(
                "`{wrong}` is no link; write a label, a space and the address: Terms https://example.com/terms"
            );
            return Err(("brand.footer_links", message));
        }
        Ok(())
    }
}

/// By what is in the file, not by its name.
fn kind(content: &[u8]) -> Option<(&'static str, &'static str)> {
    match content {
        [0x89, b'P', b'N', b'G', ..] => Some(("logo.png", "image/png")),
        [0xff, 0xd8, 0xff, ..] => Some(("logo.jpg", "image/jpeg")),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(("logo.webp", "image/webp")),
        text => {
            let text = std::str::from_utf8(text).ok()?;
            text.contains("<svg").then_some(("logo.svg", "image/svg+xml"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_footer_lead_to_the_web_or_to_mail() {
        assert_eq!(footer_link("Terms of use https://a.example/t"), Some(("Terms of use", "https://a.example/t")));
        assert_eq!(footer_link(" Write to us mailto:a@b.example "), Some(("Write to us", "mailto:a@b.example")));
        for wrong in ["Terms", "https://a.example", "Run javascript:alert(1)", "Here /apis", "Terms https://", ""] {
            assert_eq!(footer_link(wrong), None, "{wrong}");
        }
    }
}
