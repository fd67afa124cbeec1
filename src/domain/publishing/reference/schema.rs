//! Schemas, with what their references lead to: merged where all of several hold, unfolded as long as the page has room.

use crate::domain::catalog::reference_model::{Choice, Field, Kind, Schema, is_json};
use crate::domain::publishing::reference::file::{cut, prose, scalar};
use crate::domain::publishing::reference::limits;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

/// How deep a page unfolds schemas within schemas.
const DEPTH: usize = 6;
/// How many fields of one object are told, and how many alternatives and values.
const MOST_FIELDS: usize = 200;
const MOST_OPTIONS: usize = 20;
const MOST_VALUES: usize = 40;
/// How many references in a row are followed.
const REFERENCES: usize = 16;
/// The longest description of a field, in characters.
const LONGEST: usize = 600;
/// About how many bytes the page needs for a field, beside its texts.
const FIELD_BYTES: usize = 260;

/// Unfolds schemas of one file for one page.
pub(super) struct Unfold<'a> {
    root: &'a Value,
    /// About how many bytes of the page are left.
    pub(super) room: usize,
    /// The named schemas around the one that is being told.
    around: Vec<&'a str>,
}

impl<'a> Unfold<'a> {
    /// For a page with room for so many bytes.
    pub(super) fn new(root: &'a Value, bytes: usize) -> Self {
        Self { root, room: bytes, around: Vec::new() }
    }

    /// The schema and what is inside.
    pub(super) fn schema(&mut self, value: &'a Value) -> Schema {
        let mut told = self.head(value);
        self.inside(value, &mut told, 0);
        told
    }

    /// The schema that the file calls so.
    pub(super) fn named(&mut self, name: &'a str, value: &'a Value) -> Schema {
        self.around.push(name);
        self.schema(value)
    }

    /// What is said of a schema without what is inside.
    pub(super) fn head(&mut self, value: &'a Value) -> Schema {
        let (name, chain) = self.follow(value);
        let merged = merged(self.root, &chain, 0);
        let get = |key: &str| merged.get(key).copied();
        let mut told = Schema { name: name.unwrap_or_default().to_owned(), kinds: kinds(&merged), ..Schema::default() };
        told.format = get("format").and_then(Value::as_str).map(|format| cut(format, 40)).unwrap_or_default();
        // Since 3.1 a file is what has a media type of its own and no encoding (OpenAPI 3.1, "Considerations for File Uploads").
        if told.format.is_empty() && get("contentEncoding").is_none() {
            let media = get("contentMediaType").and_then(Value::as_str);
            if media.is_some_and(|media| !is_json(media)) {
                "binary".clone_into(&mut told.format);
            }
        }
        told.description =
            get("description").or_else(|| get("title")).map(|words| prose(words, LONGEST)).unwrap_or_default();
        let narrowed = LIMITS.iter().filter_map(|key| Some(((*key).to_owned(), get(key)?.clone())));
        told.limits = limits::of(&Value::Object(narrowed.collect()));
        let constant = get("const").map(std::slice::from_ref);
        let values = constant.or_else(|| get("enum").and_then(Value::as_array).map(Vec::as_slice)).unwrap_or_default();
        told.values = values.iter().filter(|value| !value.is_null()).take(MOST_VALUES).map(scalar).collect();
        told.more_values = values.iter().filter(|value| !value.is_null()).count().saturating_sub(MOST_VALUES);
        if values.iter().any(Value::is_null) && !told.kinds.is_empty() && !told.is(Kind::Null) {
            told.kinds.push(Kind::Null);
        }
        told.default = get("default").map(scalar).unwrap_or_default();
        let is = |key: &str| get(key) == Some(&Value::Bool(true));
        (told.deprecated, told.read_only, told.write_only) = (is("deprecated"), is("readOnly"), is("writeOnly"));
        let texts: usize = told.limits.iter().chain(&told.values).map(|text| text.len() + 40).sum();
        self.spend(FIELD_BYTES + told.description.len() + texts);
        told
    }

