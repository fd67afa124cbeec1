//! Examples: the file's own where it has one, otherwise a value that the schema would take.

use crate::domain::catalog::reference_model::{Kind, is_json};
use crate::domain::publishing::reference::file::{cut, scalar};
use crate::domain::publishing::reference::schema::{
    Merged, follow, is_null, kinds, merged, merged_properties, required,
};
use serde_json::{Map, Value, json};

/// How deep an example goes, and how many values one has.
const DEPTH: usize = 5;
const MOST: usize = 120;
/// The longest example that is shown, in bytes; a longer one of the file is replaced by one that is made.
const LONGEST: usize = 4096;

/// Which way a value goes: fields that only go the other way are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the API.
    Request,
    /// Back.
    Answer,
}

/// The example of a body as it would be sent; empty when there is none to tell.
pub(super) fn of_content(root: &Value, media_type: &str, content: &Value, way: Way) -> String {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let own = own(root, content);
    let own = own.map(|value| written(&essence, value)).filter(|text| !text.is_empty() && text.len() <= LONGEST);
    let text = own.unwrap_or_else(|| match content.get("schema") {
        Some(schema) if !is_xml(&essence) => written(&essence, &made(root, schema, way)),
        _ => String::new(),
    });
    if text.len() > LONGEST { String::new() } else { text }
}

/// The example of a parameter as one would type it; empty when nothing says what it could be.
pub(super) fn of_parameter(root: &Value, parameter: &Value) -> String {
    if let Some(own) = own(root, parameter) {
        return typed(own);
    }
    let Some(schema) = parameter.get("schema") else { return String::new() };
    let (_, chain) = follow(root, schema);
    let merged = merged(root, &chain, 0);
    said(&merged).map(typed).unwrap_or_default()
}

/// A value that the schema would take.
pub(super) fn made(root: &Value, schema: &Value, way: Way) -> Value {
    let mut left = MOST;
    value(root, schema, way, (&mut left, 0))
}

/// `example`, or the first of `examples`, of a parameter or body.
fn own<'a>(root: &'a Value, of: &'a Value) -> Option<&'a Value> {
    let first = || {
        let (_, example) = of.get("examples")?.as_object()?.iter().next()?;
        follow(root, example).1.last()?.get("value")
    };
    of.get("example").or_else(first)
}

/// What a schema itself says about a value: its example, its default, its only value.
fn said<'a>(schema: &Merged<'a>) -> Option<&'a Value> {
    let first = |key: &str| schema.get(key).and_then(|values| values.as_array()).and_then(|values| values.first());
    schema
        .get("example")
        .copied()
        .or_else(|| first("examples"))
        .or_else(|| schema.get("const").copied())
        .or_else(|| schema.get("default").copied().filter(|default| !default.is_null()))
        .or_else(|| first("enum"))
}

fn value(root: &Value, schema: &Value, way: Way, (left, depth): (&mut usize, usize)) -> Value {
    *left = left.saturating_sub(1);
    let (_, chain) = follow(root, schema);
    let merged = merged(root, &chain, 0);
    if let Some(said) = said(&merged) {
        return said.clone();
    }
    let kinds = kinds(&merged);
    let deeper = depth + 1;
    let options = || {
        let options = merged.get("oneOf").or_else(|| merged.get("anyOf"))?.as_array()?;
        options.iter().find(|option| !is_null(option))
    };
    let properties = merged_properties(root, &chain);
    if properties.is_empty()
        && !kinds.contains(&Kind::Array)
        && let Some(option) = options()
    {
        return if deeper > DEPTH { Value::Null } else { value(root, option, way, (left, deeper)) };
    }
    match kinds.iter().find(|kind| **kind != Kind::Null) {
        Some(Kind::String) | None if properties.is_empty() && !merged.contains_key("additionalProperties") => {
            match kinds.first() {
                Some(_) => text(&merged),
                None => Value::Null,
            }
        }
        Some(Kind::Integer) => number(&merged).unwrap_or(json!(1)),
        Some(Kind::Number) => number(&merged).unwrap_or(json!(1.5)),
        Some(Kind::Boolean) => json!(true),
        Some(Kind::Array) => match merged.get("items") {
            Some(items) if deeper <= DEPTH && *left > 0 => json!([value(root, items, way, (left, deeper))]),
            _ => json!([]),
        },
        _ => object(root, (&properties, &required(root, &chain, 0)), way, (left, deeper)),
    }
}

