//! The numbers for operators: there, counted, and with labels that no caller chooses.

use crate::gateway::{Gate, pets};
use crate::support::{http, make};

const PATH: &str = "/shop/pets/v1/cats";

/// The value of a series.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap_or_else(|| panic!("{series} is missing in\n{metrics}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn look_ups_waits_apis_and_the_process_are_measured() {
    let gate = Gate::open().await;
    for _ in 0..3 {
        assert_eq!(gate.get(PATH).await.status, 200);
    }
    gate.get_with(PATH, "wrong").await;
    make::publish(&gate.app, &pets(&[("1.0", "published", "http://127.0.0.1:1")])).await;
    assert_eq!(gate.get(PATH).await.status, 502);
    let metrics = gate.app.app.gateway().metrics();
    // What is known of APIs is as old as the last flush.
    gate.app.app.gateway().shutdown(std::time::Duration::ZERO).await;
    let page = metrics.render();
    for (series, expected) in [
        (r#"portico_gateway_credential_lookups_total{from="database"}"#, 1.0),
        (r#"portico_gateway_credential_lookups_total{from="memory"}"#, 3.0),
        ("portico_gateway_backend_first_byte_seconds_count", 4.0),
        (r#"portico_gateway_refusals_total{environment="production",reason="backend_unreachable"}"#, 1.0),
        (r#"portico_gateway_api_requests_total{api="pets",status="2xx"}"#, 3.0),
        (r#"portico_gateway_api_requests_total{api="pets",status="4xx"}"#, 1.0),
        (r#"portico_gateway_api_requests_total{api="pets",status="5xx"}"#, 1.0),
        ("portico_gateway_access_log_dropped_lines_total", 0.0),
        ("portico_gateway_refusals_only_counted_total", 0.0),
    ] {
        assert!((value(&page, series) - expected).abs() < 0.1, "{series} is not {expected}\n{page}");
    }
    assert!(value(&page, "portico_gateway_confirmation_age_seconds") < 60.0);
    assert!(value(&page, "process_resident_memory_bytes") > 1e6);
    assert!(value(&page, "process_open_fds") > 3.0 && value(&page, "process_cpu_seconds_total") > 0.0);
    assert!(value(&page, "process_start_time_seconds") > 1.6e9 && value(&page, "process_threads") > 1.0);
    assert!(page.ends_with("# EOF\n") && page.matches("# EOF").count() == 1);
    let series: Vec<&str> =
        page.lines().filter(|l| !l.starts_with('#')).map(|l| l.rsplit_once(' ').unwrap().0).collect();
    let mut once = series.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), series.len(), "a series is there twice");
}

#[tokio::test]
async fn no_caller_makes_a_series() {
    let gate = Gate::open().await;
    let count = || gate.app.app.gateway().metrics().render().lines().filter(|line| !line.starts_with('#')).count();
    let before = count();
    for n in 0..50 {
        http::get(&gate.url(&format!("/nowhere-{n}/v{n}")), &[("host", &format!("host-{n}")), ("api-key", "x")]).await;
        let method = ::http::Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
        http::send(method, &gate.url(&format!("{PATH}/{n}?a={n}")), &[("user-agent", &format!("agent-{n}"))], "").await;
    }
    assert_eq!(count(), before);
}
