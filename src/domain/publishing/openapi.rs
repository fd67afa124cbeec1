//! OpenAPI 3.0 and 3.1 files, read generically: the version, the title, the operations and what they need. References
//! to other files are never followed, so nothing is fetched.

use crate::domain::catalog::model::{DefinitionFormat, Operation};
use crate::domain::catalog::spec::{DefinitionContent, DefinitionSpec};
use crate::domain::publishing::fields::shown;
use crate::domain::publishing::problem::{Place, Problem};
use crate::domain::publishing::reference;
use crate::domain::publishing::security::{NoScope, Security, resolve};
use crate::domain::publishing::yaml;
use serde_json::Value;

/// Methods in the order in which the specification lists them.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// How deeply a YAML description may nest; JSON has a limit of 128 of its own.
const DEPTH: usize = 64;
/// The most operations of one file.
const MOST_OPERATIONS: usize = 10_000;

/// Reads a file. The problem names the file itself, the line and the field.
pub(super) fn parse(file: &str, source: String) -> Result<DefinitionSpec, Problem> {
    let (format, root) = tree(file, &source)?;
    let wrong = |key: &str, message: String| {
        let field = key.to_owned();
        Problem { place: Some(Place { file: file.into(), line: line_of(&source, key), field }), message }
    };
    let taken = "OpenAPI 3.0 and 3.1 are taken";
    let version = match (root.get("openapi"), root.get("swagger")) {
        (Some(Value::String(version)), _) => version.clone(),
        (Some(other), _) => {
            return Err(wrong(
                "openapi",
                format!("`{}` must be text in quotes, such as \"3.1.0\"", shown(&other.to_string())),
            ));
        }
        (None, Some(_)) => {
            return Err(wrong("swagger", format!("this is Swagger 2.0; {taken}: convert it")));
        }
        (None, None) => {
            return Err(wrong("openapi", format!("is missing, so this is no OpenAPI file; {taken}")));
        }
    };
    let minor = version.strip_prefix("3.0").or_else(|| version.strip_prefix("3.1"));
    if !minor.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
        return Err(wrong("openapi", format!("version `{}` is not known; {taken}", shown(&version))));
    }
    let title = root.get("info").and_then(|info| info.get("title")).map(line);
    let Some(title) = title.filter(|title| !title.is_empty()) else {
        return Err(wrong("info", "has no `title`; add one".to_owned()));
    };
    let wrong_scope = |wrong: NoScope<'_>| {
        let place = Place { file: file.into(), line: line_with(&source, wrong.0), field: "security".to_owned() };
        Problem { place: Some(place), message: wrong.message() }
    };
    let mut security = Security::read(&root).map_err(wrong_scope)?;
    let (operations, places) = match root.get("paths") {
        Some(Value::Object(_)) => operations(&root, &mut security).map_err(wrong_scope)?,
        None if version.starts_with("3.1") => (Vec::new(), Vec::new()), // only webhooks or components
        _ => {
            return Err(wrong("paths", "must hold the paths with their operations".to_owned()));
        }
    };
    if operations.len() > MOST_OPERATIONS {
        return Err(wrong("paths", format!("has more than {MOST_OPERATIONS} operations; split the file")));
    }
    let (openapi_version, scopes) = (shown(&version), security.found());
    let reading = reference::read(&root, reference::slugs(&operations).into_iter().zip(places).collect());
    let content = DefinitionContent { source, format, openapi_version, title, operations, reading };
    Ok(DefinitionSpec::new(content, scopes))
}

/// JSON if it is JSON, otherwise YAML: the bytes alone decide, not the name.
fn tree(file: &str, source: &str) -> Result<(DefinitionFormat, Value), Problem> {
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let json_error = match serde_json::from_str(text) {
        Ok(value) => return Ok((DefinitionFormat::Json, value)),
        Err(error) => error,
    };
    match serde_saphyr::from_str_with_options(text, yaml::options(DEPTH)) {
        Ok(value) => Ok((DefinitionFormat::Yaml, value)),
        Err(_) if text.trim_start().starts_with('{') => {
            let line = u64::try_from(json_error.line()).unwrap_or(0);
            let place = Place { file: file.into(), line, field: String::new() };
            Err(Problem { place: Some(place), message: format!("this is not valid JSON: {json_error}") })
        }
        Err(error) => Err(yaml::problem(file, &error)),
    }
}

/// An operation with the path item that it belongs to.
type Placed<'a> = (&'a Value, &'a Value);

