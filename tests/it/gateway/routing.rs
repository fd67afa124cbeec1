//! Which version and endpoint a path reaches, and that no spelling reaches anything else.

use crate::gateway::{Gate, assert_refused, key_in, pets};
use crate::support::upstream::Upstream;
use crate::support::{http, make, raw};
use portico::base::environment::Environment;

#[tokio::test]
async fn a_call_with_a_key_reaches_the_backend_and_comes_back() {
    let gate = Gate::open().await;
    let answer = gate.get("/shop/pets/v1/cats?name=tom").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"));
    assert_eq!(answer.header("api-version"), "1.0");
    assert_eq!(gate.upstream.only().target, "/base/cats?name=tom");
}

#[tokio::test]
async fn a_major_leads_to_its_newest_published_minor_and_a_minor_to_itself() {
    let gate = Gate::open().await;
    let backend = |minor: &str| gate.upstream.url(&format!("/base{minor}"));
    let versions = |states: [&'static str; 4]| {
        pets(&[
            ("1.0", states[0], &backend("10")),
            ("1.2", states[1], &backend("12")),
            ("1.10", states[2], &backend("110")),
            ("1.11", states[3], &backend("111")),
        ])
    };
    make::publish(&gate.app, &versions(["deprecated", "published", "published", "draft"])).await;
    for (path, version, target) in [
        ("/shop/pets/v1/x", "1.10", "/base110/x"),
        ("/shop/pets/v1.2/x", "1.2", "/base12/x"),
        ("/shop/pets/v1.0/x", "1.0", "/base10/x"),
        ("/shop/pets/v1", "1.10", "/base110"),
        ("/shop/pets/v1/", "1.10", "/base110/"),
    ] {
        let answer = gate.get(path).await;
        assert_eq!((answer.header("api-version"), &*gate.upstream.last().target), (version, target), "{path}");
    }
    assert_refused(&gate.get("/shop/pets/v1.11/x").await, 404, "404");

    make::publish(&gate.app, &versions(["deprecated", "published", "blocked", "draft"])).await;
    assert_eq!(gate.get("/shop/pets/v1/x").await.header("api-version"), "1.2");
    let blocked = gate.get("/shop/pets/v1.10/x").await;
    assert_refused(&blocked, 503, "700700");

    make::publish(&gate.app, &versions(["deprecated", "retired", "blocked", "draft"])).await;
    assert_eq!(gate.get("/shop/pets/v1/x").await.header("api-version"), "1.0");
    assert_refused(&gate.get("/shop/pets/v1.2/x").await, 404, "404");

    make::publish(&gate.app, &versions(["retired", "retired", "blocked", "draft"])).await;
    assert_refused(&gate.get("/shop/pets/v1/x").await, 503, "700700");
}

#[tokio::test]
async fn answers_of_a_deprecated_version_say_since_when_and_until_when() {
    let gate = Gate::open().await;
    let backend = gate.upstream.url("/base");
    let spec = pets(&[("1.0", "deprecated", &backend), ("1.1", "published", &backend)]);
    let since = gate.app.clock.now();
    make::publish(&gate.app, &spec).await;
    let said = async |path: &str| {
        let answer = gate.get(path).await;
        assert_eq!(answer.status, 200);
        ["deprecation", "sunset", "link"].map(|name| answer.header(name).to_owned())
    };
    let page = format!("<{}>; rel=\"deprecation\"; type=\"text/html\"", gate.app.portal("/apis/pets/v1"));
    let moment = format!("@{}", since.unix_timestamp());
    assert_eq!(said("/shop/pets/v1.0/x").await, [&*moment, "", &page]);
    assert_eq!(said("/shop/pets/v1/x").await, ["", "", ""], "1.1 answers for the major");

    gate.app.clock.advance(time::Duration::DAY);
    let ends = spec.replace("state: deprecated", "state: deprecated, sunset: 2031-03-31");
    assert_ne!(ends, spec);
    make::publish(&gate.app, &ends).await;
    gate.app.settle().await;
    let sunset = "Mon, 31 Mar 2031 00:00:00 GMT";
    assert_eq!(said("/shop/pets/v1.0/x").await, [&*moment, sunset, &page], "the day of deprecation stays");

    make::publish(&gate.app, &pets(&[("1.0", "published", &backend), ("1.1", "published", &backend)])).await;
    gate.app.settle().await;
    assert_eq!(said("/shop/pets/v1.0/x").await, ["", "", ""]);
}

