//! Files of comma-separated values (RFC 4180), for spreadsheets.

use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

/// The answer that a browser saves under this name, made of letters, digits and hyphens whatever is in it.
pub(crate) fn answer(name: &str, text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}.csv\"", file_name(name))),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, text).into_response()
}

/// A value as it stands between commas. Spreadsheets run what begins like a formula, and names are chosen by others: such
/// a one gets a quote in front of it, which they hide.
pub(crate) fn cell(value: &str) -> String {
    let harmless =
        if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}") } else { value.to_owned() };
    if harmless.contains([',', '"', '\n', '\r']) { format!("\"{}\"", harmless.replace('"', "\"\"")) } else { harmless }
}

/// Letters and digits of a name, the rest as hyphens: what every file system takes.
fn file_name(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "portal".to_owned() } else { parts.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_run_nothing() {
        let cells = ["plain", "a,b", "say \"hi\"", "=cmd()", "-1,2", "@x"].map(cell);
        assert_eq!(cells, ["plain", "\"a,b\"", "\"say \"\"hi\"\"\"", "'=cmd()", "\"'-1,2\"", "'@x"]);
    }

    #[test]
    fn files_have_plain_names() {
        assert_eq!(["Web Shop!", "../../etc", "ü"].map(file_name), ["web-shop", "etc", "portal"]);
    }
}
