//! Policies of an API and quotas of plans: written, read back, compared and exported; and every mistake told.

use super::{applied, directory, everything, lines};
use crate::support::app::TestApp;
use crate::support::make;
use portico::base::policy::{Host, Period, Policies, Protocol, Quota};
use portico::domain::accounts::model::Viewer;
use portico::domain::catalog::browse;
use portico::domain::publishing::apply;
use portico::domain::publishing::export::{Layout, export};
use portico::domain::subscriptions::plans;

const OPENAPI: &str =
    "openapi: 3.1.0\ninfo: {title: Pets}\npaths:\n  /pets: {get: {}, post: {}}\n  /pets/{id}: {delete: {}}\n";

/// All that policies can say.
const ALL: &str = r#"policies:
  timeouts: {connect_seconds: 3, first_byte_seconds: 20, idle_seconds: 90}
  max_body: 10 MB
  request_headers:
    remove: [X-Debug, cookie]
    set: {X-Team: pets, "x-empty": ""}
    add: {x-tag: "a: b # c"}
  response_headers: {remove: [server], set: {x-frame-options: DENY}}
  rewrite: {from: /old/, to: /new}
  host: pets.internal.example
  forwarded: true
  enforce_definition: true
  key_parameter: api_key
  cors:
    origins: ["https://app.example.com", "http://localhost:3000"]
    methods: [get, POST]
    headers: [Content-Type, api-key]
    expose: [etag]
    credentials: true
    max_age_seconds: 600
  assertion: true
  backend: {protocol: http2, tls: internal}
  limit:
    rate: {count: 500, per: second, burst: 100}
    quota: {count: 5000000000, per: month}
  operation_limits:
    - {operation: post /pets, rate: {count: 10, per: minute}}
    - {operation: "DELETE /pets/{id}", quota: {count: 20, per: day}}
"#;

fn manifest(policies: &str) -> String {
    format!(
        "kind: api\nname: pets\nvisibility: public\nplans: [bronze]\n{policies}versions:\n  - version: \"1.0\"\n    \
         openapi: pets.yaml\n    backends: {{production: \"https://pets.internal.example\"}}\n"
    )
}

/// Writes the manifest and applies it.
async fn apply_text(app: &TestApp, name: &str, text: &str) -> Vec<String> {
    applied(app, &directory(name, &[("p.yaml", text), ("pets.yaml", OPENAPI)]).join("p.yaml")).await
}

async fn stored(app: &TestApp) -> serde_json::Value {
    sqlx::query_scalar("select policies from apis where name = 'pets'").fetch_one(app.pool()).await.unwrap()
}

#[tokio::test]
async fn policies_are_stored_as_the_gateway_reads_them() {
    let app = TestApp::start().await;
    let changes = apply_text(&app, "policies-all", &manifest(ALL)).await;
    let said = "add     policies of pets: timeouts, max_body, request_headers, response_headers, rewrite, host, forwarded, \
                enforce_definition, key_parameter, cors, assertion, backend, limit, operation_limits";
    assert!(changes.iter().any(|line| line == said), "{changes:#?}");
    let there: Policies = serde_json::from_value(stored(&app).await).unwrap();
    assert_eq!((there.connect_seconds, there.first_byte_seconds, there.idle_seconds), (Some(3), Some(20), Some(90)));
    assert_eq!(there.max_body_bytes, Some(10_000_000));
    assert_eq!(there.request_headers.remove, ["x-debug", "cookie"]);
    assert_eq!(there.request_headers.set["x-team"], "pets");
    assert_eq!(there.request_headers.add["x-tag"], "a: b # c");
    assert_eq!(there.host, Host::Named("pets.internal.example".to_owned()));
    assert_eq!(there.rewrite.map(|rewrite| (rewrite.from, rewrite.to)), Some(("/old".to_owned(), "/new".to_owned())));
    assert!(there.forwarded && there.enforce_definition && there.assertion);
    let cors = there.cors.unwrap();
    assert_eq!(
        (cors.methods, cors.headers),
        (vec!["GET".to_owned(), "POST".to_owned()], vec!["content-type".to_owned(), "api-key".to_owned()])
    );
    assert_eq!((there.backend.protocol, there.backend.tls.as_deref()), (Protocol::Http2, Some("internal")));
    assert_eq!(there.limit.quota, Some(Quota { count: 5_000_000_000, per: Period::Month }));
    let limits: Vec<_> = there.operation_limits.iter().map(|l| format!("{} {}", l.method, l.path)).collect();
    assert_eq!(limits, ["POST /pets", "DELETE /pets/{id}"]);
    assert_eq!(there.operation_limits[0].limit.rate.unwrap().burst, 10, "the burst is the count if nothing is said");
}

