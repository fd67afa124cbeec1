//! The reference: pages from OpenAPI files, their twins in Markdown, the files to download, and what changed.

mod changes;
mod files;
mod large;
mod operation;
mod reread;

use crate::support::app::TestApp;
use crate::support::make;

/// Version 1.0 of an API whose file uses what files use.
pub(crate) const ORDERS: &str = r##"openapi: 3.1.0
info:
  title: Orders of the shop
  version: "2026-11"
  description: |
    Everything about **orders**. <script>alert(1)</script>
servers: [{url: "https://inside.example/secret"}]
tags:
  - {name: orders, description: What was *bought*.}
webhooks:
  shipped: {post: {summary: An order was shipped}}
paths:
  /orders:
    get:
      operationId: listOrders
      summary: List orders
      tags: [orders]
      parameters:
        - {name: state, in: query, description: Only these., schema: {type: array, items: {type: string, enum: [open, paid]}}, style: form, explode: false}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100, default: 20}}
        - {name: X-Trace, in: header, deprecated: true, schema: {type: string}}
      responses:
        "200":
          description: The orders
          headers: {X-Total: {description: How many there are., schema: {type: integer}}}
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Order"}}}}
    post:
      operationId: placeOrder
      summary: Place an order
      tags: [orders]
      servers: [{url: "https://inside.example/other"}]
      description: Takes the money **at once**.
      requestBody:
        required: true
        content:
          application/xml: {schema: {$ref: "#/components/schemas/NewOrder"}}
          application/json: {schema: {$ref: "#/components/schemas/NewOrder"}}
      responses:
        "201": {description: The order, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
        "422": {$ref: "#/components/responses/Wrong"}
      callbacks:
        paid: {"{$request.body#/notify}": {post: {summary: The money has come}}}
  /orders/{order-id}:
    parameters: [{name: order-id, in: path, required: true, schema: {type: string, format: uuid}}]
    get:
      summary: One order
      tags: [orders]
      responses: {"200": {description: The order, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}, default: {$ref: "#/components/responses/Wrong"}}
  /health: {get: {deprecated: true, responses: {"204": {description: Well}}}}
components:
  responses:
    Wrong: {description: Something is wrong, content: {application/problem+json: {schema: {type: object, properties: {title: {type: string}}}}}}
  schemas:
    NewOrder:
      type: object
      required: [lines, pay]
      properties:
        lines: {type: array, minItems: 1, items: {$ref: "#/components/schemas/Line"}}
        pay:
          oneOf: [{$ref: "#/components/schemas/Card"}, {$ref: "#/components/schemas/Invoice"}]
          discriminator: {propertyName: kind}
        note: {type: [string, "null"], maxLength: 200, description: "For *us*."}
        labels: {type: object, additionalProperties: {type: string}}
        notify: {type: string, format: uri, writeOnly: true}
    Order:
      allOf:
        - $ref: "#/components/schemas/NewOrder"
        - type: object
          required: [id]
          properties:
            id: {type: string, format: uuid, readOnly: true}
            state: {enum: [open, paid]}
            follows: {$ref: "#/components/schemas/Order"}
    Line: {type: object, required: [article], properties: {article: {type: string, pattern: "^[A-Z]+$", examples: [CHAIR]}, count: {type: integer, exclusiveMinimum: 0, default: 1}}}
    Card: {type: object, required: [kind], properties: {kind: {const: card}, number: {type: string}}}
    Invoice: {type: object, required: [kind], properties: {kind: {const: invoice}, days: {type: integer}}}
"##;

/// A manifest of the API `orders` with these versions: number, state, file.
pub(crate) fn manifest(versions: &[(&str, &str, &str)]) -> String {
    let mut text = "kind: api\nname: orders\ntitle: Orders\ncontext: shop/orders\nvisibility: public\nplans: [bronze, gold]\nversions:\n".to_owned();
    for (number, state, file) in versions {
        let lines: Vec<String> = file.lines().map(|line| format!("      {line}")).collect();
        let version = format!(
            "  - version: \"{number}\"\n    state: {state}\n    changelog: \"About **{number}**\"\n    openapi_source: |\n{}\n    \
             backends: {{production: \"http://127.0.0.1:1\", sandbox: \"http://127.0.0.1:1\"}}\n",
            lines.join("\n")
        );
        text.push_str(&version);
    }
    text
}

/// An instance with version 1.0.
pub(crate) async fn with_orders() -> TestApp {
    let app = TestApp::start().await;
    make::publish(&app, &manifest(&[("1.0", "published", ORDERS)])).await;
    app
}