#[tokio::test]
async fn what_is_not_there_is_404_without_a_credential_too() {
    let gate = Gate::open().await;
    for path in [
        "/",
        "/shop",
        "/shop/pets",
        "/shop/pets/",
        "/shop/pets/v2/x",
        "/shop/pets/v1.1/x",
        "/shop/pets/v01/x",
        "/shop/pets/v1x",
        "/shop/pets/1/x",
        "/Shop/pets/v1/x",
        "/shop/pets/V1/x",
        "/shop%2Fpets/v1/x",
        "//shop/pets/v1/x",
        "/shop/pets/v1%2F/x",
        "/pets/v1/x",
        "/v1",
        "/v1/v1",
    ] {
        assert_refused(&http::get(&gate.url(path), &[]).await, 404, "404");
    }
    assert_eq!(gate.upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_version_with_several_endpoints_is_reached_by_path_and_a_key_opens_one_of_them() {
    let gate = Gate::open().await;
    let manifest = format!(
        "kind: api
name: store
plans: [bronze]
versions:
  - version: '1.0'
    endpoints:
      - {{name: orders, path: orders, backends: {{production: '{0}', sandbox: '{0}'}}}}
      - {{name: recent, path: orders-recent, backends: {{production: '{1}'}}}}
      - {{name: eu, path: stock/eu, backends: {{production: '{2}'}}}}
",
        gate.upstream.url("/o"),
        gate.upstream.url("/r"),
        gate.upstream.url("/e")
    );
    make::publish(&gate.app, &manifest).await;
    let mut keys = Vec::new();
    for name in ["orders", "recent", "eu"] {
        let issued = key_in(&gate.app, &gate.member, ("store", Some(name)), Environment::Production, name).await;
        keys.push(issued.secret.expose().to_owned());
    }
    for (path, key, target) in [
        ("/store/v1/orders", 0, "/o"),
        ("/store/v1/orders/7", 0, "/o/7"),
        ("/store/v1/orders/eu/7?a=b", 0, "/o/eu/7?a=b"),
        ("/store/v1.0/orders-recent/7", 1, "/r/7"),
        ("/store/v1/stock/eu/", 2, "/e/"),
    ] {
        assert_eq!(gate.get_with(path, &keys[key]).await.status, 200, "{path}");
        assert_eq!(gate.upstream.last().target, target);
        assert_refused(&gate.get_with(path, &keys[(key + 1) % 3]).await, 403, "900908");
    }
    for path in
        ["/store/v1", "/store/v1/", "/store/v1/order", "/store/v1/ordersx", "/store/v1/stock/eux", "/store/v1/stock"]
    {
        assert_refused(&gate.get_with(path, &keys[0]).await, 404, "404");
    }
}

#[tokio::test]
async fn paths_and_queries_pass_byte_for_byte() {
    let gate = Gate::open().await;
    for rest in [
        "/a%2Fb",
        "/a%20b/%E2%82%AC",
        "//x///y",
        "/x;v=1.0/y",
        "/%7Euser/~user",
        "/100%25",
        "/a+b",
        "/a:b@c",
        "/?a=%2e%2e",
        "?a=1&a=2&b",
        "/x?q=/../..&r=%00",
        "/...",
        "/.well-known",
        "/x?",
        "/%zz",
        "/'(x)*!$,",
    ] {
        let path = format!("/shop/pets/v1{rest}");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\nconnection: close\r\n\r\n", gate.key());
        let answer = raw::exchange(raw::address(&gate.url("")), request).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert_eq!(gate.upstream.last().target, format!("/base{rest}"));
    }
}

#[tokio::test]
async fn no_spelling_of_a_dot_segment_passes() {
    let gate = Gate::open().await;
    for rest in [
        "/..",
        "/../x",
        "/./x",
        "/x/../../y",
        "/%2e%2e/x",
        "/.%2E/x",
        "/%252e%252e/x",
        "/x%2f..%2f..",
        "/..%5cx",
        "/..;/x",
        "/%c0%ae%c0%ae/x",
    ] {
        let request = format!(
            "GET /shop/pets/v1{rest} HTTP/1.1\r\nhost: gw\r\napi-key: {}\r\nconnection: close\r\n\r\n",
            gate.key()
        );
        let answer = raw::exchange(raw::address(&gate.url("")), request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{rest}: {answer}");
    }
    assert_eq!(gate.upstream.seen().len(), 0);
}

#[tokio::test]
async fn the_gateway_is_no_open_proxy() {
    let gate = Gate::open().await;
    let elsewhere = Upstream::start().await;
    let gateway = raw::address(&gate.url(""));
    let host = elsewhere.address;
    for (request, status) in [
        (format!("GET http://{host}/ HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"), "404"),
        (format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"), "400"),
        (format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"), "404"),
    ] {
        let answer = raw::exchange(gateway, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}{answer}");
    }
    assert_eq!(elsewhere.connections(), 0);
    // An absolute form reaches the API that its path names, whatever host it claims.
    let request = format!(
        "GET http://{host}/shop/pets/v1/x HTTP/1.1\r\nhost: {host}\r\napi-key: {}\r\nconnection: close\r\n\r\n",
        gate.key()
    );
    assert!(raw::exchange(gateway, &request).await.starts_with("HTTP/1.1 200"));
    assert_eq!((elsewhere.connections(), &*gate.upstream.only().target), (0, "/base/x"));
}

#[tokio::test]
async fn an_endpoint_without_a_backend_in_an_environment_is_503_there() {
    let gate = Gate::open().await;
    let manifest = format!(
        "kind: api\nname: open\nauth: []\nversions:\n  - {{version: '1.0', backends: {{production: '{}'}}}}\n",
        gate.upstream.url("/")
    );
    make::publish(&gate.app, &manifest).await;
    assert_eq!(http::get(&gate.url("/open/v1/x"), &[]).await.status, 200);
    let sandbox = gate.app.gateway(Environment::Sandbox, "/open/v1/x");
    assert_refused(&http::get(&sandbox, &[]).await, 503, "303001");
}
