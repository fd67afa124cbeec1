//! The pages of operations and schemas.

use super::with_orders;
use crate::support::app::TestApp;
use crate::support::visitor::Visitor;
use crate::support::{http, make};
use portico::gateway::refusal::Refusal;
use portico::web::catalog::reference::told;

#[tokio::test]
async fn the_overview_lists_what_the_file_describes() {
    let app = with_orders().await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis/orders/v1/reference").await;
    assert_eq!(page.all("details.ops summary h3"), ["orders", "Other operations"]);
    page.assert_shows("GET /orders List orders");
    page.assert_shows("GET /health Deprecated");
    page.assert_shows("Everything about orders. <script>alert(1)</script>");
    page.assert_shows("POST shipped An order was shipped");
    page.assert_shows(&format!("{}/shop/orders/v1", app.app.urls.sandbox));
    assert!(page.link("Invoice").ends_with("/apis/orders/v1/reference/default/schemas/Invoice"));
    let page = visitor.submit(page.form("Search").fill("Search operations", "placeorder POST")).await;
    page.assert_shows("1 operation of 4");
    let page = visitor.follow(&page, "POST /orders Place an order").await;
    assert_eq!(page.at, "/apis/orders/v1/reference/default/place-order");
    let page = visitor.open("/apis/orders/v1/reference?q=nothing+like+it").await;
    page.assert_shows("Nothing matches “nothing like it”");
    assert_eq!(visitor.open("/apis/orders/v1/operations?endpoint=default").await.at, "/apis/orders/v1/reference");
    for missing in
        ["/reference/other", "/reference/default/other", "/reference/default/schemas/Other", "/openapi.json?endpoint=x"]
    {
        assert_eq!(visitor.open(&format!("/apis/orders/v1{missing}")).await.status(), 404, "{missing}");
    }
}

#[tokio::test]
async fn an_operation_tells_what_to_send_and_what_comes_back() {
    let app = with_orders().await;
    let mut visitor = Visitor::new(&app);
    let page = visitor.open("/apis/orders/v1/reference/default/place-order").await;
    assert_eq!(page.one("h1"), "Place an order");
    page.assert_shows("Takes the money at once.");
    page.assert_shows("api-key: <YOUR_API_KEY>");
    page.assert_shows("Authorization: Bearer <YOUR_ACCESS_TOKEN>");
    let top: Vec<String> = page.all("article section > .props > .prop > .prop-head > .prop-name");
    assert_eq!(top[..5], ["lines", "pay", "note", "labels", "notify"]);
    page.assert_shows("lines array of Line Line required at least 1 item");
    page.assert_shows("article string required matches ^[A-Z]+$");
    page.assert_shows("count integer more than 0 default 1");
    page.assert_shows("One of 2");
    page.assert_shows("note string or null at most 200 characters For us.");
    page.assert_shows("labels map of string");
    page.assert_shows("notify string, uri write only");
    let example = page.all("pre")[0].clone();
    assert!(example.contains("\"article\": \"CHAIR\"") && example.contains("\"kind\": \"card\""), "{example}");
    assert!(!example.contains("\"id\""), "what is only read is not sent: {example}");
    assert_eq!(page.all(".resp > summary > .badge.mono"), ["201", "422"]);
    page.assert_shows("follows object Order");
    page.assert_shows("POST {$request.body#/notify} paid The money has come");
    assert_eq!(
        page.attributes("nav.refnav [aria-current=page]", "href"),
        ["/apis/orders/v1/reference/default/place-order"]
    );
    let page = visitor.follow(&page, "One order →").await;
    assert_eq!(page.at, "/apis/orders/v1/reference/default/get-orders-order-id");
    page.assert_shows("Path parameters order-id string, uuid required");
    let page = visitor.open("/apis/orders/v1/reference/default/list-orders").await;
    page.assert_shows("state array of string Only these. open paid");
    page.assert_shows("limit integer at least 1 , at most 100 default 20".replace(" ,", ",").as_str());
    page.assert_shows("X-Trace string deprecated");
    page.assert_shows("X-Total integer How many there are.");
    let page = visitor.follow(&page, "Order").await;
    assert_eq!(
        (page.at.as_str(), page.one("#schema").as_str()),
        ("/apis/orders/v1/reference/default/schemas/Order", "Order")
    );
    page.assert_shows("id string, uuid required read only");
}

