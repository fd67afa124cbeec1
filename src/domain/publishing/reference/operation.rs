//! The page of an operation: parameters, body, answers.

use crate::domain::catalog::reference_model::{
    Answer, Body, Content, Encoding, Event, Field, OperationPage, Parameter, Place, Schema, Style,
};
use crate::domain::publishing::reference::example::{self, Way};
use crate::domain::publishing::reference::file::{cut, prose};
use crate::domain::publishing::reference::schema::{Unfold, follow};
use serde_json::Value;
use std::collections::HashMap;

/// The longest description of an operation, in characters, and of one of its parts.
const LONGEST: usize = 8000;
const LONGEST_PART: usize = 1000;
/// How many parameters, answers, headers, media types and callbacks are told.
const MOST_PARAMETERS: usize = 60;
const MOST_ANSWERS: usize = 20;
const MOST_HEADERS: usize = 12;
const MOST_CONTENTS: usize = 4;
const MOST_ENCODINGS: usize = 60;
const MOST_EVENTS: usize = 10;
/// About how many bytes the page has for schemas, and for its examples.
const ROOM: usize = 40_000;
const EXAMPLES: usize = 9_000;
/// The least that is left for the answers.
const ANSWERS_ROOM: usize = 16_000;
/// Methods in the order in which the specification lists them.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Reads an operation of the path item.
pub(super) fn read<'a>(root: &'a Value, item: &'a Value, operation: &'a Value) -> OperationPage {
    let mut unfold = Unfold::new(root, ROOM - ANSWERS_ROOM);
    let mut examples = EXAMPLES;
    let parameters = parameters(root, item, operation, &mut unfold);
    let body = operation.get("requestBody").map(|body| self::body(root, last(root, body), &mut unfold, &mut examples));
    unfold.room += ANSWERS_ROOM;
    OperationPage {
        description: operation.get("description").map(|words| prose(words, LONGEST)).unwrap_or_default(),
        parameters,
        body,
        answers: answers(root, operation, &mut unfold, &mut examples),
        callbacks: callbacks(root, operation),
    }
}

/// What is behind a reference.
fn last<'a>(root: &'a Value, value: &'a Value) -> &'a Value {
    follow(root, value).1.last().copied().unwrap_or(value)
}

/// Those of the path first; one of the operation takes the place of one of the same name.
fn parameters<'a>(root: &'a Value, item: &'a Value, operation: &'a Value, unfold: &mut Unfold<'a>) -> Vec<Parameter> {
    let mut found: Vec<Parameter> = Vec::new();
    let listed = [item, operation].into_iter().filter_map(|of| of.get("parameters")?.as_array()).flatten();
    for parameter in listed.map(|parameter| last(root, parameter)) {
        let Some(told) = self::parameter(root, parameter, unfold) else { continue };
        if let Some(known) = found.iter_mut().find(|known| (&known.name, known.place) == (&told.name, told.place)) {
            *known = told;
        } else if found.len() < MOST_PARAMETERS {
            found.push(told);
        }
    }
    found
}

fn parameter<'a>(root: &'a Value, parameter: &'a Value, unfold: &mut Unfold<'a>) -> Option<Parameter> {
    let text = |key: &str| parameter.get(key).and_then(Value::as_str);
    let is = |key: &str| parameter.get(key) == Some(&Value::Bool(true));
    let name = cut(text("name")?, 200);
    let place = Place::ALL.into_iter().find(|place| Some(place.as_str()) == text("in"))?;
    // A credential has its own place on the page: OpenAPI says to ignore a parameter of this name.
    if place == Place::Header && name.eq_ignore_ascii_case("authorization") {
        return None;
    }
    let usual = if matches!(place, Place::Path | Place::Header) { Style::Simple } else { Style::Form };
    let style = text("style").and_then(style).unwrap_or(usual);
    let in_content = || parameter.get("content").and_then(Value::as_object)?.values().next()?.get("schema");
    let schema = parameter.get("schema").or_else(in_content).map(|schema| unfold.schema(schema)).unwrap_or_default();
    Some(Parameter {
        required: is("required") || place == Place::Path,
        deprecated: is("deprecated") || schema.deprecated,
        description: parameter.get("description").map(|words| prose(words, LONGEST_PART)).unwrap_or_default(),
        explode: parameter.get("explode").and_then(Value::as_bool).unwrap_or(style == Style::Form),
        example: example::of_parameter(root, parameter),
        name,
        place,
        style,
        schema,
    })
}

fn style(text: &str) -> Option<Style> {
    Some(match text {
        "simple" => Style::Simple,
        "label" => Style::Label,
        "matrix" => Style::Matrix,
        "spaceDelimited" => Style::SpaceDelimited,
        "pipeDelimited" => Style::PipeDelimited,
        "deepObject" => Style::DeepObject,
        "form" => Style::Form,
        _ => return None,
    })
}

