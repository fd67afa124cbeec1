//! Puts a call together from what was typed: the one place that knows how parameters are written (OpenAPI, "Style Values").

use crate::domain::catalog::model::Operation;
use crate::domain::catalog::reference_model::{Content, Kind, OperationPage, Parameter, Place, Style};
use crate::web::console::body::{self, Sent};
use crate::web::console::filled::Filled;
use axum::http::{HeaderName, HeaderValue};
use serde_json::Value;
use std::fmt::Write as _;

/// Characters of one parameter, at most.
const LONGEST: usize = 4096;
/// What a parameter of the file may not set: it would not be a header of the call, but of how it is sent.
const NOT_OURS: [&str; 11] = [
    "accept-encoding",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-type",
];

/// A call, ready to be sent or written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// In upper case.
    pub method: String,
    /// Path and query below the endpoint.
    pub target: String,
    /// The whole URL.
    pub url: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// What is sent, if anything is.
    pub body: Option<Sent>,
}

/// Fields of the form that are wrong: name and sentence.
pub type Problems = Vec<(String, String)>;

/// What a form calls a parameter.
pub fn field(parameter: &Parameter) -> String {
    format!("{}.{}", parameter.place.as_str(), parameter.name)
}

/// The value that a form starts with: a call with it is worth sending, and optional parameters stay out of it.
pub fn start(parameter: &Parameter) -> String {
    if parameter.required { suggestion(parameter) } else { String::new() }
}

/// A value as one would type it; may be empty.
pub fn suggestion(parameter: &Parameter) -> String {
    let schema = &parameter.schema;
    let values = || schema.values.first().cloned().unwrap_or_default();
    let either = |first: &str, next: &dyn Fn() -> String| if first.is_empty() { next() } else { first.to_owned() };
    either(&parameter.example, &|| either(&schema.default, &values))
}

/// Whether the operation takes a body that the form can only leave out.
pub fn takes_unknown_body(page: &OperationPage) -> bool {
    page.body.as_ref().is_some_and(|body| !body.contents.is_empty()) && body::taken(page).is_empty()
}

/// The call as the form starts: what has no example stays in braces.
pub fn example(base: &str, operation: &Operation, page: &OperationPage) -> Prepared {
    let value = |parameter: &Parameter| match start(parameter) {
        empty if empty.is_empty() && parameter.required => format!("{{{}}}", parameter.name),
        value => value,
    };
    let values = page.parameters.iter().map(|parameter| (parameter, value(parameter)));
    build(base, operation, values, body::example(page))
}

/// The call that was typed.
pub fn typed(base: &str, operation: &Operation, page: &OperationPage, filled: &Filled) -> Result<Prepared, Problems> {
    let mut problems = Problems::new();
    let mut values = Vec::new();
    for parameter in &page.parameters {
        let name = field(parameter);
        let value = filled.fields.one(&name).trim();
        if value.is_empty() && parameter.required {
            problems.push((name, format!("Enter a value for {}.", parameter.name)));
        } else if value.len() > LONGEST {
            problems.push((name, format!("Use at most {LONGEST} characters.")));
        } else if parameter.place == Place::Header && HeaderValue::from_str(value).is_err() {
            problems.push((name, "A header cannot hold these characters.".to_owned()));
        } else {
            values.push((parameter, value.to_owned()));
        }
    }
    let body = body::typed(page, filled, &mut problems);
    if problems.is_empty() { Ok(build(base, operation, values.into_iter(), body)) } else { Err(problems) }
}

/// Empty values are left out; one in the path leaves its braces.
fn build<'a>(
    base: &str,
    operation: &Operation,
    values: impl Iterator<Item = (&'a Parameter, String)>,
    body: Option<(&Content, Option<Sent>)>,
) -> Prepared {
    let mut path = operation.path.clone();
    let (mut query, mut headers, mut cookies) = (Vec::new(), Vec::new(), Vec::new());
    for (parameter, value) in values.filter(|(_, value)| !value.is_empty()) {
        let name = &parameter.name;
        match parameter.place {
            Place::Path => {
                let hole = format!("{{{name}}}");
                if value != hole {
                    path = path.replace(&hole, &in_path(parameter, &value));
                }
            }
            Place::Query => query.extend(in_query(parameter, &value)),
            Place::Header => headers.extend(in_header(parameter, &value)),
            Place::Cookie => cookies.push(format!("{name}={}", encoded(&value))),
        }
    }
    if !cookies.is_empty() {
        headers.push(("cookie".to_owned(), cookies.join("; ")));
    }
    let (content, body) = body.map_or((None, None), |(content, body)| (Some(content), body));
    if let (Some(content), Some(body)) = (content, &body) {
        headers.extend(media(content, body).map(|media| ("content-type".to_owned(), media)));
    }
    let mut target = path;
    if !query.is_empty() {
        let _ = write!(target, "?{}", query.join("&"));
    }
    Prepared { method: operation.method.clone(), url: format!("{base}{target}"), target, headers, body }
}

