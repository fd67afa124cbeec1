//! Limits over two real processes that share a database and a Redis.

use crate::gateway::limits::{plan, used};
use crate::gateway::{Gate, assert_refused};
use crate::support::http::{self, Answer};
use crate::support::process::Serving;
use crate::support::redis::Redis;
use crate::support::upstream::Upstream;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// An instance that publishes, whose database two processes share.
async fn gate() -> Gate {
    Gate::over(Upstream::start().await, |config| config.oauth.master_key = Some(MASTER_KEY.to_owned())).await
}

/// A process that serves, with these settings.
async fn serving(gate: &Gate, name: &str, settings: &[(&'static str, String)]) -> Serving {
    let database = gate.app.config.database.url.clone().unwrap();
    let directory = crate::support::db::scratch(&format!("process-{name}")).join("data");
    let mut variables = vec![
        ("DATABASE_URL".to_owned(), database),
        ("PORTICO_DATABASE_MAX_CONNECTIONS".to_owned(), "4".to_owned()),
        ("PORTICO_OAUTH_MASTER_KEY".to_owned(), MASTER_KEY.to_owned()),
    ];
    variables.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let start = move || {
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        Serving::start(&directory, &variables)
    };
    let serving = tokio::task::spawn_blocking(start).await.unwrap();
    until(async || operations(&serving, "/ready").await.status == 200).await;
    serving
}

/// Waits until a condition holds.
async fn until(condition: impl AsyncFn() -> bool) {
    let give_up = Instant::now() + Duration::from_mins(1);
    while !condition().await {
        assert!(Instant::now() < give_up, "waited too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn operations(serving: &Serving, path: &str) -> Answer {
    http::get(&format!("http://{}{path}", serving.operations), &[]).await
}

async fn says(serving: &Serving, line: &str) -> bool {
    operations(serving, "/metrics").await.text().lines().any(|found| found == line)
}

async fn call(gate: &Gate, serving: &Serving) -> Answer {
    let url = format!("http://{}/shop/pets/v1/a", serving.production);
    http::get(&url, &[("api-key", gate.key())]).await
}

/// How many calls had this outcome without the shared counter.
async fn fallbacks(serving: &Serving, outcome: &str) -> i64 {
    let name = format!("portico_gateway_shared_counter_fallbacks_total{{outcome=\"{outcome}\"}} ");
    let metrics = operations(serving, "/metrics").await.text();
    let found = metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok());
    found.unwrap_or_else(|| panic!("no {name} in {metrics}"))
}

/// Calls all of them in turn until none lets a call through; how many passed.
async fn drain(gate: &Gate, processes: &[&Serving]) -> i64 {
    let mut passed = 0;
    loop {
        let before = passed;
        for process in processes {
            let answer = call(gate, process).await;
            match answer.status.as_u16() {
                200 => passed += 1,
                _ => assert_refused(&answer, 429, "900804"),
            }
        }
        if before == passed {
            return passed;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_quota_exactly_and_a_killed_one_loses_no_more_than_it_had_in_hand() {
    let gate = gate().await;
    plan(&gate.app, Some((100, "month")), None).await;
    let (mut one, other) = tokio::join!(serving(&gate, "quota-1", &[]), serving(&gate, "quota-2", &[]));
    assert_eq!(drain(&gate, &[&one, &other]).await, 100);
    assert_eq!(used(&gate.app).await, 100);

    plan(&gate.app, Some((300, "month")), None).await;
    until(async || call(&gate, &one).await.status == 200).await;
    for _ in 0..30 {
        assert_eq!(call(&gate, &one).await.status, 200);
    }
    one.signal(Signal::SIGKILL);
    one.wait();
    until(async || call(&gate, &other).await.header("x-ratelimit-limit") == "300").await;
    drain(&gate, &[&other]).await;
    let passed = gate.upstream.seen().len();
    // A third of the 200 that were left bounds what the process had in hand.
    assert!((234..=300).contains(&passed), "{passed}");
    assert_eq!(used(&gate.app).await, 300, "what was lost counts as used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_rate_exactly_and_each_choice_holds_while_the_counter_is_away() {
    let gate = gate().await;
    // Before anybody calls: what is owed under another plan, a fraction of a second, would soon be one call more or less here.
    plan(&gate.app, None, Some((1, "day", 40))).await;
    let mut redis = tokio::task::spawn_blocking(|| Redis::start("redis-rate")).await.unwrap();
    let settings = |choice: &str| {
        [
            ("PORTICO_GATEWAY_COUNTER_URL", redis.url()),
            ("PORTICO_GATEWAY_COUNTER_ON_FAILURE", choice.to_owned()),
            // Each thread finds out for itself that the server is away, by a call that the server may count later.
            ("PORTICO_GATEWAY_THREADS", "1".to_owned()),
            // A busy machine must not be taken for a frozen server.
            ("PORTICO_GATEWAY_COUNTER_TIMEOUT_MILLISECONDS", "10000".to_owned()),
        ]
    };
    let (estimating, refusing) = (settings("estimate"), settings("refuse"));
    let (estimating, refusing) =
        tokio::join!(serving(&gate, "rate-1", &estimating), serving(&gate, "rate-2", &refusing));
    until(async || call(&gate, &estimating).await.header("x-ratelimit-limit") == "40").await;
    until(async || call(&gate, &refusing).await.header("x-ratelimit-limit") == "40").await;
    let calls = i64::try_from(gate.upstream.seen().len()).unwrap();
    let before = fallbacks(&estimating, "estimated").await;
    let left: i64 = call(&gate, &refusing).await.header("x-ratelimit-remaining").parse().unwrap();
    assert!(left < 40 && calls > 0);
    for _ in 0..5 {
        let (one, other) = tokio::join!(call(&gate, &estimating), call(&gate, &refusing));
        assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200));
    }
    // On a busy machine a connection may have been late: calls that were estimated then are not the counter's.
    let now = fallbacks(&estimating, "estimated").await;
    let early = now - before;
    let left = left - 10 + early;

    redis.signal(Signal::SIGSTOP);
    // Both find out by a call that waits for its answer in vain.
    let (estimated, refused) = tokio::join!(call(&gate, &estimating), call(&gate, &refusing));
    // It goes on where the counter stood at its last answer; one of the other's calls may have come after that.
    let goes_on: i64 = estimated.header("x-ratelimit-remaining").parse().unwrap();
    assert!(estimated.status == 200 && (left - early - 1..=left).contains(&goes_on), "{goes_on} after {left}");
    assert_refused(&refused, 503, "900801");
    assert_eq!(refused.header("retry-after"), "1");
    let started = Instant::now();
    for _ in 0..5 {
        assert_eq!(call(&gate, &estimating).await.status, 200);
        assert_eq!(call(&gate, &refusing).await.status, 503);
    }
    // One that waited would take ten seconds alone.
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "a call waited for a server that is known to be away: {took:?}");
    for (process, fallback, before) in [(&estimating, "estimated", now), (&refusing, "refused", 0)] {
        assert!(says(process, "portico_gateway_shared_counter_away 1").await);
        assert_eq!(fallbacks(process, fallback).await, before + 6);
    }

    redis.signal(Signal::SIGCONT);
    for process in [&estimating, &refusing] {
        until(async || says(process, "portico_gateway_shared_counter_away 0").await).await;
    }
    // The two calls that timed out may have been counted after all; the six that were estimated never were.
    let passed = drain(&gate, &[&estimating, &refusing]).await;
    assert!((left - 2..=left).contains(&passed), "{passed} of {left}");

    redis.kill();
    for process in [&estimating, &refusing] {
        until(async || says(process, "portico_gateway_shared_counter_away 1").await).await;
        // What the counter said last is remembered.
        assert_refused(&call(&gate, process).await, 429, "900804");
    }
    redis.start_again();
    for process in [&estimating, &refusing] {
        until(async || says(process, "portico_gateway_shared_counter_away 0").await).await;
    }
}
