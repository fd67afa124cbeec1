//! Rates and quotas in manifests: of a plan, of an API, of an operation.

use crate::base::policy::{Limit, OperationLimit, Period, Quota, Rate, RateUnit};
use crate::domain::publishing::fields::{Fields, shown};
use crate::domain::publishing::manifest::{checked, one_of, optional};
use crate::domain::publishing::problem::{At, Place, Problems};
use crate::domain::publishing::rules;

/// The most operations with limits of their own in one API.
const MOST_OPERATIONS: usize = 200;
/// The largest quota: what a header can say (RFC 9651, section 3.3.1).
const MOST_CALLS: u64 = 999_999_999_999_999;

/// What a plan's `rate` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlanRate {
    /// As fast as one likes.
    Unlimited,
    /// This fast.
    Limited(Rate),
}

/// The `rate` of a plan: `unlimited`, or as of an API. It must be there.
pub(super) fn plan_rate(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<PlanRate> {
    if fields.peek("rate") == Some("unlimited") {
        fields.take("rate");
        return Some(PlanRate::Unlimited);
    }
    let before = problems.count();
    let rate = rate(fields, problems);
    if rate.is_none() && problems.count() == before {
        let missing = fields.place().key(fields.place().line, "rate");
        problems.add(&missing, "is missing; write `rate: {count: 1000, per: minute}` or `rate: unlimited`");
    }
    rate.map(PlanRate::Limited)
}

/// `rate: {count: …, per: …, burst: …}`.
fn rate(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Rate> {
    let node = fields.take("rate")?;
    let mut fields = Fields::open(node.value, node.place, problems)?;
    let count = checked(fields.required("count", "1000", problems), rules::count, problems);
    let units = [RateUnit::Second, RateUnit::Minute, RateUnit::Hour, RateUnit::Day].map(|unit| (unit.as_str(), unit));
    let unit = one_of(fields.required("per", "minute", problems), problems, &units);
    let burst = optional(fields.text("burst", problems), rules::count, problems);
    fields.close(problems);
    let count = count?.value;
    Some(Rate { count, per: unit?, burst: burst.unwrap_or(count) })
}

/// `quota: {count: …, per: day}`.
pub(super) fn quota(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Quota> {
    let node = fields.take("quota")?;
    let mut fields = Fields::open(node.value, node.place, problems)?;
    let count = checked(fields.required("count", "50000", problems), calls, problems);
    let periods = [Period::Day, Period::Month].map(|period| (period.as_str(), period));
    let period = one_of(fields.required("per", "day", problems), problems, &periods);
    fields.close(problems);
    Some(Quota { count: count?.value, per: period? })
}

fn calls(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(n @ 1..=MOST_CALLS) => Ok(n),
        _ => Err(format!("`{}` must be a whole number between 1 and {MOST_CALLS}", shown(text))),
    }
}

/// `limit` of an API.
pub(super) fn limit(fields: &mut Fields<'_>, problems: &mut Problems) -> Limit {
    let Some(mut fields) = fields.take("limit").and_then(|node| Fields::open(node.value, node.place, problems)) else {
        return Limit::default();
    };
    let limit = rate_and_quota(&mut fields, problems);
    fields.close(problems);
    limit
}

/// `rate` and `quota`, at least one of them.
fn rate_and_quota(fields: &mut Fields<'_>, problems: &mut Problems) -> Limit {
    let before = problems.count();
    if fields.peek("rate") == Some("unlimited") {
        let place = fields.place_of("rate").unwrap_or_else(|| fields.place().clone());
        fields.take("rate");
        problems.add(&place, "leave `rate` out where there is none");
    }
    let limit = Limit { rate: rate(fields, problems), quota: quota(fields, problems) };
    if limit.is_empty() && problems.count() == before {
        let example = "`rate: {count: 1000, per: minute}`, `quota: {count: 50000, per: day}` or both";
        problems.add(fields.place(), format!("limits nothing; give {example}"));
    }
    limit
}

/// `operation_limits`, with the places that say which operation is meant.
pub(super) fn operations(fields: &mut Fields<'_>, problems: &mut Problems) -> (Vec<OperationLimit>, Vec<Place>) {
    let listed = fields.list("operation_limits", problems).unwrap_or_default();
    if let Some(first) = listed.get(MOST_OPERATIONS) {
        problems.add(&first.place, format!("is one operation too many; {MOST_OPERATIONS} are enough"));
    }
    let (mut limits, mut places): (Vec<OperationLimit>, Vec<Place>) = (Vec::new(), Vec::new());
    for item in listed {
        let Some(mut fields) = Fields::open(item.value, item.place, problems) else {
            continue;
        };
        let operation = fields.required("operation", "POST /pets", problems);
        let operation = checked(operation, self::operation, problems);
        let limit = rate_and_quota(&mut fields, problems);
        fields.close(problems);
        let Some(At { value: (method, path), place }) = operation else { continue };
        if limits.iter().any(|other| other.method == method && other.path == path) {
            problems.add(&place, format!("`{method} {}` is listed twice; remove one", shown(&path)));
        }
        limits.push(OperationLimit { method, path, limit });
        places.push(place);
    }
    (limits, places)
}

/// `POST /pets`: the method in upper case, and the path template.
fn operation(text: &str) -> Result<(String, String), String> {
    let (method, path) = text.trim().split_once(char::is_whitespace).unwrap_or_default();
    let path = path.trim_start();
    if method.is_empty() || !method.bytes().all(|b| b.is_ascii_alphabetic()) || !path.starts_with('/') {
        let text = shown(text);
        return Err(format!("`{text}` must be a method and a path of the OpenAPI file, such as `POST /pets`"));
    }
    Ok((method.to_ascii_uppercase(), path.to_owned()))
}