    fn inside(&mut self, value: &'a Value, told: &mut Schema, depth: usize) {
        let (name, chain) = self.follow(value);
        let merged = merged(self.root, &chain, 0);
        let items = merged.get("items").copied().filter(|_| told.is(Kind::Array));
        if let Some(items) = items {
            // A list is no level of its own: what its items have stands in its place.
            let mut inner = self.head(items);
            self.inside(items, &mut inner, depth);
            told.items = Some(Box::new(inner));
            return;
        }
        let others = merged.get("additionalProperties").copied().filter(|others| others.is_object());
        let properties = merged_properties(self.root, &chain);
        let options = merged.get("oneOf").or_else(|| merged.get("anyOf")).and_then(|options| options.as_array());
        if properties.is_empty() && others.is_none() && options.is_none() {
            return;
        }
        let circle = name.is_some_and(|name| self.around.contains(&name));
        if circle || depth >= DEPTH || self.room == 0 {
            told.cut = true;
            // That it is a map, and of what, is said all the same.
            if let Some(others) = others.filter(|_| properties.is_empty()) {
                told.others = Some(Box::new(self.head(others)));
            }
            return;
        }
        self.around.extend(name);
        self.fields(&required(self.root, &chain, 0), &properties, told, depth);
        if let Some(others) = others {
            let mut inner = self.head(others);
            self.inside(others, &mut inner, depth + 1);
            told.others = Some(Box::new(inner));
        }
        if let Some(options) = options {
            self.choice(&merged, options, told, depth);
        }
        if name.is_some() {
            self.around.pop();
        }
    }

    /// All fields get their heads before any is unfolded, so that one deep field does not take the room of the others.
    fn fields(&mut self, required: &[&str], properties: &[(&'a str, &'a Value)], told: &mut Schema, depth: usize) {
        for (name, value) in properties.iter().take(MOST_FIELDS) {
            if self.room == 0 {
                break;
            }
            let schema = self.head(value);
            self.spend(name.len());
            told.fields.push(Field { name: cut(name, 200), required: required.contains(name), schema });
        }
        told.more_fields = properties.len() - told.fields.len();
        for (field, (_, value)) in told.fields.iter_mut().zip(properties) {
            self.inside(value, &mut field.schema, depth + 1);
        }
    }

    fn choice(&mut self, merged: &Merged<'a>, options: &'a [Value], told: &mut Schema, depth: usize) {
        let (nothing, some): (Vec<_>, Vec<_>) = options.iter().partition(|option| is_null(option));
        if !nothing.is_empty() && !told.is(Kind::Null) {
            told.kinds.push(Kind::Null);
        }
        if let ([only], true) = (&*some, told.fields.is_empty()) {
            // This or nothing: the one alternative speaks for itself.
            let mut inner = self.head(only);
            self.inside(only, &mut inner, depth);
            inner
                .kinds
                .extend(told.kinds.iter().filter(|kind| !inner.kinds.contains(kind)).copied().collect::<Vec<_>>());
            if !told.description.is_empty() {
                inner.description = std::mem::take(&mut told.description);
            }
            if inner.name.is_empty() {
                inner.name = std::mem::take(&mut told.name);
            }
            *told = inner;
            return;
        }
        let tells = merged.get("discriminator").and_then(|tells| tells.get("propertyName")).and_then(Value::as_str);
        let mut choice = Choice {
            any: !merged.contains_key("oneOf"),
            tells: tells.map(|name| cut(name, 100)).unwrap_or_default(),
            ..Choice::default()
        };
        for option in some.iter().take(MOST_OPTIONS) {
            if self.room == 0 {
                break;
            }
            choice.options.push(self.head(option));
        }
        choice.more = some.len() - choice.options.len();
        for (inner, option) in choice.options.iter_mut().zip(&some) {
            self.inside(option, inner, depth + 1);
        }
        if !choice.options.is_empty() {
            told.choice = Some(Box::new(choice));
        }
    }

    /// The name of a schema of the file, and the schema with everything that its references add, the nearest first.
    fn follow(&self, value: &'a Value) -> (Option<&'a str>, Vec<&'a Value>) {
        follow(self.root, value)
    }

    fn spend(&mut self, bytes: usize) {
        self.room = self.room.saturating_sub(bytes);
    }
}

/// The keywords that [`limits`] reads.
const LIMITS: [&str; 13] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "uniqueItems",
    "pattern",
];

/// The keywords that hold for a value, whichever of several schemas says them.
pub(super) type Merged<'a> = BTreeMap<&'a str, &'a Value>;

