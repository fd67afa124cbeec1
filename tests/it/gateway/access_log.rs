//! The access log: what a line holds and what it never holds, which calls get one, and files that move.

use crate::gateway::Gate;
use crate::support::process::eventually;
use crate::support::tokens::Client;
use crate::support::upstream::Upstream;
use crate::support::{db, http, make, raw};
use ::http::Method;
use portico::base::environment::Environment;
use portico::config::{AccessLogField, AccessLogFormat, Config};
use serde_json::Value;
use std::path::{Path, PathBuf};

const PATH: &str = "/shop/pets/v1/cats";

fn place(name: &str) -> PathBuf {
    db::scratch(&format!("access-log-{name}")).join("access.log")
}

/// A gate that writes to this file.
async fn gate(file: &Path, change: impl FnOnce(&mut Config)) -> Gate {
    Gate::over(Upstream::start().await, |config| {
        config.gateway.access_log.enabled = true;
        config.gateway.access_log.to = file.to_str().unwrap().into();
        change(config);
    })
    .await
}

/// The lines of the file, once there are so many.
async fn lines(file: &Path, count: usize) -> Vec<String> {
    let file = file.to_owned();
    let wait = move || {
        eventually("lines of the access log", || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            (lines.len() >= count).then_some(lines)
        })
    };
    tokio::task::spawn_blocking(wait).await.unwrap()
}

async fn objects(file: &Path, count: usize) -> Vec<Value> {
    lines(file, count).await.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_call_leaves_one_line_that_says_who_called_what_and_how_it_went() {
    let file = place("whole");
    let gate = gate(&file, |config| config.gateway.access_log.fields = AccessLogField::ALL.to_vec()).await;
    let headers = [("api-key", gate.key()), ("user-agent", "curl/8 \"x\"\t")];
    let answer = http::send(Method::POST, &gate.url(&format!("{PATH}?name=tom&x")), &headers, "12345678").await;
    assert_eq!(answer.status, 200);
    let [line] = objects(&file, 1).await.try_into().unwrap();
    let seen = gate.upstream.only();
    // The clock of tests stands still, and the call's duration is taken off.
    let time = line["time"].as_str().unwrap();
    assert!(time.starts_with("2026-11-24T11:59:5") && time.ends_with('Z') && time.len() == 24, "{time}");
    for (field, expected) in [
        ("request_id", answer.header("x-request-id")),
        ("trace_id", &seen.header("traceparent")[3..35]),
        ("environment", "production"),
        ("client", "127.0.0.1"),
        ("method", "POST"),
        ("path", PATH),
        ("query", "name=***&***"),
        ("protocol", "HTTP/1.1"),
        ("api", "pets"),
        ("version", "1.0"),
        ("application", &gate.issued.key.application.to_string()),
        ("subscription", seen.header("x-portico-subscription")),
        ("credential", &gate.issued.key.id.to_string()),
        ("user_agent", "curl/8 \"x\""),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    for (field, expected) in [("status", 200), ("bytes_in", 8), ("bytes_out", 5)] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    let millis = |field: &str| line[field].as_f64().unwrap();
    assert!(millis("backend_ms") <= millis("first_byte_ms") && millis("first_byte_ms") <= millis("duration_ms"));
    assert!(line.get("refusal").is_none(), "{line}");
    // The fields come in the order of the configuration, which is how text is read by people.
    let text = lines(&file, 1).await.remove(0);
    let order: Vec<usize> = ["time", "request_id", "status", "duration_ms"]
        .iter()
        .map(|field| text.find(&format!("\"{field}\":")).unwrap())
        .collect();
    assert!(order.is_sorted(), "{text}");
}

#[tokio::test]
async fn no_key_and_no_token_is_written_wherever_a_caller_puts_it() {
    let file = place("secrets");
    let gate = gate(&file, |config| config.gateway.access_log.fields = AccessLogField::ALL.to_vec()).await;
    let key = gate.key().to_owned();
    let token = format!("{}.{}.{}", "eyJhbGciOiJFUzI1NiJ9", "eyJzdWIiOiJ0b20ifQ", "c2lnbmF0dXJlc2lnbmF0dXJl");
    let encoded = key.replace('_', "%5f");
    let mut calls = 0;
    for secret in [&key, &token, &encoded] {
        let bearer = format!("Bearer {secret}");
        let paths = [
            format!("{PATH}/{secret}"),
            format!("{PATH}?key={secret}&{secret}=1&{secret}"),
            format!("/{secret}/v1"),
            format!("/{secret}"),
        ];
        for path in &paths {
            let headers = [
                ("api-key", &**secret),
                ("authorization", &*bearer),
                ("user-agent", &**secret),
                ("x-request-id", &**secret),
                ("x-forwarded-for", &**secret),
                ("traceparent", &**secret),
                ("cookie", &**secret),
                ("referer", &**secret),
            ];
            http::get(&gate.url(path), &headers).await;
            http::get(&gate.url(path), &[("api-key", &key)]).await;
            calls += 2;
        }
        // A method has no room for encodings.
        if !secret.contains('%') {
            raw::exchange(
                raw::address(&gate.url("")),
                &format!("{secret} {PATH} HTTP/1.1\r\nhost: gw\r\nconnection: close\r\n\r\n"),
            )
            .await;
        }
    }
    let written = lines(&file, calls).await.join("\n");
    for part in [&key[8..20], &key[40..], &token[4..30], "c2lnbmF0dXJl"] {
        assert!(!written.contains(part), "{part} is in\n{written}");
    }
    assert!(written.contains("/shop/pets/v1/cats/***"), "{written}");
}

#[tokio::test]
async fn what_a_caller_writes_cannot_make_a_second_line() {
    let file = place("injection");
    let gate = gate(&file, |config| config.gateway.access_log.format = AccessLogFormat::Text).await;
    let wire = format!(
        "GET {PATH} HTTP/1.1\r\nhost: gw\r\nconnection: close\r\napi-key: {}\r\nuser-agent: a\"b\\ \u{9b}31m \t= \u{e9}\r\n\r\n",
        gate.key()
    );
    raw::exchange(raw::address(&gate.url("")), &wire).await;
    gate.get("/nowhere/%0a%0dstatus=200").await;
    let lines = lines(&file, 2).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains(|c: char| c.is_control())), "{lines:?}");
    assert!(lines[0].contains(" status=200 ") || lines[0].contains(" status=400 "), "{}", lines[0]);
    assert!(
        lines[1].contains("path=\"/nowhere/%0a%0dstatus=200\" ") && lines[1].contains(" status=404 "),
        "{}",
        lines[1]
    );
}

