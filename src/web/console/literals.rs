//! Text as a literal of a language, so that nothing that was typed is read as code.

use serde_json::Value;
use std::fmt::Write as _;

/// In single quotes for a POSIX shell.
pub fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// In double quotes for JavaScript, Java, Go and Python: they all read what JSON writes.
pub fn json(text: &str) -> String {
    // Writing a text cannot fail.
    let quoted = serde_json::to_string(text).unwrap_or_default();
    // JavaScript of old takes these for line ends, and Python's escapes are the same.
    quoted.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").replace('\u{7f}', "\\u007f")
}

/// For Rust: a raw literal where that reads better.
pub fn rust(text: &str) -> String {
    let is_plain = text.chars().all(|c| c == '\n' || !c.is_control());
    if !is_plain || !text.contains(['"', '\\', '\n']) {
        return format!("{text:?}");
    }
    let mut hashes = "#".to_owned();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// For Go: a raw literal where that reads better.
pub fn go(text: &str) -> String {
    let is_plain = text.chars().all(|c| c == '\n' || !c.is_control());
    let reads_better = text.contains(['"', '\n']) && !text.contains(['`', '\u{feff}']);
    if is_plain && reads_better { format!("`{text}`") } else { json(text) }
}

/// For Java: a text block where that reads better.
pub fn java(text: &str) -> String {
    if !text.contains('\n') || text.chars().any(|c| c != '\n' && c.is_control()) {
        return json(text);
    }
    let lines = text.replace('\\', "\\\\").replace("\"\"\"", "\\\"\"\"");
    // A block begins on a line of its own; without a line end before the last quotes it has none either.
    format!("\"\"\"\n{lines}\\\n\"\"\"").replace(" \n", "\\s\n")
}

/// A JSON value for Python, with the same line breaks as JSON has.
pub fn python(value: &Value, depth: usize) -> String {
    let inside = |depth: usize| "    ".repeat(depth);
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => json(text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Array(items) => {
            let mut text = "[\n".to_owned();
            for item in items {
                let _ = writeln!(text, "{}{},", inside(depth + 1), python(item, depth + 1));
            }
            text + &inside(depth) + "]"
        }
        Value::Object(fields) => {
            let mut text = "{\n".to_owned();
            for (name, field) in fields {
                let _ = writeln!(text, "{}{}: {},", inside(depth + 1), json(name), python(field, depth + 1));
            }
            text + &inside(depth) + "}"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    #[test]
    fn nothing_that_is_typed_ends_a_literal() {
        assert_eq!(shell("it's $(id) `x`"), "'it'\\''s $(id) `x`'");
        assert_eq!(json("a\"b\\c\n\u{2028}"), "\"a\\\"b\\\\c\\n\\u2028\"");
        assert_eq!(rust("a\"#b"), "r##\"a\"#b\"##");
        assert_eq!(rust("plain"), "\"plain\"");
        assert_eq!(rust("\u{1}\""), "\"\\u{1}\\\"\"");
        assert_eq!(go("{\"a\"}"), "`{\"a\"}`");
        assert_eq!(go("{\"`\"}"), "\"{\\\"`\\\"}\"");
        assert_eq!(java("a\n\"\"\"\\"), "\"\"\"\na\n\\\"\"\"\\\\\\\n\"\"\"");
    }

    #[test]
    fn json_becomes_python() {
        let text = python(&value!({"a": [true, null, 1.5], "b": {}, "c": "x"}), 1);
        let expected = "{\n        \"a\": [\n            True,\n            None,\n            1.5,\n        ],\n        \"b\": {},\n        \"c\": \"x\",\n    }";
        assert_eq!(text, expected);
    }
}