#[tokio::test]
async fn the_same_policies_are_not_written_again_and_other_ones_are() {
    let app = TestApp::start().await;
    apply_text(&app, "policies-first", &manifest(ALL)).await;
    let before = everything(&app).await;
    assert_eq!(apply_text(&app, "policies-again", &manifest(ALL)).await, Vec::<String>::new());
    assert_eq!(everything(&app).await, before);

    let other = manifest(&ALL.replace("10 MB", "1 MiB").replace("burst: 100", "burst: 50"));
    assert_eq!(apply_text(&app, "policies-other", &other).await, ["change  policies of pets: max_body, limit"]);
    assert_ne!(everything(&app).await, before, "the gateway hears of it");
    assert_eq!(stored(&app).await["max_body_bytes"], 1 << 20);
    let gone = apply_text(&app, "policies-gone", &manifest("")).await;
    assert!(gone[0].starts_with("remove  policies of pets: timeouts, max_body"), "{gone:?}");
    assert_eq!(stored(&app).await, serde_json::json!({}));
    let small = manifest("policies: {host: caller}\n");
    assert_eq!(apply_text(&app, "policies-small", &small).await, ["add     policies of pets: host"]);
}

#[tokio::test]
async fn an_export_holds_policies_and_quotas_and_changes_nothing() {
    let app = TestApp::start().await;
    let plan = "kind: plan\nname: daily\nrate: {count: 9, per: hour}\nquota: {count: 5000000000, per: month}\n---\n";
    apply_text(&app, "policies-export", &format!("{plan}{}", manifest(ALL))).await;
    let before = everything(&app).await;
    for (layout, name) in [(Layout::Inline, "policies-inline"), (Layout::Files, "policies-files")] {
        let files = export(&app.ctx, layout).await.unwrap();
        let dir = directory(name, &files.iter().map(|(name, text)| (&**name, &**text)).collect::<Vec<_>>());
        assert_eq!(applied(&app, &dir).await, Vec::<String>::new());
        assert_eq!(everything(&app).await, before);
        let other = TestApp::start().await;
        applied(&other, &dir).await;
        assert_eq!(stored(&other).await, stored(&app).await);
        assert_eq!(export(&other.ctx, layout).await.unwrap(), files);
    }
}

