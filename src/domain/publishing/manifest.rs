//! Manifests: from text to what is wanted. Nothing here knows what is live.

use crate::base::version::Version;
use crate::domain::catalog::spec::ApiSpec;
use crate::domain::publishing::fields::{Fields, shown};
use crate::domain::publishing::files::Input;
use crate::domain::publishing::manifest_limits::{self, PlanRate};
use crate::domain::publishing::problem::{At, Place, Problems};
use crate::domain::publishing::yaml::{self, Node};
use crate::domain::publishing::{manifest_api, rules};
use crate::domain::subscriptions::model::{Approval, Plan, PlanState};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the manifests ask for.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) roles: Vec<At<Role>>,
    pub(super) plans: Vec<At<(Plan, PlanState)>>,
    pub(super) apis: Vec<WantedApi>,
    /// Names of roles and plans whose documents are wrong: that much is said, so nobody need hear that they are missing.
    pub(super) broken: BTreeSet<String>,
}

/// A role of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) title: String,
}

/// An API, with the places that later checks point at.
#[derive(Debug)]
pub(super) struct WantedApi {
    /// The document's.
    pub(super) place: Place,
    pub(super) context: Place,
    pub(super) spec: ApiSpec,
    /// Whether all of its versions shall go.
    pub(super) lifecycle: Lifecycle,
    pub(super) plans: Vec<At<String>>,
    pub(super) roles: Vec<At<String>>,
    /// Those that its scopes name.
    pub(super) scope_roles: Vec<At<String>>,
    pub(super) policies: PolicyPlaces,
    pub(super) versions: BTreeMap<Version, Place>,
}

/// Where policies stand that must fit the rest of the API.
#[derive(Debug, Default)]
pub(super) struct PolicyPlaces {
    /// Where each limit of an operation says which one, in order.
    pub(super) operations: Vec<Place>,
    /// Where `enforce_definition` stands, if it is asked for.
    pub(super) enforced: Option<Place>,
    /// Where a profile of TLS is named.
    pub(super) tls: Option<Place>,
}

/// Whether an API goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifecycle {
    /// Its versions have states of their own.
    Live,
    /// All of its versions are retired.
    Retired,
}

impl Manifest {
    /// The APIs that limit operations of theirs.
    pub(super) fn limits_operations(&self) -> Vec<String> {
        let limiting = self.apis.iter().filter(|api| !api.policies.operations.is_empty());
        limiting.map(|api| api.spec.name.clone()).collect()
    }
}

