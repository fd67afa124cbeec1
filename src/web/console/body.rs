//! The body of a call: which ones a form can hold, what it has for them, and what is sent.

use crate::domain::catalog::reference_model::{Content, Field, Kind, OperationPage, Parameter, Place, Schema, Style};
use crate::web::console::filled::{Filled, Upload};
use crate::web::console::prepare::{Problems, in_query};
use axum::body::Bytes;
use serde_json::Value;

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A text.
    Text(String),
    /// A file and nothing else.
    File(Upload),
    /// A form with files.
    Form(Vec<Part>),
}

/// A part of a form with files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its media type; empty: a text without one, or whatever the file is.
    pub media: String,
    /// What it holds.
    pub held: Held,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A text.
    Text(String),
    /// A file.
    File(Upload),
}

/// How a body is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As text.
    Text,
    /// As a file.
    File,
    /// Field by field.
    Form(Coding),
}

/// How fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `multipart/form-data` (RFC 7578).
    Multipart,
    /// `application/x-www-form-urlencoded`.
    Pairs,
}

/// What one types or chooses for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A value.
    Line,
    /// Several, with commas between them.
    List,
    /// An object or a list of them, as JSON.
    Json,
    /// A file.
    File,
    /// Several files.
    Files,
}

/// What the form calls the field for a whole file.
pub const FILE: &str = "file";

/// The bodies that a form can hold, each kind of form once.
pub fn taken(page: &OperationPage) -> Vec<(&Content, Shape)> {
    let mut taken: Vec<(&Content, Shape)> = Vec::new();
    for content in page.body.iter().flat_map(|body| &body.contents) {
        let Some(shape) = shape(content) else { continue };
        let is_form = matches!(shape, Shape::Form(_));
        if !is_form || taken.iter().all(|(_, known)| *known != shape) {
            taken.push((content, shape));
        }
    }
    taken
}

/// The one of this media type, or the first.
pub fn chosen<'a>(page: &'a OperationPage, media: &str) -> Option<(&'a Content, Shape)> {
    let taken = taken(page);
    taken.iter().find(|(content, _)| content.media_type == media).or(taken.first()).copied()
}

fn shape(content: &Content) -> Option<Shape> {
    let essence = content.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let has_fields = fields(content).next().is_some();
    let is_text = || {
        let is = |end: &str| essence.ends_with(end);
        essence.starts_with("text/") || essence == "*/*" || is("xml") || is("yaml") || is("form-urlencoded")
    };
    match &*essence {
        "multipart/form-data" => has_fields.then_some(Shape::Form(Coding::Multipart)),
        "application/x-www-form-urlencoded" if has_fields => Some(Shape::Form(Coding::Pairs)),
        of_parts if of_parts.starts_with("multipart/") => None,
        _ if content.is_json() => Some(Shape::Text),
        _ if is_binary(&content.schema) || !is_text() => Some(Shape::File),
        _ => Some(Shape::Text),
    }
}

/// The fields that are sent.
pub fn fields(content: &Content) -> impl Iterator<Item = &Field> {
    content.schema.fields.iter().filter(|field| !field.schema.read_only)
}

/// What one types or chooses for it.
pub fn entry(schema: &Schema) -> Entry {
    let is_deep = |schema: &Schema| schema.is(Kind::Object) || schema.is(Kind::Array) || !schema.fields.is_empty();
    match &schema.items {
        _ if is_binary(schema) => Entry::File,
        Some(items) if is_binary(items) => Entry::Files,
        Some(items) if is_deep(items) => Entry::Json,
        _ if schema.is(Kind::Array) => Entry::List,
        _ if is_deep(schema) => Entry::Json,
        _ => Entry::Line,
    }
}

fn is_binary(schema: &Schema) -> bool {
    schema.format == "binary"
}

/// What the console's form calls it.
pub fn name(coding: Coding, field: &Field) -> String {
    let kind = match coding {
        Coding::Multipart => "part",
        Coding::Pairs => "form",
    };
    format!("{kind}.{}", field.name)
}

/// A value as one would type it: the file's example, or what its schema says; may be empty.
pub fn suggestion(content: &Content, coding: Coding, field: &Field) -> String {
    let found = match coding {
        Coding::Multipart => content
            .example
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| *name == field.name)
            .map(|(_, value)| value.to_owned()),
        Coding::Pairs => url::form_urlencoded::parse(content.example.as_bytes())
            .find(|(name, _)| *name == field.name)
            .map(|(_, value)| value.into_owned()),
    };
    let said = || Some(field.schema.default.clone()).filter(|default| !default.is_empty());
    found.or_else(said).or_else(|| field.schema.values.first().cloned()).unwrap_or_default()
}