#[tokio::test]
async fn of_calls_that_went_well_a_part_is_written_and_of_refused_ones_another() {
    let file = place("sample");
    let gate = gate(&file, |config| {
        config.gateway.access_log.sample = 0.0;
        config.gateway.access_log.fields = vec![AccessLogField::Status, AccessLogField::Refusal];
    })
    .await;
    for _ in 0..5 {
        assert_eq!(gate.get(PATH).await.status, 200);
    }
    assert_eq!(gate.get("/nowhere").await.status, 404);
    assert_eq!(gate.get_with(PATH, "wrong").await.status, 401);
    let found = lines(&file, 2).await;
    assert_eq!(found, [r#"{"status":404,"refusal":"no_route"}"#, r#"{"status":401,"refusal":"malformed_key"}"#]);
    let metrics = gate.app.app.gateway().metrics().render();
    assert!(metrics.contains("portico_gateway_access_log_lines_total 2"), "{metrics}");
}

#[tokio::test]
async fn what_is_sampled_is_told_by_the_request_id_so_that_all_nodes_agree() {
    let (one, other) = (place("agree-1"), place("agree-2"));
    let trusting = |config: &mut Config| {
        config.gateway.access_log.sample_failed = 0.5;
        config.gateway.access_log.fields = vec![AccessLogField::RequestId];
        config.gateway.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let (first, second) = (gate(&one, trusting).await, gate(&other, trusting).await);
    for gate in [&first, &second] {
        for n in 0..40 {
            http::get(&gate.url("/nowhere"), &[("x-request-id", &format!("request-{n}"))]).await;
        }
    }
    // Whatever is still on its way is written at a stop.
    first.app.app.drain().await;
    second.app.app.drain().await;
    let (first, second) = (lines(&one, 1).await, lines(&other, 1).await);
    assert_eq!(first, second);
    assert!((5..35).contains(&first.len()), "{first:?}");
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_client_is_and_nobody_else_does() {
    let (trusting, doubting) = (place("proxy-1"), place("proxy-2"));
    let fields = |config: &mut Config| config.gateway.access_log.fields = vec![AccessLogField::Client];
    let behind = gate(&trusting, |config| {
        fields(config);
        config.gateway.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    })
    .await;
    let open = gate(&doubting, fields).await;
    let told = [("x-forwarded-for", "6.6.6.6, 203.0.113.7, 10.1.1.1")];
    http::get(&behind.url("/nowhere"), &told).await;
    http::get(&behind.url("/nowhere"), &[("x-forwarded-for", "not an address")]).await;
    http::get(&open.url("/nowhere"), &told).await;
    assert_eq!(lines(&trusting, 2).await, [r#"{"client":"203.0.113.7"}"#, r#"{"client":"127.0.0.1"}"#]);
    assert_eq!(lines(&doubting, 1).await, [r#"{"client":"127.0.0.1"}"#]);
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_opened_anew() {
    let file = place("moved");
    let gate = gate(&file, |_| {}).await;
    gate.get(PATH).await;
    lines(&file, 1).await;
    let moved = file.with_extension("1");
    std::fs::rename(&file, &moved).unwrap();
    let stop = gate.url("/nowhere");
    // Lines go to the old file until the writer has looked.
    while !file.exists() {
        http::get(&stop, &[]).await;
    }
    let before = lines(&moved, 1).await.len();
    http::get(&stop, &[]).await;
    lines(&file, 1).await;
    assert_eq!(lines(&moved, 1).await.len(), before, "the old file gets nothing more");
}

#[tokio::test]
async fn a_log_that_nobody_takes_costs_lines_and_no_call() {
    let file = place("full");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // A reader that reads nothing.
    let _reader = std::fs::OpenOptions::new().read(true).write(true).open(&file).unwrap();
    let gate = gate(&file, |_| {}).await;
    let path = format!("/nowhere/{}", "x".repeat(2000));
    let dropped = || {
        let metrics = gate.app.app.gateway().metrics().render();
        let line = metrics.lines().find(|line| line.starts_with("portico_gateway_access_log_dropped_lines_total "));
        line.unwrap().rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let mut calls = 0;
    while dropped() == 0 {
        assert_eq!(http::get(&gate.url(&path), &[]).await.status, 404);
        calls += 1;
        assert!(calls < 5000, "the memory for lines has no bound");
    }
    assert_eq!(gate.get(PATH).await.status, 200, "calls go on");
}

#[tokio::test]
async fn a_token_is_named_by_its_client() {
    let file = place("token");
    let gate = gate(&file, |_| {}).await;
    let client = Client::of(&gate.app, &gate.member, gate.issued.key.application, Environment::Production).await;
    let token = client.token(&gate.app).await;
    let headers = [("authorization", &*format!("Bearer {token}"))];
    assert_eq!(http::get(&gate.url(PATH), &headers).await.status, 200);
    let [line] = objects(&file, 1).await.try_into().unwrap();
    assert_eq!((&line["credential"], &line["status"]), (&Value::from(client.id), &Value::from(200)), "{line}");
}

#[tokio::test]
async fn a_key_in_the_query_is_in_no_line() {
    let file = place("key-in-query");
    let gate = gate(&file, |config| config.gateway.access_log.fields = AccessLogField::ALL.to_vec()).await;
    make::policies(&gate.app, "pets", &serde_json::json!({ "key_parameter": "key" })).await;
    let key = gate.key();
    let spelled = key.replace('_', "%5F");
    for query in [format!("key={key}&a=1"), format!("key={spelled}"), format!("other={key}"), format!("key={key}x")] {
        http::get(&gate.url(&format!("{PATH}?{query}")), &[]).await;
    }
    http::get(&gate.url(&format!("{PATH}/{key}?{key}")), &[("user-agent", key), ("referer", key)]).await;
    let text = lines(&file, 5).await.join("\n");
    let secret = key.rsplit('_').next().unwrap();
    assert!(!text.contains(secret), "{text}");
}