#[tokio::test]
async fn a_plan_may_have_a_quota_apart_from_its_rate() {
    let app = TestApp::start().await;
    let plan = |quota: &str| {
        format!(
            "kind: plan\nname: bronze\ntitle: Bronze\ndescription: 1000 calls a minute\nrate: {{count: 1000, per: minute}}\n{quota}"
        )
    };
    let quota = "quota: {count: 50000, per: day}\n";
    let changes = apply_text(&app, "quota", &format!("{}---\n{}", plan(quota), manifest(""))).await;
    assert!(changes[0].ends_with("1000 a minute → 1000 a minute, quota 50000 a day"), "{changes:?}");
    assert_eq!(apply_text(&app, "quota-again", &plan(quota)).await, Vec::<String>::new());
    let majors = browse::majors(&app.ctx, &Viewer::Visitor, "pets").await.unwrap();
    let offered = plans::of_api(&app.ctx, majors[0].api.id).await.unwrap();
    assert_eq!(offered[0].quota, Some(Quota { count: 50_000, per: Period::Day }));
    let changes = apply_text(&app, "quota-gone", &plan("")).await;
    assert!(changes[0].ends_with("1000 a minute, quota 50000 a day → 1000 a minute"), "{changes:?}");
    let unlimited = "kind: plan\nname: much\nrate: unlimited\nquota: {count: 5, per: month}\n";
    assert_eq!(apply_text(&app, "quota-only", unlimited).await, ["add     plan much: unlimited, quota 5 a month"]);
    for (wrong, want) in [
        ("quota: {count: 0, per: day}\n", "p.yaml:6: quota.count: `0` must be a whole number between 1 and"),
        ("quota: {count: 5, per: hour}\n", "p.yaml:6: quota.per: `hour` is not known; it is one of: day, month"),
        ("quota: {per: day}\n", "p.yaml:6: quota.count: is missing"),
        ("quota: 5\n", "p.yaml:6: quota: write keys and values here, not a number"),
        ("quotas: {count: 5, per: day}\n", "p.yaml:6: quotas: there is no such key; did you mean `quota`?"),
    ] {
        assert_refused(&app, "quota-wrong", &plan(wrong), want).await;
    }
}

/// What is written, and the beginning of the line that must say what is wrong with it.
async fn assert_refused(app: &TestApp, name: &str, text: &str, want: &str) {
    let dir = directory(name, &[("p.yaml", text), ("pets.yaml", OPENAPI)]);
    let problems = apply::apply_path(&app.ctx, &dir.join("p.yaml")).await.unwrap_err();
    let said = lines(&problems);
    assert!(said.lines().any(|line| line.contains(want)), "{text}\nmust say {want}\nbut says {said}");
    assert!(!said.lines().any(|line| line.len() > 400), "{said}");
}