/// What was typed and chosen, in the media type that was chosen.
pub fn typed<'a>(
    page: &'a OperationPage,
    filled: &Filled,
    problems: &mut Problems,
) -> Option<(&'a Content, Option<Sent>)> {
    let (content, shape) = chosen(page, filled.fields.one("media"))?;
    let required = page.body.as_ref().is_some_and(|body| body.required);
    let known = problems.len();
    let sent = match shape {
        // Browsers write line ends as the specification of forms says; nobody typed those.
        Shape::Text => {
            Some(filled.fields.one("body").replace("\r\n", "\n")).filter(|body| !body.trim().is_empty()).map(Sent::Text)
        }
        Shape::File => filled.uploads(FILE).into_iter().next().map(Sent::File),
        Shape::Form(coding) => {
            let parts = parts(content, coding, filled);
            let is_there = |field: &Field| parts.iter().any(|part| part.name == field.name);
            if required || !parts.is_empty() {
                for field in fields(content).filter(|field| field.required && !is_there(field)) {
                    let what = match entry(&field.schema) {
                        Entry::File | Entry::Files => format!("Choose a file for {}.", field.name),
                        _ => format!("Enter a value for {}.", field.name),
                    };
                    problems.push((name(coding, field), what));
                }
            }
            match coding {
                _ if parts.is_empty() => None,
                Coding::Multipart => Some(Sent::Form(parts)),
                Coding::Pairs => Some(Sent::Text(pairs(content, &parts))),
            }
        }
    };
    // A field that is missing says enough.
    if sent.is_none() && required && problems.len() == known {
        let what = match shape {
            Shape::Text => "Enter a body: this operation needs one.",
            Shape::File => "Choose a file: this operation needs one.",
            Shape::Form(_) => "Fill in a field: this operation needs a body.",
        };
        problems.push((if shape == Shape::File { FILE } else { "body" }.to_owned(), what.to_owned()));
    }
    Some((content, sent))
}

/// The body as the form starts: what it needs, and files that are not there.
pub fn example(page: &OperationPage) -> Option<(&Content, Option<Sent>)> {
    let (content, shape) = *taken(page).first()?;
    let file =
        |name: String| Upload { field: String::new(), index: 0, media: String::new(), bytes: Bytes::new(), name };
    let sent = match shape {
        Shape::Text => Some(content.example.clone()).filter(|text| !text.is_empty()).map(Sent::Text),
        Shape::File => Some(Sent::File(file("file.bin".to_owned()))),
        Shape::Form(coding) => {
            let mut parts = Vec::new();
            let needs_some = fields(content).any(|field| field.required);
            for field in fields(content) {
                let entry = entry(&field.schema);
                if matches!(entry, Entry::File | Entry::Files) {
                    let held = Held::File(file(format!("{}.bin", field.name)));
                    parts.push(Part { name: field.name.clone(), media: media(content, field, entry), held });
                } else if field.required || !needs_some {
                    let value = suggestion(content, coding, field);
                    let value = if value.is_empty() && field.required { format!("{{{}}}", field.name) } else { value };
                    parts.extend(texts(content, (field, entry), coding, &value));
                }
            }
            match coding {
                _ if parts.is_empty() => None,
                Coding::Multipart => Some(Sent::Form(parts)),
                Coding::Pairs => Some(Sent::Text(pairs(content, &parts))),
            }
        }
    };
    Some((content, sent))
}

/// What was filled in, in the order of the file; empty fields are left out.
fn parts(content: &Content, coding: Coding, filled: &Filled) -> Vec<Part> {
    let mut parts = Vec::new();
    for field in fields(content) {
        let (name, entry) = (name(coding, field), entry(&field.schema));
        if matches!(entry, Entry::File | Entry::Files) {
            let media = media(content, field, entry);
            let part = |upload| Part { name: field.name.clone(), media: media.clone(), held: Held::File(upload) };
            parts.extend(filled.uploads(&name).into_iter().map(part));
        } else {
            parts.extend(texts(content, (field, entry), coding, &filled.fields.one(&name).replace("\r\n", "\n")));
        }
    }
    parts
}

/// The values of a field that is no file: a list is a part for each of its items.
fn texts(content: &Content, (field, entry): (&Field, Entry), coding: Coding, value: &str) -> Vec<Part> {
    if value.trim().is_empty() {
        return Vec::new();
    }
    // How a list is written in pairs is said for the whole of it.
    let is_split = entry == Entry::List && coding == Coding::Multipart;
    let values = if is_split { items(value) } else { vec![value.to_owned()] };
    let media = media(content, field, entry);
    let part = |text| Part { name: field.name.clone(), media: media.clone(), held: Held::Text(text) };
    values.into_iter().map(part).collect()
}

/// The items of a list, typed as JSON or with commas between them.
pub(super) fn items(value: &str) -> Vec<String> {
    if let Ok(Value::Array(items)) = serde_json::from_str(value) {
        return items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
    }
    value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// What the file says, and JSON where it says nothing of what is written as JSON (OpenAPI, "Encoding Object").
fn media(content: &Content, field: &Field, entry: Entry) -> String {
    let said = content.encodings.iter().find(|encoding| encoding.name == field.name);
    let said = said.map(|encoding| encoding.media_type.as_str()).unwrap_or_default();
    match entry {
        _ if !said.is_empty() && !said.contains([',', '*']) => said.to_owned(),
        Entry::Json => "application/json".to_owned(),
        _ => String::new(),
    }
}

/// In pairs: each field as a query would have it, unless it is an object, which is written as JSON.
fn pairs(content: &Content, parts: &[Part]) -> String {
    let mut pairs = Vec::new();
    for part in parts {
        let Held::Text(value) = &part.held else { continue };
        let Some(field) = fields(content).find(|field| field.name == part.name) else { continue };
        let said = content.encodings.iter().find(|encoding| encoding.name == field.name);
        let style = said.and_then(|encoding| encoding.style);
        let is_plain = entry(&field.schema) == Entry::Json && style.is_none();
        let schema = if is_plain { Schema::default() } else { field.schema.clone() };
        let style = style.unwrap_or(Style::Form);
        pairs.extend(in_query(
            &Parameter {
                name: field.name.clone(),
                place: Place::Query,
                required: false,
                deprecated: false,
                description: String::new(),
                style,
                explode: said.and_then(|encoding| encoding.explode).unwrap_or(style == Style::Form),
                schema,
                example: String::new(),
            },
            value,
        ));
    }
    pairs.join("&")
}
