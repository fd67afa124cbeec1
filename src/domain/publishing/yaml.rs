//! YAML as a tree in which every value knows its line, so that what is wrong with a valid file can be pointed at.

use crate::domain::publishing::problem::{Place, Problem};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Options, Spanned};
use std::fmt;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Its line, counted from 1.
    pub(super) line: u64,
    /// What it is.
    pub(super) value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written: `1.10` stays `1.10`.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the file's order.
    Map(Vec<(String, Node)>),
}

/// How deeply a manifest may nest. Each level costs stack, and no manifest needs more than half of this.
const DEPTH: usize = 16;

/// Reads every document of a file. Aliases are expanded within a budget; a key given twice is an error.
pub(super) fn documents(file: &str, text: &str) -> Result<Vec<Node>, Problem> {
    let parsed: Vec<Raw> =
        serde_saphyr::from_multiple_with_options(text, options(DEPTH)).map_err(|error| problem(file, &error))?;
    Ok(parsed.into_iter().map(|raw| raw.node(text)).collect())
}

/// Limits for every YAML file that is read: generous for the largest descriptions, mean to alias bombs.
pub(super) fn options(max_depth: usize) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 20_000_000,
            max_nodes: 10_000_000,
            max_depth: max_depth,
            max_documents: 10_000,
            max_total_scalar_bytes: 256 * 1024 * 1024,
            max_aliases: 10_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 200_000,
            max_replay_stack_depth: 16,
        },
        strict_booleans: true,
        with_snippet: false,
    }
}

/// What the parser says, in one line.
pub(super) fn problem(file: &str, error: &serde_saphyr::Error) -> Problem {
    let line = error.location().map_or(0, |location| location.line());
    let text = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let text = text.lines().next().unwrap_or_default();
    // The place is said already; the parser appends its own.
    let what = text.split(" at line ").next().unwrap_or(text).trim_end_matches([':', ',']);
    let place = Place { file: file.into(), line, field: String::new() };
    Problem { place: Some(place), message: format!("this is not valid YAML: {what}") }
}

struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(String, Raw)>),
}

impl Raw {
    fn node(self, source: &str) -> Node {
        let Spanned { value, referenced, defined } = self.0;
        let value = match value {
            RawValue::Null => Value::Null,
            RawValue::Bool(b) => Value::Bool(b),
            RawValue::Number(short) => Value::Number(written(source, defined).unwrap_or(short)),
            RawValue::Text(text) => Value::Text(text),
            RawValue::List(items) => Value::List(items.into_iter().map(|raw| raw.node(source)).collect()),
            RawValue::Map(entries) => {
                Value::Map(entries.into_iter().map(|(key, raw)| (key, raw.node(source))).collect())
            }
        };
        Node { line: referenced.line(), value }
    }
}

/// The characters of a scalar in the file.
fn written(source: &str, at: serde_saphyr::Location) -> Option<String> {
    let start = usize::try_from(at.span().byte_offset()?).ok()?;
    let length = usize::try_from(at.span().byte_len()?).ok()?;
    let text = source.get(start..start.checked_add(length)?)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }
    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<RawValue, E> {
        Ok(RawValue::Bool(b))
    }
    fn visit_i64<E>(self, n: i64) -> Result<RawValue, E> {
        Ok(RawValue::Number(n.to_string()))
    }
    fn visit_u64<E>(self, n: u64) -> Result<RawValue, E> {
        Ok(RawValue::Number(n.to_string()))
    }
    fn visit_i128<E>(self, n: i128) -> Result<RawValue, E> {
        Ok(RawValue::Number(n.to_string()))
    }
    fn visit_u128<E>(self, n: u128) -> Result<RawValue, E> {
        Ok(RawValue::Number(n.to_string()))
    }
    fn visit_f64<E>(self, n: f64) -> Result<RawValue, E> {
        Ok(RawValue::Number(n.to_string()))
    }
    fn visit_str<E>(self, text: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<RawValue, E> {
        Ok(RawValue::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(RawValue::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            entries.push((key, map.next_value()?));
        }
        Ok(RawValue::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get<'a>(node: &'a Node, key: &str) -> &'a Node {
        let Value::Map(entries) = &node.value else { panic!("{node:?}") };
        &entries.iter().find(|(k, _)| k == key).unwrap().1
    }

    #[test]
    fn every_value_knows_its_line_and_a_number_keeps_its_spelling() {
        let text = "a: 1.10\nb:\n  - x: yes\n    y: true\n---\n# second\nc: 0x10\n";
        let documents = documents("f.yaml", text).unwrap();
        assert_eq!(get(&documents[0], "a"), &Node { line: 1, value: Value::Number("1.10".into()) });
        let Value::List(items) = &get(&documents[0], "b").value else { panic!() };
        assert_eq!(get(&items[0], "x"), &Node { line: 3, value: Value::Text("yes".into()) });
        assert_eq!(get(&items[0], "y"), &Node { line: 4, value: Value::Bool(true) });
        assert_eq!(get(&documents[1], "c"), &Node { line: 7, value: Value::Number("0x10".into()) });
    }

    #[test]
    fn broken_yaml_is_one_line_with_its_place() {
        for (text, line) in [("a: [1\nb: 2\n", 2), ("a: 1\na: 2\n", 2), ("a: 'x\n", 1), ("a: *b", 1), ("a: %", 1)] {
            let problem = documents("f.yaml", text).unwrap_err();
            let place = problem.place.clone().unwrap();
            assert!((line..=line + 1).contains(&place.line), "{problem}");
            assert!(!problem.to_string().contains('\n'), "{problem}");
        }
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let alias = format!("*a{}", level - 1);
            text.extend([format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "))]);
        }
        let problem = documents("f.yaml", &text).unwrap_err();
        assert!(problem.to_string().starts_with("f.yaml:"), "{problem}");
    }
}