fn encodings(content: &Value) -> Vec<Encoding> {
    let listed = content.get("encoding").and_then(Value::as_object).into_iter().flatten().take(MOST_ENCODINGS);
    let tell = |(name, said): (&String, &Value)| Encoding {
        name: cut(name, 200),
        media_type: said.get("contentType").and_then(Value::as_str).map(|text| cut(text, 100)).unwrap_or_default(),
        style: said.get("style").and_then(Value::as_str).and_then(style),
        explode: said.get("explode").and_then(Value::as_bool),
    };
    listed.map(tell).collect()
}

fn body<'a>(root: &'a Value, body: &'a Value, unfold: &mut Unfold<'a>, examples: &mut usize) -> Body {
    Body {
        required: body.get("required") == Some(&Value::Bool(true)),
        description: body.get("description").map(|words| prose(words, LONGEST_PART)).unwrap_or_default(),
        contents: contents(root, body, Way::Request, (unfold, examples)),
    }
}

/// JSON first: it is what most callers send.
fn contents<'a>(
    root: &'a Value,
    of: &'a Value,
    way: Way,
    (unfold, examples): (&mut Unfold<'a>, &mut usize),
) -> Vec<Content> {
    let mut listed: Vec<_> = of.get("content").and_then(Value::as_object).into_iter().flatten().collect();
    listed.sort_by_key(|(media_type, _)| !crate::domain::catalog::reference_model::is_json(media_type));
    let tell = |(media_type, content): (&'a String, &'a Value)| {
        let mut example = example::of_content(root, media_type, content, way);
        if example.len() > *examples {
            example.clear();
        }
        *examples -= example.len();
        let schema = content.get("schema").map(|schema| unfold.schema(schema)).unwrap_or_default();
        Content { media_type: cut(media_type, 100), schema, example, encodings: encodings(content) }
    };
    listed.into_iter().take(MOST_CONTENTS).map(tell).collect()
}

/// Those that say that it went well come first, as they stand in the file.
fn answers<'a>(root: &'a Value, operation: &'a Value, unfold: &mut Unfold<'a>, examples: &mut usize) -> Vec<Answer> {
    let mut listed: Vec<_> = operation.get("responses").and_then(Value::as_object).into_iter().flatten().collect();
    listed.retain(|(status, _)| !status.starts_with("x-"));
    listed.sort_by_key(|(status, _)| !status.starts_with('2'));
    let mut told: HashMap<String, Vec<Content>> = HashMap::new();
    let tell = |(status, answer): (&'a String, &'a Value)| {
        let behind = last(root, answer);
        let content = behind.get("content").map(Value::to_string).filter(|content| content.len() < 200);
        // The same error body ten times over would leave no room for anything else.
        let again = content.as_ref().and_then(|content| told.get(content)).cloned();
        let contents = again.unwrap_or_else(|| contents(root, behind, Way::Answer, (unfold, examples)));
        if let Some(content) = content {
            let without = |content: &Content| Content {
                schema: named_only(&content.schema),
                example: String::new(),
                ..content.clone()
            };
            told.insert(content, contents.iter().map(without).collect());
        }
        Answer {
            status: cut(status, 10),
            description: behind.get("description").map(|words| prose(words, LONGEST_PART)).unwrap_or_default(),
            headers: headers(root, behind, unfold),
            contents,
        }
    };
    listed.into_iter().take(MOST_ANSWERS).map(tell).collect()
}

fn named_only(schema: &Schema) -> Schema {
    let items = schema.items.as_ref().map(|items| Box::new(named_only(items)));
    let cut = schema.has_inside() && items.is_none();
    Schema { kinds: schema.kinds.clone(), name: schema.name.clone(), items, cut, ..Schema::default() }
}

fn headers<'a>(root: &'a Value, answer: &'a Value, unfold: &mut Unfold<'a>) -> Vec<Field> {
    let listed = answer.get("headers").and_then(Value::as_object).into_iter().flatten();
    let tell = |(name, header): (&'a String, &'a Value)| {
        let header = last(root, header);
        let mut schema = header.get("schema").map(|schema| unfold.schema(schema)).unwrap_or_default();
        if let Some(words) = header.get("description") {
            schema.description = prose(words, LONGEST_PART);
        }
        Field { name: cut(name, 100), required: header.get("required") == Some(&Value::Bool(true)), schema }
    };
    listed.take(MOST_HEADERS).map(tell).collect()
}

fn callbacks(root: &Value, operation: &Value) -> Vec<Event> {
    let mut found = Vec::new();
    for (name, callback) in operation.get("callbacks").and_then(Value::as_object).into_iter().flatten() {
        for (target, item) in last(root, callback).as_object().into_iter().flatten() {
            found.extend(events(root, (name, target), item));
        }
    }
    found.truncate(MOST_EVENTS);
    found
}

/// The calls of a webhook or callback.
pub(super) fn events(root: &Value, (name, target): (&str, &str), item: &Value) -> Vec<Event> {
    let item = last(root, item);
    let tell = |method: &&str| {
        let operation = item.get(method)?;
        let words = operation.get("summary").or_else(|| operation.get("description"));
        Some(Event {
            name: cut(name, 100),
            method: method.to_uppercase(),
            target: cut(target, 300),
            summary: words.map(|words| prose(words, 300)).unwrap_or_default(),
        })
    };
    METHODS.iter().filter_map(tell).collect()
}