/// The media type of a body. A form with files has none yet: whoever writes it chooses the boundary.
fn media(content: &Content, body: &Sent) -> Option<String> {
    let is_open = content.media_type.contains('*');
    Some(match body {
        Sent::Form(_) => return None,
        Sent::Text(_) if is_open => "text/plain".to_owned(),
        Sent::File(file) if is_open && file.media.is_empty() => "application/octet-stream".to_owned(),
        Sent::File(file) if is_open => file.media.clone(),
        _ => content.media_type.clone(),
    })
}

/// The values of a list, as they were typed with commas between them; of anything else the whole.
fn items(parameter: &Parameter, value: &str) -> Vec<String> {
    if !parameter.schema.is(Kind::Array) {
        return vec![value.to_owned()];
    }
    body::items(value)
}

/// The fields of an object that was typed as JSON.
fn object(parameter: &Parameter, value: &str) -> Option<Vec<(String, String)>> {
    let is_object = parameter.schema.is(Kind::Object) || parameter.style == Style::DeepObject;
    match serde_json::from_str(value) {
        Ok(Value::Object(fields)) if is_object => {
            Some(fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
        _ => None,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn in_path(parameter: &Parameter, value: &str) -> String {
    let items: Vec<String> = items(parameter, value).iter().map(|item| encoded(item)).collect();
    match (parameter.style, parameter.explode) {
        (Style::Label, _) => format!(".{}", items.join(if parameter.explode { "." } else { "," })),
        (Style::Matrix, true) => {
            items.iter().fold(String::new(), |all, item| all + &format!(";{}={item}", parameter.name))
        }
        (Style::Matrix, false) => format!(";{}={}", parameter.name, items.join(",")),
        _ => items.join(","),
    }
}

pub(super) fn in_query(parameter: &Parameter, value: &str) -> Vec<String> {
    let name = encoded(&parameter.name);
    if let Some(fields) = object(parameter, value) {
        let pair = |(key, value): &(String, String)| match parameter.style {
            Style::DeepObject => format!("{name}[{}]={}", encoded(key), encoded(value)),
            _ => format!("{}={}", encoded(key), encoded(value)),
        };
        if parameter.explode || parameter.style == Style::DeepObject {
            return fields.iter().map(pair).collect();
        }
        let flat = fields.iter().map(|(key, value)| format!("{},{}", encoded(key), encoded(value)));
        return vec![format!("{name}={}", flat.collect::<Vec<_>>().join(","))];
    }
    let items: Vec<String> = items(parameter, value).iter().map(|item| encoded(item)).collect();
    let between = match parameter.style {
        Style::SpaceDelimited => "%20",
        Style::PipeDelimited => "%7C",
        _ if parameter.explode => return items.iter().map(|item| format!("{name}={item}")).collect(),
        _ => ",",
    };
    vec![format!("{name}={}", items.join(between))]
}

/// Nothing for a header that a parameter may not set.
fn in_header(parameter: &Parameter, value: &str) -> Option<(String, String)> {
    let name = HeaderName::from_bytes(parameter.name.as_bytes()).ok()?;
    let is_ours = !NOT_OURS.contains(&name.as_str());
    is_ours.then(|| (parameter.name.clone(), items(parameter, value).join(",")))
}

/// Everything but unreserved characters in percent-encoding (RFC 3986 §2.3): right in every part of a URL.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::reference_model::{Body, Schema};
    use crate::web::form::Pairs;

    fn parameter(name: &str, place: Place, kind: Kind) -> Parameter {
        Parameter {
            name: name.to_owned(),
            place,
            required: place == Place::Path,
            deprecated: false,
            description: String::new(),
            style: if matches!(place, Place::Path | Place::Header) { Style::Simple } else { Style::Form },
            explode: place == Place::Query,
            schema: Schema { kinds: vec![kind], ..Schema::default() },
            example: String::new(),
        }
    }

    fn operation(method: &str, path: &str) -> Operation {
        Operation {
            method: method.to_owned(),
            path: path.to_owned(),
            operation_id: String::new(),
            summary: String::new(),
            tags: Vec::new(),
            deprecated: false,
            scopes: Vec::new(),
        }
    }

    fn fields(pairs: &[(&str, &str)]) -> Filled {
        Filled::of(Pairs::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))))
    }

    fn target(parameter: Parameter, value: &str) -> String {
        let name = field(&parameter);
        let page = OperationPage { parameters: vec![parameter], ..OperationPage::default() };
        typed("", &operation("GET", "/a/{p}"), &page, &fields(&[(&name, value)])).unwrap().target
    }

    #[test]
    fn every_style_is_written_as_openapi_says() {
        let path = |kind, style, explode| Parameter { style, explode, ..parameter("p", Place::Path, kind) };
        assert_eq!(target(path(Kind::String, Style::Simple, false), "a b/c?"), "/a/a%20b%2Fc%3F");
        assert_eq!(target(path(Kind::Array, Style::Simple, false), "1, 2"), "/a/1,2");
        assert_eq!(target(path(Kind::Array, Style::Label, true), "1,2"), "/a/.1.2");
        assert_eq!(target(path(Kind::Array, Style::Matrix, true), "1,2"), "/a/;p=1;p=2");
        assert_eq!(target(path(Kind::Array, Style::Matrix, false), "1,2"), "/a/;p=1,2");
        let query = |kind, style, explode| Parameter { style, explode, ..parameter("q", Place::Query, kind) };
        assert_eq!(target(query(Kind::String, Style::Form, true), "a&b=c"), "/a/{p}?q=a%26b%3Dc");
        assert_eq!(target(query(Kind::Array, Style::Form, true), "1,2"), "/a/{p}?q=1&q=2");
        assert_eq!(target(query(Kind::Array, Style::Form, false), "[\"1,0\",2]"), "/a/{p}?q=1%2C0,2");
        assert_eq!(target(query(Kind::Array, Style::SpaceDelimited, false), "1,2"), "/a/{p}?q=1%202");
        assert_eq!(target(query(Kind::Array, Style::PipeDelimited, false), "1,2"), "/a/{p}?q=1%7C2");
        assert_eq!(target(query(Kind::Object, Style::DeepObject, true), r#"{"x":1,"y":"b"}"#), "/a/{p}?q[x]=1&q[y]=b");
        assert_eq!(target(query(Kind::Object, Style::Form, true), r#"{"x":1}"#), "/a/{p}?x=1");
        assert_eq!(target(query(Kind::String, Style::Form, true), ""), "/a/{p}", "nothing typed, nothing sent");
    }

    #[test]
    fn what_is_needed_and_missing_is_told_field_by_field() {
        let body = Body {
            required: true,
            contents: vec![Content { media_type: "application/json".to_owned(), ..Content::default() }],
            ..Body::default()
        };
        let page = OperationPage {
            parameters: vec![parameter("p", Place::Path, Kind::String), parameter("X-A", Place::Header, Kind::String)],
            body: Some(body),
            ..OperationPage::default()
        };
        let post = operation("POST", "/a/{p}");
        let wrong = typed("", &post, &page, &fields(&[("header.X-A", "a\nb")])).unwrap_err();
        let names: Vec<_> = wrong.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["path.p", "header.X-A", "body"]);
        let right = fields(&[("path.p", "1"), ("header.X-A", "b"), ("body", "{\r\n}")]);
        let call = typed("http://g/x/v1", &post, &page, &right).unwrap();
        assert_eq!((call.url.as_str(), call.body), ("http://g/x/v1/a/1", Some(Sent::Text("{\n}".to_owned()))));
        let headers: Vec<_> = call.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(headers, [("X-A", "b"), ("content-type", "application/json")]);
    }

    #[test]
    fn a_file_cannot_set_how_a_call_is_sent() {
        for name in ["Host", "content-length", "Transfer-Encoding", "a b"] {
            assert_eq!(in_header(&parameter(name, Place::Header, Kind::String), "x"), None, "{name}");
        }
    }

    #[test]
    fn the_first_call_has_examples_and_leaves_braces_for_the_rest() {
        let limit =
            Parameter { required: true, example: "10".to_owned(), ..parameter("limit", Place::Query, Kind::Integer) };
        let page = OperationPage {
            parameters: vec![
                parameter("p", Place::Path, Kind::String),
                limit,
                parameter("q", Place::Query, Kind::String),
            ],
            ..OperationPage::default()
        };
        assert_eq!(example("http://g", &operation("GET", "/a/{p}"), &page).url, "http://g/a/{p}?limit=10");
    }
}
