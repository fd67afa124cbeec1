//! A whole file: what stands for it, its operations in the order of the list, its named schemas.

use crate::domain::catalog::reference_model::{About, Schema, TagWords};
use crate::domain::catalog::spec::Reading;
use crate::domain::publishing::reference::schema::Unfold;
use crate::domain::publishing::reference::{operation, served};
use serde_json::Value;

/// The longest description of a file, in characters, and of a tag.
const LONGEST: usize = 20_000;
const LONGEST_TAG: usize = 1000;
/// How many tags, webhooks and schemas are told.
const MOST_TAGS: usize = 200;
const MOST_WEBHOOKS: usize = 50;
const MOST_SCHEMAS: usize = 5000;
/// About how many bytes the page of a schema has.
const SCHEMA_ROOM: usize = 40_000;

/// Reads the file. `operations` are what they are called in URLs, with path item and operation, in the order of the list.
pub(in crate::domain::publishing) fn read(root: &Value, operations: Vec<(String, (&Value, &Value))>) -> Reading {
    let (as_json, as_yaml) = served::without_servers(root);
    Reading {
        about: about(root),
        operations: operations.into_iter().map(|(slug, (item, it))| (slug, operation::read(root, item, it))).collect(),
        schemas: schemas(root),
        as_json,
        as_yaml,
    }
}

fn about(root: &Value) -> About {
    let tag = |tag: &Value| {
        let name = cut(tag.get("name")?.as_str()?.trim(), 500);
        Some(TagWords { name, description: prose(tag.get("description")?, LONGEST_TAG) })
    };
    let tags = root.get("tags").and_then(Value::as_array).into_iter().flatten();
    let webhooks = root.get("webhooks").and_then(Value::as_object).into_iter().flatten();
    let info = |key: &str| root.get("info").and_then(|info| info.get(key));
    About {
        description: info("description").map(|words| prose(words, LONGEST)).unwrap_or_default(),
        version: info("version").and_then(Value::as_str).map(|version| cut(version, 100)).unwrap_or_default(),
        tags: tags.filter_map(tag).take(MOST_TAGS).collect(),
        webhooks: webhooks
            .flat_map(|(name, item)| operation::events(root, (name, ""), item))
            .take(MOST_WEBHOOKS)
            .collect(),
    }
}

fn schemas(root: &Value) -> Vec<(String, Schema)> {
    let named = root.pointer("/components/schemas").and_then(Value::as_object).into_iter().flatten();
    // A name is part of a URL; one that cannot be is told only where it is used.
    let named = named.filter(|(name, _)| is_name(name)).take(MOST_SCHEMAS);
    let tell = |(name, schema): (&String, &Value)| {
        let mut unfold = Unfold::new(root, SCHEMA_ROOM);
        let mut told = unfold.named(name, schema);
        told.name.clone_from(name);
        (name.clone(), told)
    };
    named.map(tell).collect()
}

/// What OpenAPI lets a component be called.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.len() <= 200 && name.bytes().all(allowed) && !name.bytes().all(|byte| byte == b'.')
}

/// Text of several lines, without what cannot be stored or shown.
pub(super) fn prose(words: &Value, most: usize) -> String {
    let text = words.as_str().unwrap_or_default().trim();
    let clean = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    let mut told: String = clean.take(most).collect();
    if text.chars().count() > most {
        told.push('…');
    }
    told
}

/// The beginning of a text, without what cannot be stored or shown.
pub(super) fn cut(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(most).collect()
}

/// A value as one would type it, on one line.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text, 300),
        other => cut(&other.to_string(), 300),
    }
}
