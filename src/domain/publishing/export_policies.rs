//! Policies and limits as a manifest says them.

use crate::base::policy::{Cors, HeaderEdits, Host, Limit, Policies, Protocol, Quota, Rate};
use crate::base::size;
use crate::domain::publishing::emit::Yaml;

/// `rate: {…}` of a plan, an API or an operation.
pub(super) fn write_rate(out: &mut Yaml, rate: Rate) {
    out.map("rate", |out| {
        out.number("count", rate.count.into());
        out.text("per", rate.per.as_str());
        out.number("burst", rate.burst.into());
    });
}

/// `quota: {…}` of the same.
pub(super) fn write_quota(out: &mut Yaml, quota: Quota) {
    out.map("quota", |out| {
        out.number("count", quota.count);
        out.text("per", quota.per.as_str());
    });
}

/// `policies:` of an API, if it says anything.
pub(super) fn write_policies(out: &mut Yaml, policies: &Policies) {
    if *policies == Policies::default() {
        return;
    }
    out.map("policies", |out| {
        passing_on(out, policies);
        if let Some(name) = &policies.key_parameter {
            out.text("key_parameter", name);
        }
        if let Some(cors) = &policies.cors {
            out.map("cors", |out| write_cors(out, cors));
        }
        if !policies.backend.is_usual() {
            out.map("backend", |out| {
                if policies.backend.protocol == Protocol::Http2 {
                    out.text("protocol", "http2");
                }
                out.some_text("tls", policies.backend.tls.as_deref().unwrap_or_default());
            });
        }
        if !policies.limit.is_empty() {
            out.map("limit", |out| write_limit(out, policies.limit));
        }
        if !policies.operation_limits.is_empty() {
            out.list("operation_limits", &policies.operation_limits, |out, operation| {
                out.quoted("operation", &format!("{} {}", operation.method, operation.path));
                write_limit(out, operation.limit);
            });
        }
    });
}

/// What the backend and the caller get.
fn passing_on(out: &mut Yaml, policies: &Policies) {
    let times = [
        ("connect_seconds", policies.connect_seconds),
        ("first_byte_seconds", policies.first_byte_seconds),
        ("idle_seconds", policies.idle_seconds),
    ];
    let mut times = times.into_iter().filter_map(|(key, seconds)| Some((key, seconds?))).peekable();
    if times.peek().is_some() {
        out.map("timeouts", |out| times.for_each(|(key, seconds)| out.number(key, seconds.into())));
    }
    if let Some(bytes) = policies.max_body_bytes {
        out.quoted("max_body", &size::written(bytes));
    }
    write_edits(out, "request_headers", &policies.request_headers);
    write_edits(out, "response_headers", &policies.response_headers);
    if let Some(rewrite) = &policies.rewrite {
        out.map("rewrite", |out| {
            out.quoted("from", &rewrite.from);
            out.quoted("to", &rewrite.to);
        });
    }
    match &policies.host {
        Host::Backend => {}
        Host::Caller => out.text("host", "caller"),
        Host::Named(host) => out.quoted("host", host),
    }
    let flags = [
        ("forwarded", policies.forwarded),
        ("enforce_definition", policies.enforce_definition),
        ("assertion", policies.assertion),
    ];
    for (key, _) in flags.into_iter().filter(|(_, on)| *on) {
        out.flag(key);
    }
}

fn write_edits(out: &mut Yaml, key: &str, edits: &HeaderEdits) {
    if edits.is_empty() {
        return;
    }
    out.map(key, |out| {
        some_flow(out, "remove", &edits.remove);
        for (key, values) in [("set", &edits.set), ("add", &edits.add)].into_iter().filter(|(_, v)| !v.is_empty()) {
            out.map(key, |out| values.iter().for_each(|(name, value)| out.entry(name, value)));
        }
    });
}

fn write_cors(out: &mut Yaml, cors: &Cors) {
    some_flow(out, "origins", &cors.origins);
    some_flow(out, "methods", &cors.methods);
    some_flow(out, "headers", &cors.headers);
    some_flow(out, "expose", &cors.expose);
    if cors.credentials {
        out.flag("credentials");
    }
    if let Some(seconds) = cors.max_age_seconds {
        out.number("max_age_seconds", seconds.into());
    }
}

fn write_limit(out: &mut Yaml, limit: Limit) {
    if let Some(rate) = limit.rate {
        write_rate(out, rate);
    }
    if let Some(quota) = limit.quota {
        write_quota(out, quota);
    }
}

fn some_flow(out: &mut Yaml, key: &str, values: &[String]) {
    if !values.is_empty() {
        out.flow(key, values.iter().map(|value| &**value));
    }
}
