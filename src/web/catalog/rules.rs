//! What consumers of an API must know of its policies: limits, and what a call may look like.

use crate::base::policy::{Cors, Policies};
use crate::base::size;
use crate::web::words;

/// How many operations with limits of their own are listed; the page of operations shows all.
const MOST_OPERATIONS: usize = 8;

/// For the part "Limits and rules" of an API's page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// What holds for every call.
    pub(crate) facts: Vec<Fact>,
    /// Operations with limits of their own.
    pub(crate) operations: Vec<OperationRule>,
    /// How many more there are of those.
    pub(crate) more: usize,
}

/// One rule: what it is about, the rule, and what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) about: &'static str,
    pub(crate) rule: String,
    pub(crate) codes: Vec<String>,
}

/// The limit of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OperationRule {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) allows: String,
}

impl Rules {
    /// From what was published, within the largest body that the gateway takes of anybody.
    pub(crate) fn new(policies: &Policies, most_body_bytes: u64) -> Self {
        let mut facts = Vec::new();
        let mut fact = |about, rule: String, codes| facts.push(Fact { about, rule, codes });
        if !policies.limit.is_empty() {
            fact("All callers together", words::limit(policies.limit), Vec::new());
        }
        if let Some(bytes) = policies.max_body_bytes {
            fact("Request body", format!("At most {}", size::written(bytes.min(most_body_bytes))), Vec::new());
        }
        if policies.enforce_definition {
            let rule = "Only those of the OpenAPI file; others are refused with 404 or 405";
            fact("Operations", rule.to_owned(), Vec::new());
        }
        if let Some(name) = &policies.key_parameter {
            let rule = "Also taken from the query, where logs may keep it; prefer the header";
            fact("API key", rule.to_owned(), vec![format!("?{name}=…")]);
        }
        if let Some(cors) = &policies.cors {
            let (rule, codes) = pages(cors);
            fact("Calls from web pages", rule, codes);
        }
        let limits = policies.operation_limits.iter().map(|operation| OperationRule {
            method: operation.method.clone(),
            path: operation.path.clone(),
            allows: words::limit(operation.limit),
        });
        let more = policies.operation_limits.len().saturating_sub(MOST_OPERATIONS);
        Self { operations: limits.take(MOST_OPERATIONS).collect(), facts, more }
    }

    /// Whether there is nothing to know.
    pub(crate) fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.operations.is_empty()
    }
}

/// Which pages may call.
fn pages(cors: &Cors) -> (String, Vec<String>) {
    if cors.origins.iter().any(|origin| origin == "*") {
        return ("From every origin".to_owned(), Vec::new());
    }
    let cookies = if cors.credentials { ", cookies included" } else { "" };
    (format!("Only from these origins{cookies}"), cors.origins.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_without_policies_has_no_rules_to_know() {
        let silent = Policies { forwarded: true, assertion: true, connect_seconds: Some(1), ..Policies::default() };
        assert!(Rules::new(&silent, 1 << 30).is_empty());
    }

    #[test]
    fn a_body_limit_above_that_of_the_gateway_is_not_promised() {
        let policies = Policies { max_body_bytes: Some(1 << 40), ..Policies::default() };
        assert_eq!(Rules::new(&policies, 1 << 30).facts[0].rule, "At most 1 GiB");
    }
}
