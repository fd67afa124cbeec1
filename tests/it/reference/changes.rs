//! What changed between versions.

use super::{ORDERS, manifest};
use crate::support::app::TestApp;
use crate::support::visitor::Visitor;
use crate::support::{http, make};

/// The file with some of it changed.
fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(ORDERS.to_owned(), |file, (before, after)| {
        assert!(file.contains(before), "{before}");
        file.replace(before, after)
    })
}

#[tokio::test]
async fn what_changed_is_told_and_what_breaks_is_marked() {
    let app = TestApp::start().await;
    let safe = changed(&[
        ("List orders", "List all orders"),
        (
            "{name: limit, in: query,",
            "{name: page, in: query, schema: {type: integer}}\n        - {name: limit, in: query,",
        ),
        ("        note: {type:", "        gift: {type: boolean}\n        note: {type:"),
        ("  /health:", "  /carts: {post: {operationId: newCart, responses: {\"201\": {description: ok}}}}\n  /health:"),
    ]);
    let breaking = changed(&[
        ("  /health: {get: {deprecated: true, responses: {\"204\": {description: Well}}}}\n", ""),
        ("/orders/{order-id}", "/orders/{id}"),
        ("name: order-id", "name: id"),
        ("required: [lines, pay]", "required: [lines, pay, note]"),
        ("maximum: 100", "maximum: 50"),
        ("state: {enum: [open, paid]}", "state: {enum: [open, paid, lost]}"),
        ("        \"201\": {", "        \"202\": {"),
    ]);
    make::publish(
        &app,
        &manifest(&[("1.0", "published", ORDERS), ("1.1", "published", &safe), ("2.0", "published", &breaking)]),
    )
    .await;
    let mut visitor = Visitor::new(&app);

    let page = visitor.open("/apis/orders/v1/changes").await;
    page.assert_shows("From 1.0 to 1.1: 1 added, 0 removed, 3 changed. Nothing breaks");
    page.assert_shows("About 1.1");
    assert_eq!(page.all("[aria-labelledby=added] .card-body code"), ["/carts"]);
    page.assert_shows("Safe The query parameter page is new.");
    page.assert_shows("Safe The field gift of the body is new.");
    assert_eq!(visitor.follow(&page, "/carts").await.at, "/apis/orders/v1/reference/default/new-cart");

    let page = visitor.open("/apis/orders/v2/changes").await;
    page.assert_shows("From 1.1 to 2.0:");
    let page = visitor.open("/apis/orders/v2/changes?from=1.0&to=2.0").await;
    page.assert_shows("0 added, 1 removed, 3 changed.");
    assert_eq!(page.all("[aria-labelledby=removed] code"), ["/health"]);
    for breaks in [
        "Breaking The query parameter limit has other limits: at least 1, at most 50.",
        "Breaking The field note of the body is required now.",
        "Breaking The answer 201 is gone.",
        "Breaking The field state may also be lost.",
    ] {
        page.assert_shows(breaks);
    }
    page.assert_shows("Safe The answer 202 is new.");
    assert!(!page.shows("order-id"), "what a parameter of the path is called breaks nobody");
    let text = http::get(&app.portal("/apis/orders/v2/changes.md?from=1.0&to=2.0"), &[]).await.text();
    assert!(text.contains("## Removed operations\n\n- `GET /health`"), "{text}");
    assert_eq!(visitor.open("/apis/orders/v2/changes?from=1.0&to=9.0").await.status(), 404);
}

#[tokio::test]
async fn versions_that_are_not_shown_are_compared_with_nothing() {
    let app = TestApp::start().await;
    make::publish(&app, &manifest(&[("1.0", "published", ORDERS), ("1.1", "draft", ORDERS)])).await;
    let mut visitor = Visitor::new(&app);
    assert_eq!(visitor.open("/apis/orders/v1/changes?from=1.0&to=1.1").await.status(), 404);
    visitor.open("/apis/orders/v1/changes").await.assert_shows("Nothing to compare yet");
    make::publish(&app, &manifest(&[("1.0", "published", ORDERS), ("1.1", "published", ORDERS)])).await;
    visitor.open("/apis/orders/v1/changes").await.assert_shows("The same operations");
}
