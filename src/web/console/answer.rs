//! What came back from the gateway, as a page shows it.

use crate::base::size;
use crate::web::console::own_gateway::Answer;
use crate::web::filters::grouped;
use axum::http::HeaderMap;
use serde_json::Value;
use std::time::Duration;

/// Characters of a body that a page shows.
const MOST_SHOWN: usize = 200_000;

/// An answer.
pub(crate) struct Shown {
    pub(crate) status: u16,
    /// `OK`, `Not Found`; may be empty.
    pub(crate) reason: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) took: String,
    pub(crate) size: String,
    /// Where the caller stands; empty where nothing is limited.
    pub(crate) limit: String,
    /// Names and values, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// Whether there is more of the body.
    pub(crate) is_cut: bool,
    /// What the gateway calls the call; empty for an answer of the backend that was no failure.
    pub(crate) request_id: String,
}

/// A body.
pub(crate) enum Body {
    Nothing,
    Text(String),
    /// Something that is no text: its media type.
    Binary(String),
}

impl Shown {
    /// From what came back, and how long that took.
    pub(crate) fn new(answer: &Answer, took: Duration) -> Self {
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = header("content-type");
        let (body, is_short) = body(&answer.body, media);
        let is_refused = answer.status.as_u16() >= 400;
        let bytes = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
        Self {
            status: answer.status.as_u16(),
            reason: answer.status.canonical_reason().unwrap_or_default(),
            tone: match answer.status.as_u16() {
                0..400 => "is-ok",
                400..500 => "is-warn",
                _ => "is-bad",
            },
            took: format!("{} ms", took.as_millis()),
            size: if bytes < 1024 { format!("{bytes} bytes") } else { size::written(bytes / 1024 * 1024) },
            limit: limit(&answer.headers),
            headers: answer
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect(),
            request_id: if is_refused { header("x-request-id").to_owned() } else { String::new() },
            body,
            is_cut: answer.is_cut || is_short,
        }
    }
}

/// `959 of 1,000 calls left, for 34 s`.
fn limit(headers: &HeaderMap) -> String {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
    match (number("x-ratelimit-remaining"), number("x-ratelimit-limit"), number("x-ratelimit-reset")) {
        (Some(left), Some(all), Some(reset)) => {
            format!("{} of {} calls left, for {} s", grouped(left), grouped(all), grouped(reset))
        }
        _ => String::new(),
    }
}

/// As text where it is text; answers also whether it was cut for the page.
fn body(bytes: &[u8], media: &str) -> (Body, bool) {
    if bytes.is_empty() {
        return (Body::Nothing, false);
    }
    let Some(text) = text(bytes) else {
        return (Body::Binary(if media.is_empty() { "no media type".to_owned() } else { media.to_owned() }), false);
    };
    let pretty = serde_json::from_str::<Value>(text).ok().filter(|value| value.is_array() || value.is_object());
    let text = pretty.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned());
    let end = text.floor_char_boundary(MOST_SHOWN);
    (Body::Text(text.get(..end).unwrap_or_default().to_owned()), end < text.len())
}

/// A body that was cut may end within a character.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if bytes.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let is_text = !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{1b}'));
    is_text.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        match body(bytes, "image/png").0 {
            Body::Nothing => "nothing".to_owned(),
            Body::Text(text) => text,
            Body::Binary(media) => format!("binary: {media}"),
        }
    }

    #[test]
    fn json_is_spread_out_and_what_is_no_text_is_not_shown() {
        assert_eq!(shown(b""), "nothing");
        assert_eq!(shown(b"{\"a\":[1]}"), "{\n  \"a\": [\n    1\n  ]\n}");
        assert_eq!(shown(b"plain <b>\n"), "plain <b>\n");
        assert_eq!(shown(b"\x89PNG\0"), "binary: image/png");
        assert_eq!(shown(b"cut \xc3"), "cut ");
    }
}
