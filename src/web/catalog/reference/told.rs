//! What the gateway itself answers: the headers that it adds, and its refusals. A test holds the table to what it sends.

use crate::base::policy::Policies;
use crate::domain::catalog::model::MajorVersion;
use crate::domain::subscriptions::model::Plan;
use crate::domain::usage::refusal_words;

/// A refusal as its callers meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The gateway's label of it.
    pub label: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The field `code` of its body.
    pub code: &'static str,
    when: When,
}

/// Which operations it can befall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    Credential,
    ApiKey,
    Bearer,
    Scopes,
    Rate,
    Quota,
    ApiLimit,
    OperationLimit,
    Body,
    Listed,
}

const fn row(label: &'static str, status: u16, code: &'static str, when: When) -> Told {
    Told { label, status, code, when }
}

/// Those that a caller who follows the page may meet, by status.
pub const ALL: &[Told] = &[
    row("several_credentials", 400, "900901", When::Credential),
    row("missing_credential", 401, "900902", When::Credential),
    row("unknown_key", 401, "900901", When::ApiKey),
    row("invalid_token", 401, "900901", When::Bearer),
    row("not_subscribed", 403, "900908", When::Bearer),
    row("other_api", 403, "900908", When::ApiKey),
    row("subscription_blocked", 403, "900907", When::Credential),
    row("subscription_pending", 403, "900909", When::Credential),
    row("insufficient_scope", 403, "900910", When::Scopes),
    row("method_not_allowed", 405, "405", When::Listed),
    row("body_too_large", 413, "413", When::Body),
    row("rate_exceeded", 429, "900804", When::Rate),
    row("quota_exceeded", 429, "900804", When::Quota),
    row("api_limit_exceeded", 429, "900800", When::ApiLimit),
    row("operation_limit_exceeded", 429, "900802", When::OperationLimit),
    row("backend_unreachable", 502, "101503", When::Always),
    row("api_blocked", 503, "700700", When::Always),
    row("backend_timeout", 504, "101504", When::Always),
];

/// A header that the gateway adds to answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddedHeader {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub says: &'static str,
    /// An example.
    pub example: &'static str,
    is_about_limits: bool,
}

const fn header(name: &'static str, says: &'static str, example: &'static str, is_about_limits: bool) -> AddedHeader {
    AddedHeader { name, says, example, is_about_limits }
}

/// All of them.
pub const HEADERS: &[AddedHeader] = &[
    header("X-Request-Id", "Names this call; quote it when you ask why it was refused.", "0192f0c1-…", false),
    header("Api-Version", "The version that answered.", "1.2", false),
    header(
        "RateLimit-Policy",
        "The limits that count: how many calls (q) in how many seconds (w).",
        "\"gold\";q=100;w=60",
        true,
    ),
    header(
        "RateLimit",
        "Where you stand with them: calls left (r), seconds until there are more (t).",
        "\"gold\";r=99;t=60",
        true,
    ),
    header("X-RateLimit-Limit", "The tightest of the limits.", "100", true),
    header("X-RateLimit-Remaining", "Calls that it leaves.", "99", true),
    header("X-RateLimit-Reset", "Seconds until it is whole again.", "60", true),
    header("Retry-After", "With 429 and 503: seconds to wait before the next call.", "12", true),
];

/// For a page: what happened, what to do.
pub(crate) struct Row {
    pub(crate) told: Told,
    pub(crate) what: &'static str,
    pub(crate) help: &'static str,
}

/// What the gateway may answer to callers of an operation.
pub(crate) struct Answers {
    pub(crate) headers: Vec<AddedHeader>,
    pub(crate) refusals: Vec<Row>,
}

impl Answers {
    /// For an operation that needs these scopes; `limit` says whether it has a limit of its own.
    pub(crate) fn new(
        version: &MajorVersion,
        policies: &Policies,
        plans: &[Plan],
        operation: (&[String], &str),
    ) -> Self {
        let (scopes, limit) = operation;
        let api = &version.api;
        let meets = |when| match when {
            When::Always => true,
            When::Credential => api.takes_api_key || api.takes_bearer,
            When::ApiKey => api.takes_api_key,
            When::Bearer => api.takes_bearer,
            When::Scopes => api.takes_bearer && !scopes.is_empty(),
            When::Rate => plans.iter().any(|plan| plan.rate.is_some()),
            When::Quota => plans.iter().any(|plan| plan.quota.is_some()),
            When::ApiLimit => !policies.limit.is_empty(),
            When::OperationLimit => !limit.is_empty(),
            When::Body => policies.max_body_bytes.is_some(),
            When::Listed => policies.enforce_definition,
        };
        let limits = [When::Rate, When::Quota, When::ApiLimit, When::OperationLimit];
        let is_limited = limits.into_iter().any(meets);
        let headers = HEADERS.iter().filter(|header| is_limited || !header.is_about_limits).copied();
        let row = |told: &Told| {
            let words = refusal_words::words(told.label).filter(|_| meets(told.when))?;
            Some(Row { told: *told, what: words.what, help: words.help })
        };
        Self { headers: headers.collect(), refusals: ALL.iter().filter_map(row).collect() }
    }
}