#[tokio::test]
async fn every_mistake_in_policies_is_told_with_its_place() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let many: Vec<String> = (0..33).map(|n| format!("x-{n}: a")).collect();
    let many = format!("request_headers: {{set: {{{}}}}}", many.join(", "));
    let limits = vec!["{operation: GET /pets, quota: {count: 1, per: day}}"; 201].join(", ");
    let limits = format!("operation_limits: [{limits}]");
    for (wrong, want) in [
        ("timeout: {connect_seconds: 3}", "p.yaml:5: policies.timeout: there is no such key; did you mean `timeouts`?"),
        (
            "timeouts: {connect: 3}",
            "policies.timeouts.connect: there is no such key; remove it, or use one of: connect_seconds",
        ),
        (
            "timeouts: {connect_seconds: 301}",
            "policies.timeouts.connect_seconds: `301` must be a whole number of seconds between 1 and 300",
        ),
        ("timeouts: {first_byte_seconds: 0}", "policies.timeouts.first_byte_seconds: `0` must be"),
        ("timeouts: {idle_seconds: 1.5}", "policies.timeouts.idle_seconds: `1.5` must be"),
        ("max_body: 10 XB", "policies.max_body: `10 XB` must be a size"),
        ("max_body: 0", "policies.max_body: `0` must be a size"),
        (
            "request_headers: {set: {Host: x}}",
            "policies.request_headers.set.Host: `host` is chosen with `policies.host`",
        ),
        ("request_headers: {set: {content-length: 1}}", "`content-length` belongs to the connection"),
        ("request_headers: {remove: [api_key]}", "policies.request_headers.remove[0]: `api_key` carries a credential"),
        ("request_headers: {add: {X-Portico-Plan: gold}}", "`x-portico-plan` is written by the gateway"),
        ("response_headers: {remove: [RateLimit]}", "policies.response_headers.remove[0]: `ratelimit` is written"),
        ("response_headers: {set: {access-control-allow-origin: \"*\"}}", "belongs to `policies.cors`"),
        ("response_headers: {add: {set-cookie: a=b}}", "`set-cookie` can be removed, but not set or added"),
        ("request_headers: {set: {\"a b\": c}}", "`a b` must be the name of an HTTP header"),
        (
            "request_headers: {set: {x-a: \"a\\r\\nx-b: c\"}}",
            "policies.request_headers.set.x-a: must be one line of ASCII",
        ),
        ("request_headers: {set: {x-a: [b]}}", "policies.request_headers.set.x-a: write text here, not a list"),
        ("request_headers: {set: {x-a: b, X-A: c}}", "`x-a` is given twice"),
        ("request_headers: {remove: [x-a], set: {x-a: b}}", "policies.request_headers.remove[0]: `x-a` is set below"),
        ("request_headers: {drop: [x-a]}", "policies.request_headers.drop: there is no such key"),
        (&many, "policies.request_headers: changes too many headers; 32 are enough"),
        ("rewrite: {from: old, to: /new}", "policies.rewrite.from: `old` must begin with a slash"),
        ("rewrite: {from: /a/../b, to: /new}", "policies.rewrite.from: `/a/../b` must not have empty segments"),
        ("rewrite: {from: /a, to: /a/}", "policies.rewrite.to: is the same as `from`"),
        ("rewrite: {from: /a}", "policies.rewrite.to: is missing"),
        ("host: https://a.example", "policies.host: `https://a.example` must be `backend`, `caller`, or a host"),
        ("forwarded: \"yes\"", "policies.forwarded: write `true` or `false` here, not text"),
        ("key_parameter: \"a&b\"", "policies.key_parameter: `a&b` must be 1 to 64 letters"),
        ("cors: {origins: []}", "policies.cors.origins: names no origin"),
        ("cors: {origins: [\"null\"]}", "policies.cors.origins[0]: `null` is the origin of many pages"),
        ("cors: {origins: [\"https://a.example/x\"]}", "write `https://a.example`"),
        ("cors: {origins: [\"*\", \"https://a.example\"]}", "policies.cors.origins[0]: stands for every origin"),
        (
            "cors: {origins: [\"*\"], credentials: true}",
            "policies.cors.credentials: browsers refuse credentials with `*`",
        ),
        (
            "cors: {origins: [\"https://a.example\"], methods: [TRACE]}",
            "policies.cors.methods[0]: browsers send no TRACE",
        ),
        ("cors: {origins: [\"https://a.example\"], max_age_seconds: 86401}", "between 0 and 86400"),
        (
            "cors: {origins: [\"https://a.example\"], headers: [api-key, x, X]}",
            "policies.cors.headers[2]: `x` is listed twice",
        ),
        (
            "cors: {origins: [\"https://a.example\"], headers: [content-type]}",
            "policies.cors.headers[0]: pages could send no credential; add `api-key` or `authorization` to the list",
        ),
        ("backend: {protocol: h2}", "policies.backend.protocol: `h2` is not known; it is one of: http1, http2"),
        ("backend: {tls: Inner}", "policies.backend.tls: `Inner` must be 1 to 63 lower-case letters"),
        ("limit: {}", "policies.limit: limits nothing"),
        ("limit: {rate: unlimited}", "policies.limit.rate: leave `rate` out"),
        ("limit: {rate: {count: 1, per: fortnight}}", "policies.limit.rate.per: `fortnight` is not known"),
        ("operation_limits: [{operation: GET /pets}]", "policies.operation_limits[0]: limits nothing"),
        ("operation_limits: [{operation: /pets, quota: {count: 1, per: day}}]", "must be a method and a path"),
        (
            "operation_limits: [{operation: GET /pet, quota: {count: 1, per: day}}]",
            "p.yaml:5: policies.operation_limits[0].operation: no OpenAPI file of this API lists `GET /pet`; write it as the file \
             does (listed: DELETE /pets/{id}, GET /pets, POST /pets)",
        ),
        (&limits, "policies.operation_limits[200]: is one operation too many; 200 are enough"),
        (&limits, "policies.operation_limits[1].operation: `GET /pets` is listed twice"),
    ] {
        // The header that carries the key is `api_key` here, so that what is spelt alike is caught too.
        let text = manifest(&format!("policies: {{{wrong}}}\napi_key_header: api-key\n"));
        assert_refused(&app, "policies-wrong", &text, want).await;
    }
    assert_eq!(everything(&app).await, before, "wrong is nothing");
}

