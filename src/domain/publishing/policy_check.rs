//! Where policies must fit what they are about: the operations, definitions and backends of the API. Pure.

use crate::base::version::{Version, VersionState};
use crate::domain::catalog::spec::VersionSpec;
use crate::domain::publishing::fields::shown;
use crate::domain::publishing::live::{Live, Offer};
use crate::domain::publishing::manifest::WantedApi;
use crate::domain::publishing::problem::Problems;
use std::collections::BTreeSet;

/// How many operations a problem lists.
const MOST_LISTED: usize = 8;

/// Notes everything that does not fit. `there` is the API as it would be.
pub(super) fn policies(live: &Live, api: &WantedApi, there: &Offer, problems: &mut Problems) {
    let answering = || there.spec.versions.iter().filter(|(_, version)| version.state != VersionState::Retired);
    operation_limits(live, api, answering(), problems);
    if let Some(place) = &api.policies.enforced {
        let open = |(version, spec): (&Version, &VersionSpec)| {
            let endpoint = spec.endpoints.iter().find(|endpoint| endpoint.definition.is_none())?;
            (spec.state != VersionState::Draft).then(|| (*version, endpoint.name.clone()))
        };
        if let Some((version, endpoint)) = answering().find_map(open) {
            let message = format!(
                "the endpoint {endpoint} of version {version} has no OpenAPI file, so none of its calls would pass; add \
                 `openapi`, or remove this"
            );
            problems.add(place, message);
        }
    }
    if let Some(place) = &api.policies.tls {
        let mut urls = answering().flat_map(|(_, version)| &version.endpoints).flat_map(|e| e.backends.values());
        if !urls.any(|url| url.starts_with("https://")) {
            problems.add(place, "counts only for backends that begin with https://; change one, or remove `tls`");
        }
    }
}

/// A limit that names no operation would limit nothing, and nobody would notice.
fn operation_limits<'a>(
    live: &Live,
    api: &'a WantedApi,
    versions: impl Iterator<Item = (&'a Version, &'a VersionSpec)>,
    problems: &mut Problems,
) {
    let limits = &api.spec.attributes.policies.operation_limits;
    if limits.is_empty() {
        return;
    }
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (version, spec) in versions {
        let definitions = || spec.endpoints.iter().filter_map(|endpoint| endpoint.definition.as_ref());
        for content in definitions().filter_map(|definition| definition.content.as_ref()) {
            known.extend(content.operations.iter().map(|o| (&*o.method, &*o.path)));
        }
        // A version that the manifest leaves as it is was not read from files.
        if definitions().any(|definition| definition.content.is_none()) {
            let operations = live.operations.get(&(api.spec.name.clone(), *version));
            known.extend(operations.into_iter().flatten().map(|(method, path)| (&**method, &**path)));
        }
    }
    for (limit, place) in limits.iter().zip(&api.policies.operations) {
        if !known.contains(&(&*limit.method, &*limit.path)) {
            let some: Vec<String> =
                known.iter().take(MOST_LISTED).map(|(method, path)| format!("{method} {path}")).collect();
            let more = if known.len() > some.len() { ", …" } else { "" };
            let listed = if some.is_empty() {
                "they list none".to_owned()
            } else {
                format!("listed: {}{more}", shown_all(&some))
            };
            let message = format!(
                "no OpenAPI file of this API lists `{} {}`; write it as the file does ({listed})",
                limit.method,
                shown(&limit.path)
            );
            problems.add(place, message);
        }
    }
}

fn shown_all(operations: &[String]) -> String {
    operations.iter().map(|operation| shown(operation)).collect::<Vec<_>>().join(", ")
}
