//! One line of the access log, written byte by byte into a buffer that is there already.
//!
//! Whatever a caller sends, it stays one line, and no terminal that shows it obeys it: control characters are written as
//! JSON escapes in both formats.

use crate::base::redact;
use crate::config::AccessLogFormat as Format;
use std::fmt::Display;
use std::io::Write as _;
use std::time::Duration;
use time::OffsetDateTime;

/// A line that grows.
pub(super) struct Line<'a> {
    format: Format,
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl<'a> Line<'a> {
    /// A line behind what is in `out`.
    pub(super) fn begin(format: Format, out: &'a mut Vec<u8>) -> Self {
        if format == Format::Json {
            out.push(b'{');
        }
        Self { format, out, is_first: true }
    }

    /// The line is complete.
    pub(super) fn end(self) {
        self.out.extend_from_slice(if self.format == Format::Json { b"}\n" } else { b"\n" });
    }

    /// A text that holds no secret.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        let bare = self.format == Format::Text
            && !value.is_empty()
            && value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'='));
        if bare {
            self.out.extend_from_slice(value.as_bytes());
            return;
        }
        self.out.push(b'"');
        for character in value.chars() {
            self.character(character);
        }
        self.out.push(b'"');
    }

    /// At most so many bytes of what a caller wrote, unless there is a secret in it.
    pub(super) fn bytes(&mut self, name: &str, value: &[u8], most: usize) {
        // Nearly always text, and then nothing is copied.
        let value = String::from_utf8_lossy(value);
        let value = redact::text(&value);
        self.text(name, value.get(..value.floor_char_boundary(most)).unwrap_or_default());
    }

    /// Something that shows itself in letters, digits, dots, colons and hyphens.
    pub(super) fn shown(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let quote = if self.format == Format::Json { "\"" } else { "" };
        // Writing to memory cannot fail.
        let _ = write!(self.out, "{quote}{value}{quote}");
    }

    /// A whole number.
    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        let _ = write!(self.out, "{value}");
    }

    /// Milliseconds with three decimals.
    pub(super) fn millis(&mut self, name: &str, value: Duration) {
        self.name(name);
        let micros = value.as_micros();
        let _ = write!(self.out, "{}.{:03}", micros / 1000, micros % 1000);
    }

    /// A time in UTC with milliseconds (RFC 3339).
    pub(super) fn time(&mut self, name: &str, at: OffsetDateTime) {
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second, milli) = at.to_hms_milli();
        let month = u8::from(month);
        self.shown(name, format_args!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"));
    }

    fn name(&mut self, name: &str) {
        let separator: &[u8] = match (self.format, self.is_first) {
            (_, true) => b"",
            (Format::Json, false) => b",",
            (Format::Text, false) => b" ",
        };
        self.is_first = false;
        self.out.extend_from_slice(separator);
        let _ = match self.format {
            Format::Json => write!(self.out, "\"{name}\":"),
            Format::Text => write!(self.out, "{name}="),
        };
    }

    fn character(&mut self, character: char) {
        match character {
            '"' | '\\' => {
                self.out.push(b'\\');
                let _ = write!(self.out, "{character}");
            }
            // Also those that only some readers take for a line's end or for an order.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}') => {
                let _ = write!(self.out, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = self.out.write_all(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn line(format: Format) -> String {
        let mut out = b"earlier\n".to_vec();
        let mut line = Line::begin(format, &mut out);
        line.time("time", datetime!(2026-01-02 03:04:05.006_7 UTC));
        line.text("plain", "/a/b");
        line.text("odd", "a b\"\\=\n\u{1b}[31m\u{9b}\u{2028}é");
        line.bytes("bytes", b"\xff\r\n", 10);
        line.bytes("cut", "ééé".as_bytes(), 3);
        line.bytes("secret", b"ptk_prd_abcdefgh12345", 100);
        line.number("number", 7);
        line.millis("millis", Duration::from_micros(12_034));
        line.end();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_json_line_is_one_object_on_one_line_whatever_is_in_it() {
        let text = line(Format::Json);
        let text = text.strip_prefix("earlier\n").unwrap().strip_suffix('\n').unwrap();
        assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(value["time"], "2026-01-02T03:04:05.006Z");
        assert_eq!(value["odd"], "a b\"\\=\n\u{1b}[31m\u{9b}\u{2028}é");
        assert_eq!(value["bytes"], "\u{fffd}\r\n");
        assert_eq!((&value["cut"], &value["secret"]), (&"é".into(), &"***".into()));
        assert_eq!((&value["number"], &value["millis"]), (&7.into(), &12.034.into()));
    }

    #[test]
    fn a_text_line_quotes_what_is_not_plain() {
        let text = line(Format::Text);
        let expected = "earlier\ntime=2026-01-02T03:04:05.006Z plain=/a/b odd=\"a b\\\"\\\\=\\u000a\\u001b[31m\\u009b\\u2028é\" bytes=\"\u{fffd}\\u000d\\u000a\" cut=\"é\" secret=*** number=7 millis=12.034\n";
        assert_eq!(text, expected);
    }
}