fn operations<'a>(
    root: &'a Value,
    security: &mut Security<'a>,
) -> Result<(Vec<Operation>, Vec<Placed<'a>>), NoScope<'a>> {
    let (mut found, mut places) = (Vec::new(), Vec::new());
    for (path, item) in root.get("paths").and_then(Value::as_object).into_iter().flatten() {
        if !path.starts_with('/') {
            continue; // an extension
        }
        // Operations may stand beside a reference, and behind it.
        let behind = resolve(root, item);
        for method in METHODS {
            let operation = item.get(method).or_else(|| behind.get(method));
            if let Some(operation) = operation.filter(|o| o.is_object()) {
                found.push(extract(method, path, operation, security.needs(operation)?));
                places.push((behind, operation));
            }
        }
    }
    Ok((found, places))
}

fn extract(method: &str, path: &str, operation: &Value, scopes: Vec<String>) -> Operation {
    let text = |key: &str| operation.get(key).map(line).unwrap_or_default();
    Operation {
        method: method.to_uppercase(),
        path: clean(path, 2000),
        operation_id: text("operationId"),
        summary: text("summary"),
        tags: operation
            .get("tags")
            .and_then(Value::as_array)
            .map(|tags| tags.iter().map(line).filter(|tag| !tag.is_empty()).take(20).collect())
            .unwrap_or_default(),
        deprecated: operation.get("deprecated") == Some(&Value::Bool(true)),
        scopes,
    }
}

fn line(value: &Value) -> String {
    value.as_str().map(|text| clean(text, 500)).unwrap_or_default()
}

/// One line without control characters: this is shown on pages and stored where a NUL cannot be.
fn clean(text: &str, most: usize) -> String {
    let spaced = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    spaced.take(most).collect()
}

/// The first line on which a key of the root seems to be; 1 when it is nowhere.
fn line_of(source: &str, key: &str) -> u64 {
    let has = |line: &str| {
        let line = line.trim_start_matches([' ', '\t', '{', '"', '\'', '\u{feff}']);
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
    };
    (1..).zip(source.lines()).find(|(_, line)| has(line)).map_or(1, |(number, _)| number)
}

/// The first line on which the text stands; 1 when it is written in another way.
fn line_with(source: &str, text: &str) -> u64 {
    (1..).zip(source.lines()).find(|(_, line)| line.contains(text)).map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Result<DefinitionContent, String> {
        match parse("x.yaml", source.to_owned()) {
            Ok(spec) => Ok(*spec.content.unwrap()),
            Err(problem) => Err(problem.to_string()),
        }
    }

    #[test]
    fn operations_come_in_the_order_of_the_file() {
        let source = "openapi: 3.1.0\ninfo: {title: Pets, version: '1'}\npaths:\n  /b:\n    parameters: []\n    post: {summary: Add,\
                      \n      tags: [x, y]}\n    get: {operationId: list, deprecated: true}\n  /a:\n    $ref: 'https://elsewhere.example/x'\n  x-more: {get: {}}\n";
        let content = read(source).unwrap();
        assert_eq!((content.title.as_str(), content.format), ("Pets", DefinitionFormat::Yaml));
        let short: Vec<_> = content.operations.iter().map(|o| format!("{} {}", o.method, o.path)).collect();
        assert_eq!(short, ["GET /b", "POST /b"]);
        assert!(content.operations[0].deprecated);
        assert_eq!(content.operations[1].tags, ["x", "y"]);
        assert_eq!(content.source, source);
    }

    #[test]
    fn what_is_not_openapi_3_says_what_is_taken() {
        for (source, want) in [
            ("swagger: '2.0'\ninfo: {}\n", "x.yaml:1: swagger: this is Swagger 2.0; OpenAPI 3.0 and 3.1 are taken"),
            ("info: {}\nopenapi: 4.0.0\n", "x.yaml:2: openapi: version `4.0.0` is not known; OpenAPI 3.0 and 3.1"),
            ("openapi: 3.10.0\n", "x.yaml:1: openapi: version `3.10.0` is not known"),
            ("openapi: 3.1\n", "x.yaml:1: openapi: `3.1` must be text in quotes"),
            ("{\"info\": 1}", "x.yaml:1: openapi: is missing"),
            ("[]", "x.yaml:1: openapi: is missing"),
            ("{\n\"a\": ]", "x.yaml:2: this is not valid JSON"),
            ("openapi: 3.0.0\ninfo: {title: T}\n", "x.yaml:1: paths: must hold"),
            (
                "openapi: 3.0.0\ninfo: {title: T}\npaths:\n  /a:\n    get:\n      security: [{x: [a b]}]\n",
                "x.yaml:6: security: `a b` cannot be the name of a scope",
            ),
        ] {
            let error = read(source).unwrap_err();
            assert!(error.starts_with(want), "{error}");
        }
    }

    #[test]
    fn operations_behind_a_local_reference_are_listed_and_need_what_they_say() {
        let source = "openapi: 3.1.0\ninfo: {title: T}\nsecurity: [{o: [x]}]\npaths:\n  /a: {$ref: '#/components/pathItems/a'}\n  \
                      /b: {$ref: '#/paths/~1a', put: {}}\ncomponents:\n  pathItems:\n    a: {get: {}, put: {security: []}}\n";
        let operations = read(source).unwrap().operations;
        let short: Vec<_> = operations.iter().map(|o| format!("{} {} {:?}", o.method, o.path, o.scopes)).collect();
        let want = [r#"GET /a ["x"]"#, "PUT /a []", r#"GET /b ["x"]"#, r#"PUT /b ["x"]"#];
        assert_eq!(short, want);
    }

    #[test]
    fn what_cannot_be_stored_is_left_out_of_operations() {
        let content =
            read(r#"{"openapi":"3.0.3","info":{"title":"T"},"paths":{"/a":{"get":{"summary":"a\u0000b\nc"}}}}"#);
        assert_eq!(content.unwrap().operations[0].summary, "a b c");
    }
}