/// Follows references of this file; those to other files lead nowhere.
pub(super) fn follow<'a>(root: &'a Value, value: &'a Value) -> (Option<&'a str>, Vec<&'a Value>) {
    let (mut name, mut chain, mut at) = (None, vec![value], value);
    for _ in 0..REFERENCES {
        let Some(reference) = at.get("$ref").and_then(Value::as_str) else { break };
        let Some(pointer) = reference.strip_prefix('#') else { break };
        let Some(target) = root.pointer(pointer) else { break };
        if name.is_none() {
            name = pointer.strip_prefix("/components/schemas/").filter(|name| !name.contains('/'));
        }
        chain.push(target);
        at = target;
    }
    (name, chain)
}

/// The keywords of a chain and of all that `allOf` names; the nearest counts.
pub(super) fn merged<'a>(root: &'a Value, chain: &[&'a Value], depth: usize) -> Merged<'a> {
    let mut merged = Merged::new();
    for part in chain.iter().filter_map(|part| part.as_object()) {
        for (key, value) in part {
            merged.entry(key).or_insert(value);
        }
        for all in parts(part, depth) {
            let (_, chain) = follow(root, all);
            for (key, value) in self::merged(root, &chain, depth + 1) {
                merged.entry(key).or_insert(value);
            }
        }
    }
    merged
}

fn parts(part: &Map<String, Value>, depth: usize) -> &[Value] {
    match part.get("allOf").and_then(Value::as_array) {
        Some(all) if depth < DEPTH => all,
        _ => &[],
    }
}

/// The properties of a chain and of all that `allOf` names, in the order of the file, each once.
pub(super) fn merged_properties<'a>(root: &'a Value, chain: &[&'a Value]) -> Vec<(&'a str, &'a Value)> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    collect(root, chain, 0, &mut |name, value| {
        if seen.insert(name) {
            found.push((name, value));
        }
    });
    found
}

fn collect<'a>(root: &'a Value, chain: &[&'a Value], depth: usize, take: &mut impl FnMut(&'a str, &'a Value)) {
    for part in chain.iter().filter_map(|part| part.as_object()) {
        for all in parts(part, depth) {
            let (_, chain) = follow(root, all);
            collect(root, &chain, depth + 1, &mut *take);
        }
        for (name, value) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
            take(name, value);
        }
    }
}

/// The names of the fields that are always there, wherever they are said.
pub(super) fn required<'a>(root: &'a Value, chain: &[&'a Value], depth: usize) -> Vec<&'a str> {
    let mut names = Vec::new();
    for part in chain.iter().filter_map(|part| part.as_object()) {
        names.extend(part.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str));
        for all in parts(part, depth) {
            names.extend(required(root, &follow(root, all).1, depth + 1));
        }
    }
    names
}

/// The types of a schema: those it names (3.1: several), or what its other keywords are about.
pub(super) fn kinds(merged: &Merged<'_>) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = match merged.get("type") {
        Some(Value::String(one)) => Kind::parse(one).into_iter().collect(),
        Some(Value::Array(several)) => several.iter().filter_map(|one| Kind::parse(one.as_str()?)).collect(),
        _ if merged.contains_key("properties") || merged.contains_key("additionalProperties") => vec![Kind::Object],
        _ if merged.contains_key("items") => vec![Kind::Array],
        _ => {
            merged.get("enum").or_else(|| merged.get("const")).and_then(|values| kind_of(values)).into_iter().collect()
        }
    };
    if merged.get("nullable") == Some(&&Value::Bool(true)) && !kinds.is_empty() && !kinds.contains(&Kind::Null) {
        kinds.push(Kind::Null);
    }
    kinds
}

fn kind_of(value: &Value) -> Option<Kind> {
    match value {
        Value::String(_) => Some(Kind::String),
        Value::Bool(_) => Some(Kind::Boolean),
        Value::Number(number) if number.is_f64() => Some(Kind::Number),
        Value::Number(_) => Some(Kind::Integer),
        Value::Array(values) => values.first().and_then(kind_of),
        Value::Null | Value::Object(_) => None,
    }
}

/// Whether an alternative is: nothing.
pub(super) fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
        || schema.get("enum") == Some(&Value::Array(vec![Value::Null]))
}