#[tokio::test]
async fn a_page_tells_the_headers_and_refusals_that_its_callers_can_meet() {
    let app = with_orders().await;
    let page = Visitor::new(&app).open("/apis/orders/v1/reference/default/list-orders").await;
    for told in [
        "X-Request-Id",
        "RateLimit-Policy",
        "X-RateLimit-Remaining",
        "Retry-After",
        "429 900804",
        "401 900902",
        "504 101504",
    ] {
        page.assert_shows(told);
    }
    assert!(!page.shows("900910") && !page.shows("413"), "no scopes, no limit of its own for bodies");
    let open = "kind: api\nname: open\nvisibility: public\nauth: []\nversions:\n  - version: '1.0'\n    openapi_source: |\n      {openapi: 3.1.0, info: {title: T}, paths: {/a: {get: {}}}}\n    backends: {production: 'http://127.0.0.1:1'}\n";
    make::publish(&app, open).await;
    let page = Visitor::new(&app).open("/apis/open/v1/reference/default/get-a").await;
    page.assert_shows("None: anybody may call it.");
    assert!(!page.shows("900902") && !page.shows("RateLimit"), "{}", page.text());
}

#[test]
fn what_is_told_of_the_gateway_is_what_it_sends() {
    for told in told::ALL {
        let refusal = Refusal::ALL.iter().find(|refusal| refusal.label() == told.label);
        let refusal = refusal.unwrap_or_else(|| panic!("there is no refusal {}", told.label));
        assert_eq!((refusal.status().as_u16(), refusal.code()), (told.status, told.code), "{}", told.label);
    }
}

#[tokio::test]
async fn every_page_has_a_twin_in_markdown() {
    let app = with_orders().await;
    let read = async |path: &str| {
        let answer = http::get(&app.portal(path), &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, "text/markdown; charset=utf-8"),
            "{path}"
        );
        answer.text()
    };
    let text = read("/apis/orders/v1/reference.md").await;
    assert!(text.starts_with("# Orders v1: Orders of the shop\n"), "{text}");
    let link = format!(
        "- [`POST /orders`]({}): Place an order\n",
        app.portal("/apis/orders/v1/reference/default/place-order.md")
    );
    assert!(text.contains(&link), "{text}");
    let text = read("/apis/orders/v1/reference/default/place-order.md").await;
    for part in [
        "# Place an order\n\n`POST /orders` of [Orders v1](",
        "- `lines` (array of Line; required; at least 1 item)\n  - `article` (string; required; matches ^[A-Z]+$)\n",
        "- `note` (string or null; at most 200 characters): For *us*.\n",
        "```\n{\n  \"lines\": [",
        "### 422\n\nSomething is wrong\n",
        "- 401 `900902`: The call carried no credential.",
    ] {
        assert!(text.contains(part), "{part}\n---\n{text}");
    }
    assert!(read("/apis/orders/v1/reference/default.md").await.contains("## orders"));
    assert!(
        read("/apis/orders/v1/reference/default/schemas/Line.md")
            .await
            .contains("- `count` (integer; more than 0; default `1`)")
    );
    assert!(read("/apis/orders/v1/changes.md").await.contains("This is the first version."));
}

#[tokio::test]
async fn a_file_cannot_make_its_pages_large_or_endless() {
    let app = TestApp::start().await;
    let long = "x".repeat(5000);
    let fields: String = (0..3000)
        .map(|n| format!("{{}}f{n}: {{$ref: '#/components/schemas/A', description: {long}}}, ").replace("{}", ""))
        .collect();
    let file = format!(
        "openapi: 3.1.0\ninfo: {{title: T}}\npaths:\n  /a:\n    post:\n      requestBody: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/A'}}}}}}}}\n      \
         responses: {{'200': {{description: ok, content: {{application/json: {{schema: {{$ref: '#/components/schemas/A'}}}}}}}}}}\n\
         components:\n  schemas:\n    A: {{allOf: [{{$ref: '#/components/schemas/A'}}, {{properties: {{{fields}}}}}]}}\n    B: {{$ref: '#/components/schemas/B'}}\n"
    );
    make::publish(&app, &super::manifest(&[("1.0", "published", &file)])).await;
    for path in [
        "/reference",
        "/reference/default/post-a",
        "/reference/default/schemas/A",
        "/reference/default/schemas/B",
        "/reference/default/post-a.md",
    ] {
        let answer = http::get(&app.portal(&format!("/apis/orders/v1{path}")), &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.len() < 100_000, "{path}: {} bytes", answer.body.len());
    }
}
