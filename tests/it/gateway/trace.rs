//! The trace context (W3C): whose trace goes on, and what a new one looks like.

use crate::gateway::Gate;
use crate::support::http;
use crate::support::upstream::Upstream;
use portico::config::{Config, ContinueFrom};

const PATH: &str = "/shop/pets/v1/cats";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const STATE: &str = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";

async fn gate(change: impl FnOnce(&mut Config)) -> Gate {
    Gate::over(Upstream::start().await, change).await
}

/// `traceparent` and `tracestate` as the backend gets them of a call with these, and the call's id.
async fn passed(gate: &Gate, sent: &[(&str, &str)]) -> (String, Vec<String>, String) {
    let mut headers = vec![("api-key", gate.key())];
    headers.extend(sent);
    let answer = http::get(&gate.url(PATH), &headers).await;
    assert_eq!(answer.status, 200);
    let seen = gate.upstream.last();
    assert_eq!(seen.headers.get_all("traceparent").iter().count(), 1, "{seen:?}");
    let states = seen.headers.get_all("tracestate").iter().map(|v| v.to_str().unwrap().to_owned()).collect();
    (seen.header("traceparent").to_owned(), states, answer.header("x-request-id").to_owned())
}

#[tokio::test]
async fn a_valid_trace_goes_on_unchanged_with_its_state() {
    let gate = gate(|_| {}).await;
    let (parent, state, _) = passed(&gate, &[("traceparent", PARENT), ("tracestate", STATE)]).await;
    assert_eq!((&*parent, &*state), (PARENT, &[STATE.to_owned()][..]));
    // Several lines are one list, and stay several lines.
    let (_, state, _) = passed(&gate, &[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")]).await;
    assert_eq!(state, ["a=1", "b=2"]);
    let long = (0..33).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
    let (parent, state, _) = passed(&gate, &[("traceparent", PARENT), ("tracestate", &long)]).await;
    assert_eq!((&*parent, state.len()), (PARENT, 0), "a state that breaks its limits goes, the trace stays");
    let named = [("traceparent", PARENT), ("connection", "traceparent")];
    let (parent, ..) = passed(&gate, &named).await;
    assert_eq!(parent.len(), PARENT.len(), "`Connection` takes no trace away");
}

#[tokio::test]
async fn without_a_valid_trace_a_new_one_begins_whose_id_is_that_of_the_request() {
    let gate = gate(|_| {}).await;
    for sent in [
        &[][..],
        &[("tracestate", STATE)],
        &[("traceparent", "junk"), ("tracestate", STATE)],
        &[("traceparent", PARENT), ("traceparent", PARENT), ("tracestate", STATE)],
    ] {
        let (parent, state, request_id) = passed(&gate, sent).await;
        assert!(parent.starts_with(&format!("00-{request_id}-")) && parent.ends_with("-01"), "{parent} {request_id}");
        assert_eq!((parent.len(), state.len()), (55, 0), "{sent:?}");
    }
}

#[tokio::test]
async fn where_only_proxies_are_believed_the_trace_of_anybody_else_ends_and_sampling_is_the_operators() {
    let doubting = |config: &mut Config| {
        config.gateway.trace.continue_from = ContinueFrom::Proxies;
        config.gateway.trace.sample = 0.0;
    };
    let open = gate(doubting).await;
    let (parent, ..) = passed(&open, &[("traceparent", PARENT)]).await;
    assert!(!parent.contains(&PARENT[3..35]) && parent.ends_with("-00"), "{parent}");
    let behind = gate(|config| {
        doubting(config);
        config.gateway.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let (parent, ..) = passed(&behind, &[("traceparent", PARENT)]).await;
    assert_eq!(parent, PARENT);
    // An id of a proxy's own that is no trace id makes no broken trace.
    let (parent, _, request_id) = passed(&behind, &[("x-request-id", "proxys-own")]).await;
    assert_eq!((&*request_id, parent.len()), ("proxys-own", 55));
}