/// Reads every document of every manifest, noting everything that is wrong.
pub(super) fn read(input: &Input, problems: &mut Problems) -> Manifest {
    let mut manifest = Manifest::default();
    for (file, text) in &input.manifests {
        match yaml::documents(file, text) {
            Ok(documents) => {
                if documents.is_empty() {
                    problems.add(&Place::file(file), "there is nothing in this file; see docs/PUBLISHING.md");
                }
                for document in &documents {
                    let place = Place { line: document.line, ..Place::file(file) };
                    read_document(input, document, place, &mut manifest, problems);
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    manifest
}

fn read_document(input: &Input, node: &Node, place: Place, manifest: &mut Manifest, problems: &mut Problems) {
    let Some(mut fields) = Fields::open(node, place, problems) else {
        return;
    };
    let Some(kind) = fields.required("kind", "api", problems) else {
        return;
    };
    let name = fields.peek("name").map(str::to_owned);
    match &*kind.value {
        "api" => manifest.apis.extend(manifest_api::read(input, fields, problems)),
        "plan" => match plan(fields, problems) {
            Some(plan) => manifest.plans.push(plan),
            None => manifest.broken.extend(name),
        },
        "role" => match role(fields, problems) {
            Some(role) => manifest.roles.push(role),
            None => manifest.broken.extend(name),
        },
        other => problems.add(&kind.place, format!("`{}` is not known; it is api, plan or role", shown(other))),
    }
}

fn role(mut fields: Fields<'_>, problems: &mut Problems) -> Option<At<Role>> {
    let name = fields.required("name", "partner", problems);
    let name = checked(name, rules::role, problems);
    let title = optional(fields.text("title", problems), |t| rules::line(t, 100), problems);
    let place = fields.place().clone();
    fields.close(problems);
    let At { value: name, place: _ } = name?;
    let title = title.unwrap_or_else(|| name.clone());
    Some(At { value: Role { name, title }, place })
}

fn plan(mut fields: Fields<'_>, problems: &mut Problems) -> Option<At<(Plan, PlanState)>> {
    let name = fields.required("name", "bronze", problems);
    let name = checked(name, rules::slug, problems);
    let title = optional(fields.text("title", problems), |t| rules::line(t, 100), problems);
    let description = optional(fields.text("description", problems), |t| rules::line(t, 300), problems);
    let rate = manifest_limits::plan_rate(&mut fields, problems);
    let quota = manifest_limits::quota(&mut fields, problems);
    let state = one_of(
        fields.text("state", problems),
        problems,
        &[("offered", PlanState::Offered), ("retired", PlanState::Retired)],
    );
    let approval = if fields.flag("approval", problems) == Some(true) { Approval::Needed } else { Approval::NotNeeded };
    let place = fields.place().clone();
    fields.close(problems);
    let name = name?.value;
    let title = title.unwrap_or_else(|| name.clone());
    let rate = match rate? {
        PlanRate::Unlimited => None,
        PlanRate::Limited(rate) => Some(rate),
    };
    let plan = Plan { name, title, description: description.unwrap_or_default(), rate, quota, approval };
    Some(At { value: (plan, state.unwrap_or(PlanState::Offered)), place })
}

/// The value after a rule, or the rule's sentence as a problem.
pub(super) fn checked<T>(
    text: Option<At<String>>,
    rule: impl Fn(&str) -> Result<T, String>,
    problems: &mut Problems,
) -> Option<At<T>> {
    let At { value, place } = text?;
    match rule(&value) {
        Ok(value) => Some(At { value, place }),
        Err(message) => {
            problems.add(&place, message);
            None
        }
    }
}

/// The same without the place.
pub(super) fn optional<T>(
    text: Option<At<String>>,
    rule: impl Fn(&str) -> Result<T, String>,
    problems: &mut Problems,
) -> Option<T> {
    checked(text, rule, problems).map(|at| at.value)
}

/// One of the words, or a problem that lists them.
pub(super) fn one_of<T: Copy>(text: Option<At<String>>, problems: &mut Problems, words: &[(&str, T)]) -> Option<T> {
    let rule = |text: &str| {
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            format!("`{}` is not known; it is one of: {}", shown(text), all.join(", "))
        })
    };
    optional(text, rule, problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::publishing::openapi;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    const ALL: &str = r#"
{kind: role, name: partner, title: Partners}
---
{kind: plan, name: tiny, rate: {count: 10, per: minute, burst: 2}, quota: {count: 100, per: day}, approval: true, state: offered}
---
kind: api
name: orders
context: &c shop/orders
tags: [shop, *c]
visibility: restricted
roles: [partner]
auth: [api-key]
api_key_header: X-Shop-Key
plans: [tiny]
documents: [{name: start, title: Start, body: "Hello"}, {name: more, file: a.md}]
policies:
  timeouts: {connect_seconds: 3}
  max_body: 10 MB
  request_headers: {remove: [x-a], set: {x-b: c}, add: {x-b: d}}
  rewrite: {from: /a, to: /}
  host: h.example
  forwarded: true
  key_parameter: key
  cors: {origins: ["https://a.example"], methods: [get], max_age_seconds: 600}
  backend: {protocol: http2, tls: inner}
  limit: {rate: {count: 10, per: minute}, quota: {count: 100, per: month}}
  operation_limits: [{operation: GET /a, quota: {count: 1, per: day}}]
versions:
  - {version: "1.0", state: deprecated, openapi: o.json, backends: {production: "http://x/p", sandbox: "http://x"}}
  - {version: "1.1", changelog: More, endpoints: [{name: a, path: a, backends: {sandbox: "http://x"}}]}
"#;

    fn read_bytes(bytes: &[u8]) -> usize {
        let files =
            [("p.yaml", bytes), ("a.md", b"# A"), ("o.json", br#"{"openapi": "3.1.0", "info": {"title": "O"}}"#)];
        let Ok(input) = Input::from_memory(files.map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))) else {
            return 0;
        };
        let mut problems = Problems::default();
        let manifest = read(&input, &mut problems);
        let found = manifest.roles.len() + manifest.plans.len() + manifest.apis.len();
        match problems.none_or(()) {
            // What is dropped is never dropped in silence.
            Ok(()) => {
                let documents: usize =
                    input.manifests.iter().map(|(file, text)| yaml::documents(file, text).unwrap().len()).sum();
                assert_eq!(found, documents, "{:?}", input.manifests);
            }
            Err(problems) => {
                assert!(problems.iter().all(|p| !p.to_string().contains('\n')), "{problems:?}");
                return 0;
            }
        }
        found
    }

    #[test]
    fn the_example_of_these_tests_is_right() {
        assert_eq!(read_bytes(ALL.as_bytes()), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::with_cases(300)
        })]

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_bytes(&bytes);
            read_bytes(format!("kind: api\n{}", String::from_utf8_lossy(&bytes)).as_bytes());
            let _ = openapi::parse("f", String::from_utf8_lossy(&bytes).into_owned());
        }

        #[test]
        fn no_slip_of_the_pen_makes_the_reader_panic(
            at in 0..ALL.len(), cut in 0..30_usize, put in "[ \n:{}\\[\\]&*!|>'\"%@#,~a0-]{0,4}",
        ) {
            let mut bytes = ALL.as_bytes().to_vec();
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, put.bytes());
            read_bytes(&bytes);
        }

        #[test]
        fn no_description_makes_the_reader_panic(
            at in 0..1000_usize, cut in 0..30_usize, put in "[ \n:{}\\[\\]&*!|>'\"%@#,~a0-]{0,4}",
        ) {
            let mut bytes = include_bytes!("../../../tests/it/fixtures/petstore.yaml").to_vec();
            bytes.splice(at..at + cut, put.bytes());
            let _ = openapi::parse("f", String::from_utf8_lossy(&bytes).into_owned());
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        for depth in [10, 16, 17, 60, 63, 64, 65, 120, 127, 128, 129, 100_000] {
            for (open, close) in [("[", "]"), ("{a: ", "}"), ("{\"a\":[", "]}"), ("- ", ""), ("? ", "")] {
                let (open, close) = (open.repeat(depth), close.repeat(depth));
                for text in [open.clone(), format!("{open}1{close}"), format!("openapi: {open}1{close}")] {
                    read_bytes(text.as_bytes());
                    let _ = openapi::parse("f", text);
                }
            }
        }
    }
}