#[tokio::test]
async fn policies_must_fit_the_rest_of_the_api() {
    let app = TestApp::start().await;
    let text = manifest("auth: [oauth2]\npolicies: {key_parameter: key}\n");
    assert_refused(&app, "fit-key", &text, "p.yaml:6: policies.key_parameter: counts only where API keys are taken")
        .await;
    let text = manifest("policies: {enforce_definition: true}\n").replace("    openapi: pets.yaml\n", "");
    assert_refused(
        &app,
        "fit-definition",
        &text,
        "policies.enforce_definition: the endpoint default of version 1.0 has no OpenAPI file",
    )
    .await;
    let text = manifest("policies: {backend: {tls: inner}}\n").replace("https:", "http:");
    assert_refused(&app, "fit-tls", &text, "policies.backend.tls: counts only for backends that begin with https://")
        .await;
    // Where API keys are the only credential, `Authorization` is a header like any other.
    let basic = "policies: {request_headers: {set: {authorization: Basic YTpi}}}\n";
    assert_refused(&app, "fit-credential", &manifest(basic), "`authorization` carries a credential of this API").await;
    apply_text(&app, "fit-basic", &manifest(&format!("auth: [api-key]\n{basic}"))).await;
}

#[tokio::test]
async fn a_limit_may_name_an_operation_of_a_version_that_the_manifest_leaves_alone() {
    let app = TestApp::start().await;
    apply_text(&app, "operations-old", &manifest("")).await;
    let newer = "kind: api\nname: pets\nvisibility: public\nplans: [bronze]\npolicies:\n  operation_limits:\n    \
                 - {operation: DELETE /pets/{id}, rate: {count: 1, per: minute}}\nversions:\n  - version: \"1.1\"\n    \
                 backends: {production: \"https://pets.internal.example\"}\n"
        .replace("DELETE /pets/{id}", "\"DELETE /pets/{id}\"");
    let changes = apply_text(&app, "operations-new", &newer).await;
    assert!(changes.contains(&"add     policies of pets: operation_limits".to_owned()), "{changes:?}");
    assert_eq!(apply_text(&app, "operations-same", &newer).await, Vec::<String>::new());
    // Once the version is retired, nothing lists the operation.
    let retired = format!("{newer}  - {{version: \"1.0\", state: retired}}\n");
    assert_refused(
        &app,
        "operations-gone",
        &retired,
        "lists `DELETE /pets/{id}`; write it as the file does (they list none)",
    )
    .await;
}

#[tokio::test]
async fn a_change_of_policies_keeps_credentials_and_is_in_the_audit_trail() {
    let app = TestApp::start().await;
    apply_text(&app, "audit-first", &manifest("")).await;
    make::developer(&app, "dev").await;
    apply_text(&app, "audit-second", &manifest("policies: {max_body: 1 kB}\n")).await;
    let detail: serde_json::Value =
        sqlx::query_scalar("select detail from audit_events where action = 'api.changed' and subject = 'pets'")
            .fetch_one(app.pool())
            .await
            .unwrap();
    assert_eq!(detail["changes"], serde_json::json!(["add     policies of pets: max_body"]));
}

#[tokio::test]
async fn the_example_of_the_reference_says_all_that_can_be_said() {
    let app = TestApp::start().await;
    let reference = include_str!("../../../docs/PUBLISHING.md");
    let example = reference.split("```yaml\n").nth(2).unwrap().split("```").next().unwrap();
    apply_text(&app, "policies-reference", &manifest(example)).await;
    let Some(stored) = stored(&app).await.as_object().cloned() else { panic!("no policies") };
    let all: Policies = serde_json::from_value(stored.clone().into()).unwrap();
    // Every field that there is, for an empty one is not written.
    assert_eq!(stored.len(), 16, "{all:?}");
    assert_eq!(apply_text(&app, "policies-reference-2", &manifest(example)).await, Vec::<String>::new());
}