fn object(
    root: &Value,
    (properties, required): (&[(&str, &Value)], &[&str]),
    way: Way,
    (left, depth): (&mut usize, usize),
) -> Value {
    let mut object = Map::new();
    for (name, schema) in properties {
        let (_, chain) = follow(root, schema);
        let is = |key: &str| chain.iter().any(|part| part.get(key) == Some(&Value::Bool(true)));
        let other_way = match way {
            Way::Request => is("readOnly"),
            Way::Answer => is("writeOnly"),
        };
        // Where room runs out, what must be there still is.
        let there = required.contains(name) || (*left > 0 && depth <= DEPTH && !is("deprecated"));
        if !other_way && there && depth <= DEPTH + 1 {
            object.insert((*name).to_owned(), value(root, schema, way, (left, depth)));
        }
    }
    Value::Object(object)
}

fn number(schema: &Merged<'_>) -> Option<Value> {
    ["minimum", "maximum"]
        .iter()
        .find_map(|key| schema.get(key))
        .filter(|value| value.is_number())
        .map(|value| (*value).clone())
}

fn text(schema: &Merged<'_>) -> Value {
    let format = schema.get("format").and_then(|format| format.as_str()).unwrap_or_default();
    json!(match format {
        "date-time" => "2026-11-25T09:30:00Z",
        "date" => "2026-11-25",
        "time" => "09:30:00Z",
        "duration" => "PT5M",
        "uuid" => "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "email" => "ada@example.com",
        "hostname" => "www.example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "url" | "uri-reference" => "https://example.com/",
        "byte" => "aGVsbG8=",
        "binary" => "…",
        _ if schema.contains_key("contentMediaType") => "…",
        _ => "string",
    })
}

/// A value in a media type.
fn written(essence: &str, value: &Value) -> String {
    if let Value::String(text) = value {
        // A file may give JSON as it is written.
        let is_written = !is_json(essence) || text.trim_start().starts_with(['{', '[']);
        if is_written {
            return cut(text, usize::MAX);
        }
    }
    match (essence, value) {
        _ if is_json(essence) || essence == "*/*" => serde_json::to_string_pretty(value).unwrap_or_default(),
        (_, Value::Null) => String::new(),
        ("application/x-www-form-urlencoded", Value::Object(fields)) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            fields.iter().for_each(|(name, value)| _ = form.append_pair(name, &typed(value)));
            form.finish()
        }
        ("multipart/form-data", Value::Object(fields)) => {
            let lines: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", typed(value))).collect();
            lines.join("\n")
        }
        _ => typed(value),
    }
}

/// A value as one would type it into a field.
fn typed(value: &Value) -> String {
    match value {
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<_> = items.iter().map(scalar).collect();
            cut(&items.join(","), 500)
        }
        other => scalar(other),
    }
}

fn is_xml(essence: &str) -> bool {
    essence.ends_with("/xml") || essence.ends_with("+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_made_that_the_schema_would_take() {
        let root = json!({ "components": { "schemas": {
            "Pet": { "type": "object", "required": ["id"], "properties": {
                "id": { "type": "integer", "readOnly": true, "minimum": 7 },
                "name": { "type": "string", "example": "Rex" },
                "parent": { "$ref": "#/components/schemas/Pet" },
            } },
        } } });
        let pet = json!({ "$ref": "#/components/schemas/Pet" });
        let sent = made(&root, &pet, Way::Request);
        assert_eq!(sent["name"], "Rex");
        assert!(sent.get("id").is_none(), "what is only read is not sent: {sent}");
        assert_eq!(made(&root, &pet, Way::Answer)["parent"]["id"], 7, "and a circle ends");
        for (schema, want) in [
            (json!({ "type": ["null", "string"], "format": "date" }), json!("2026-11-25")),
            (json!({ "type": "array", "items": { "enum": ["a", "b"] } }), json!(["a"])),
            (json!({ "oneOf": [{ "type": "null" }, { "type": "boolean" }] }), json!(true)),
            (
                json!({ "allOf": [{ "properties": { "a": { "const": 1 } } }, { "properties": { "b": { "default": 2 } } }] }),
                json!({ "a": 1, "b": 2 }),
            ),
            (json!({}), Value::Null),
        ] {
            assert_eq!(made(&root, &schema, Way::Request), want, "{schema}");
        }
    }

    #[test]
    fn bodies_are_written_in_their_media_type() {
        let content = json!({ "schema": { "type": "object", "properties": { "a": { "example": "x y" }, "b": { "default": 2 } } } });
        for (media_type, want) in [
            ("application/json", "{\n  \"a\": \"x y\",\n  \"b\": 2\n}"),
            ("application/x-www-form-urlencoded", "a=x+y&b=2"),
            ("multipart/form-data; boundary=x", "a=x y\nb=2"),
            ("application/xml", ""),
        ] {
            assert_eq!(of_content(&Value::Null, media_type, &content, Way::Request), want);
        }
        let own = json!({ "examples": { "one": { "value": "<a/>" } } });
        assert_eq!(of_content(&Value::Null, "application/xml", &own, Way::Answer), "<a/>");
    }
}
