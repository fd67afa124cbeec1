//! A file of several megabytes: every page of it stays small, whatever stands beside it.

use crate::support::app::TestApp;
use crate::support::http;
use crate::support::make;
use serde_json::{Value, json};

/// Operations, and schemas that refer to each other.
const OPERATIONS: usize = 600;
const SCHEMAS: usize = 400;

fn schema(n: usize) -> Value {
    let refer = |to: usize| json!({ "$ref": format!("#/components/schemas/S{}", to % SCHEMAS) });
    let mut properties = serde_json::Map::new();
    for field in 0..40 {
        let description = format!("Field {field} of schema {n}: {}", "a sentence that says something. ".repeat(6));
        properties.insert(format!("field_{field}"), json!({ "type": "string", "description": description }));
    }
    for to in [n + 1, n * 2 + 1, n + 7] {
        properties.insert(format!("other_{to}"), refer(to));
    }
    properties.insert("list".to_owned(), json!({ "type": "array", "items": refer(n + 3) }));
    json!({ "type": "object", "required": ["field_0"], "properties": properties })
}

fn file() -> String {
    let body = |n: usize| json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/S{}", n % SCHEMAS) } } });
    let operation = |n: usize| {
        let item = json!({ "post": {
            "operationId": format!("doThing{n}"), "summary": format!("Do the thing {n}"), "tags": [format!("t{}", n % 3)],
            "description": "What it does, at length. ".repeat(40),
            "requestBody": { "content": body(n) },
            "responses": { "200": { "description": "ok", "content": body(n + 1) }, "400": { "description": "no", "content": body(n + 2) } },
        } });
        (format!("/things/{n}/{{id}}"), item)
    };
    let paths: serde_json::Map<String, Value> = (0..OPERATIONS).map(operation).collect();
    let schemas: serde_json::Map<String, Value> = (0..SCHEMAS).map(|n| (format!("S{n}"), schema(n))).collect();
    json!({ "openapi": "3.0.3", "info": { "title": "Large", "version": "1" }, "paths": paths, "components": { "schemas": schemas } }).to_string()
}

#[tokio::test]
async fn every_page_of_a_large_file_is_small() {
    let app = TestApp::start().await;
    let file = file();
    assert!(file.len() > 5_000_000, "{}", file.len());
    make::publish(&app, &super::manifest(&[("1.0", "published", &file)])).await;
    for path in [
        "/reference",
        "/reference?q=thing&page=6",
        "/reference?tag=t1&page=2",
        "/reference/default/do-thing0",
        "/reference/default/do-thing599",
        "/reference/default/do-thing300.md",
        "/reference/default/schemas/S399",
        "/changes",
    ] {
        let answer = http::get(&app.portal(&format!("/apis/orders/v1{path}")), &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.len() < 100_000, "{path}: {} bytes", answer.body.len());
    }
}
