//! The file as consumers download it: without its servers, which are the gateway's business, in JSON and in YAML.

use crate::domain::publishing::emit;
use serde_json::Value;

/// The file without its servers, in JSON and in YAML. Whoever serves it puts the gateway's in front.
pub(super) fn without_servers(root: &Value) -> (String, String) {
    let mut root = root.clone();
    // Servers may stand at the file, at a path and at an operation.
    remove(&mut root);
    for item in root.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(|paths| paths.values_mut()) {
        remove(item);
        for operation in item.as_object_mut().into_iter().flat_map(|item| item.values_mut()) {
            remove(operation);
        }
    }
    let mut yaml = String::new();
    write(&mut yaml, &root, 0, Begin::Line);
    (root.to_string(), yaml)
}

fn remove(from: &mut Value) {
    if let Some(object) = from.as_object_mut() {
        object.shift_remove("servers");
    }
}

/// Where a collection begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// On a line of its own.
    Line,
    /// Behind the dash of a list.
    Dash,
}

/// Writes a map or list, each entry on lines of its own, so far indented.
fn write(out: &mut String, value: &Value, indent: usize, mut begin: Begin) {
    let mut lead = |out: &mut String| {
        if begin == Begin::Line {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        begin = Begin::Line;
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                lead(out);
                out.extend([&*emit::scalar(name), ":"]);
                if is_single(value) {
                    out.extend([" ", &*single(value, indent + 2)]);
                } else {
                    out.push('\n');
                    write(out, value, indent + 2, Begin::Line);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                lead(out);
                out.push('-');
                if is_single(item) {
                    out.extend([" ", &*single(item, indent + 2)]);
                } else {
                    out.push(' ');
                    write(out, item, indent + 2, Begin::Dash);
                }
            }
        }
        plain => out.push_str(&single(plain, indent)),
    }
}

/// Whether it stands on the line of its key.
fn is_single(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn single(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) => emit::text(text, indent),
        other => format!("{other}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_forms_hold_the_same_and_no_server() {
        let text = "one\n  two: # three\n\n- four\n";
        let root = json!({
            "openapi": "3.1.0", "servers": [{ "url": "https://inside.example" }],
            "info": { "title": "A: \"b\"", "version": "1.0", "description": text, "x-list": [[1, [2.5]], [], {}, null, "no", "- a"] },
            "paths": { "/a/{b}": { "servers": [], "get": { "servers": [], "tags": ["a", "b"], "responses": { "200": { "description": text } } },
                "parameters": [{ "name": "b", "in": "path" }, { "name": "200" }] } },
        });
        let (as_json, as_yaml) = without_servers(&root);
        let read: Value = serde_json::from_str(&as_json).unwrap();
        let mut want = root.clone();
        for place in ["", "/paths/~1a~1{b}", "/paths/~1a~1{b}/get"] {
            want.pointer_mut(place).unwrap().as_object_mut().unwrap().shift_remove("servers");
        }
        assert_eq!(read, want);
        let read: Value = serde_saphyr::from_str(&as_yaml).unwrap_or_else(|error| panic!("{error}\n{as_yaml}"));
        assert_eq!(read, want, "{as_yaml}");
        assert!(as_yaml.starts_with("openapi: \"3.1.0\"\ninfo:\n  title: "), "{as_yaml}");
    }
}
