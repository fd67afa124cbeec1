//! What becomes of limits and policies, in the words of a plan.

use crate::base::policy::Policies;
use crate::domain::subscriptions::model::Plan;
use std::fmt::Write as _;

/// What a plan allows: `10 a minute, 2 at once, quota 100 a day`.
pub(super) fn allowance(plan: &Plan) -> String {
    let mut words = match plan.rate {
        None => "unlimited".to_owned(),
        Some(rate) if rate.burst == rate.count => format!("{} a {}", rate.count, rate.per.as_str()),
        Some(rate) => format!("{} a {}, {} at once", rate.count, rate.per.as_str(), rate.burst),
    };
    if let Some(quota) = plan.quota {
        let _ = write!(words, ", quota {} a {}", quota.count, quota.per.as_str());
    }
    words
}

/// What becomes of the policies of an API, by the fields of the manifest.
pub(super) fn policies_line(api: &str, before: Option<&Policies>, after: &Policies) -> Option<String> {
    let none = Policies::default();
    let fields = differing(before.unwrap_or(&none), after);
    let verb = if before.is_some_and(|before| *before != none) { "change" } else { "add   " };
    let verb = if *after == none { "remove" } else { verb };
    (!fields.is_empty()).then(|| format!("{verb}  policies of {api}: {}", fields.join(", ")))
}

fn differing(old: &Policies, new: &Policies) -> Vec<&'static str> {
    let times = |p: &Policies| (p.connect_seconds, p.first_byte_seconds, p.idle_seconds);
    [
        ("timeouts", times(old) != times(new)),
        ("max_body", old.max_body_bytes != new.max_body_bytes),
        ("request_headers", old.request_headers != new.request_headers),
        ("response_headers", old.response_headers != new.response_headers),
        ("rewrite", old.rewrite != new.rewrite),
        ("host", old.host != new.host),
        ("forwarded", old.forwarded != new.forwarded),
        ("enforce_definition", old.enforce_definition != new.enforce_definition),
        ("key_parameter", old.key_parameter != new.key_parameter),
        ("cors", old.cors != new.cors),
        ("assertion", old.assertion != new.assertion),
        ("backend", old.backend != new.backend),
        ("limit", old.limit != new.limit),
        ("operation_limits", old.operation_limits != new.operation_limits),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}
