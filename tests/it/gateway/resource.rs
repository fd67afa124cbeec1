//! Protected resource metadata (RFC 9728): which tokens an API takes.

use crate::gateway::assert_refused;
use crate::support::http;
use crate::support::make;
use crate::support::scoped::Zoo;
use ::http::Method;
use portico::base::environment::Environment;
use serde_json::json;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

#[tokio::test]
async fn each_api_that_takes_tokens_tells_where_they_come_from_and_which_scopes_it_has() {
    let zoo = Zoo::open().await;
    for environment in Environment::ALL {
        let answer = http::get(&zoo.app.gateway(environment, &format!("{WELL_KNOWN}/parks/zoo/v1")), &[]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "public, max-age=600");
        let want = json!({
            "resource": zoo.app.gateway(environment, "/parks/zoo/v1"),
            "authorization_servers": [zoo.app.portal("")],
            "scopes_supported": ["zoo:feed", "zoo:read", "zoo:write", "zoo:admin"],
            "bearer_methods_supported": ["header"],
            "resource_name": "The zoo",
            "resource_documentation": zoo.app.portal("/apis/zoo/v1"),
        });
        assert_eq!(answer.json(), want);
        // RFC 9728 §3.3 and RFC 8414 §3.3: both ends of the chain name each other.
        let issuer = http::get(&zoo.app.portal("/.well-known/oauth-authorization-server"), &[]).await;
        assert_eq!(issuer.json()["issuer"], want["authorization_servers"][0]);
    }
}

#[tokio::test]
async fn of_an_api_that_not_everybody_sees_it_tells_what_callers_learn_anyway() {
    let zoo = Zoo::open().await;
    let answer = http::get(&zoo.resource(".well-known/oauth-protected-resource/aviary/v1"), &[]).await;
    let members: Vec<String> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["resource", "authorization_servers", "scopes_supported", "bearer_methods_supported"]);
    assert!(!answer.text().to_lowercase().contains("see the birds"), "{}", answer.text());
}

#[tokio::test]
async fn what_takes_no_token_or_is_not_there_has_no_metadata() {
    let zoo = Zoo::open().await;
    let backend = zoo.upstream.url("");
    let api = |name: &str, more: &str| {
        format!(
            "kind: api\nname: {name}\nplans: [bronze]\n{more}versions:\n  - version: \"1.0\"\n    backends: {{production: \"{backend}\"}}\n"
        )
    };
    let manifest = [
        api("keys", "auth: [api-key]\n"),
        api("open", "auth: []\n"),
        api("own-header", "authorization_header: X-Token\n"),
        api("blocked", "").replace("\"1.0\"\n", "\"1.0\"\n    state: blocked\n"),
    ];
    make::publish(&zoo.app, &manifest.join("---\n")).await;
    let at = |environment, path: &str| zoo.app.gateway(environment, &format!("{WELL_KNOWN}{path}"));
    for path in [
        "",
        "/",
        "/keys/v1",
        "/open/v1",
        "/blocked/v1",
        "/nothing/v1",
        "/parks/zoo",
        "/parks/zoo/v1.0",
        "/parks/zoo/v1/",
        "/parks/zoo/v1/animals",
        "/parks/zoo/v3",
        "x",
        "//parks/zoo/v1",
    ] {
        assert_refused(&http::get(&at(Environment::Production, path), &[]).await, 404, "404");
    }
    let own = http::get(&at(Environment::Production, "/own-header/v1"), &[]).await.json();
    assert_eq!(own.get("bearer_methods_supported"), None, "no word for such a header");
    // It has no backend there.
    assert_refused(&http::get(&at(Environment::Sandbox, "/own-header/v1"), &[]).await, 404, "404");
}

#[tokio::test]
async fn a_refusal_of_an_api_that_takes_tokens_says_where_its_metadata_is() {
    let zoo = Zoo::open().await;
    for path in ["/parks/zoo/v1/animals", "/parks/zoo/v1.0/animals"] {
        for headers in [&[][..], &[("authorization", "Bearer x")]] {
            let answer = http::get(&zoo.resource(&path[1..]), headers).await;
            assert_eq!(answer.status, 401);
            let challenge = answer.header("www-authenticate").to_owned();
            let (_, url) = challenge.split_once(r#"resource_metadata=""#).unwrap_or_else(|| panic!("{challenge}"));
            let document = http::get(url.trim_end_matches('"'), &[]).await;
            assert_eq!(document.json()["resource"], zoo.resource("parks/zoo/v1"));
        }
    }
}

#[tokio::test]
async fn it_is_only_there_to_be_read_also_from_pages() {
    let zoo = Zoo::open().await;
    let url = zoo.resource(".well-known/oauth-protected-resource/parks/zoo/v1");
    let head = http::send(Method::HEAD, &url, &[], "").await;
    assert_eq!((head.status.as_u16(), head.text()), (200, String::new()));
    let preflight = [("origin", "https://a.example"), ("access-control-request-method", "GET")];
    let allowed = http::send(Method::OPTIONS, &url, &preflight, "").await;
    assert_eq!((allowed.status.as_u16(), allowed.header("access-control-allow-origin")), (204, "*"));
    let written = http::send(Method::POST, &url, &[], "x").await;
    assert_refused(&written, 405, "405");
    assert_eq!(written.header("allow"), "GET, HEAD, OPTIONS");
    assert_eq!(zoo.upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_gateway_with_a_path_finds_it_at_both_places() {
    // A public URL leads nowhere in a test, so the listener must be known.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let app = crate::support::app::TestApp::start_with(|config| {
        config.gateway.production.listen = listener;
        config.gateway.production.public_url = Some("https://api.example.com/gw".to_owned());
    })
    .await;
    crate::support::scoped::publish(&app, "http://127.0.0.1:1").await;
    // A proxy takes the path off, or leaves it where RFC 9728 §3.1 puts it.
    for path in ["/parks/zoo/v1", "/gw/parks/zoo/v1"] {
        let answer = http::get(&format!("http://{listener}{WELL_KNOWN}{path}"), &[]).await;
        assert_eq!(answer.json()["resource"], "https://api.example.com/gw/parks/zoo/v1");
    }
    let refused = http::get(&format!("http://{listener}{WELL_KNOWN}/gwx/parks/zoo/v1"), &[]).await;
    assert_refused(&refused, 404, "404");
}
