//! What a manifest must agree on with itself and with what is live. Pure.

use crate::base::version::{self, Version, VersionState};
use crate::domain::publishing::fields::shown;
use crate::domain::publishing::live::{Live, Offer};
use crate::domain::publishing::manifest::{Lifecycle, Manifest, WantedApi};
use crate::domain::publishing::plan::After;
use crate::domain::publishing::problem::{At, Place, Problems};
use crate::domain::publishing::{manifest_scopes, policy_check};
use crate::domain::subscriptions::model::PlanState;
use std::collections::{BTreeMap, BTreeSet};

/// Notes everything that does not fit. `after` is what would be there once the manifest is applied.
pub(super) fn check(live: &Live, manifest: &Manifest, after: &After, problems: &mut Problems) {
    once(manifest.roles.iter().map(|r| (&*r.value.name, &r.place)), "role", problems);
    once(manifest.plans.iter().map(|p| (&*p.value.0.name, &p.place)), "plan", problems);
    once(manifest.apis.iter().map(|a| (&*a.spec.name, &a.place)), "API", problems);
    for role in &manifest.roles {
        if live.built_in_roles.contains(&role.value.name) {
            let message = format!("the role {} is built in; choose another name", role.value.name);
            problems.add(&role.place.key(role.place.line, "name"), message);
        }
    }
    let roles: BTreeSet<&str> = live
        .roles
        .keys()
        .chain(&live.built_in_roles)
        .chain(manifest.roles.iter().map(|r| &r.value.name))
        .map(|name| &**name)
        .collect();
    for api in &manifest.apis {
        if api.lifecycle == Lifecycle::Retired {
            if !live.apis.contains_key(&api.spec.name) {
                let message = format!("there is no API {} to retire; remove this document", api.spec.name);
                problems.add(&api.place, message);
            }
            continue;
        }
        for role in api.roles.iter().chain(&api.scope_roles) {
            if !roles.contains(&*role.value) && !manifest.broken.contains(&role.value) {
                let advice = known("defined", roles.iter().copied());
                let message = format!("there is no role `{}`; define it with `kind: role`{advice}", shown(&role.value));
                problems.add(&role.place, message);
            }
        }
        plans(api, manifest, after, problems);
        same_paths(api, after, problems);
        if let Some(there) = after.apis.get(&api.spec.name) {
            policy_check::policies(live, api, there, problems);
            let count = there.spec.scopes_in_force().len();
            if count > manifest_scopes::MOST {
                let most = manifest_scopes::MOST;
                let message = format!(
                    "it would have {count} scopes, more than {most}; write `scopes: none` if its OpenAPI files describe \
                     the OAuth of its backend, or take some out of them"
                );
                problems.add(&api.place, message);
            }
        }
    }
    contexts(live, manifest, after, problems);
    keys(live, manifest, after, problems);
}

fn once<'a>(named: impl Iterator<Item = (&'a str, &'a Place)>, what: &str, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
    for (name, place) in named {
        match seen.get(name) {
            Some(first) => {
                let message = format!("the {what} {name} is in {} already; keep one of the two", where_is(first));
                problems.add(&place.key(place.line, "name"), message);
            }
            None => _ = seen.insert(name, place),
        }
    }
}

fn where_is(place: &Place) -> String {
    format!("{}:{}", place.file, place.line)
}

fn known<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.take(12).collect();
    if names.is_empty() { String::new() } else { format!(" ({what}: {})", names.join(", ")) }
}

fn plans(api: &WantedApi, manifest: &Manifest, after: &After, problems: &mut Problems) {
    let offered = || after.plans.iter().filter(|(_, (_, state))| *state == PlanState::Offered).map(|(name, _)| &**name);
    for At { value: name, place } in &api.plans {
        match after.plans.get(name) {
            Some((_, PlanState::Offered)) => {}
            Some((_, PlanState::Retired)) => {
                problems.add(place, format!("the plan {name} is retired{}", known("offered", offered())));
            }
            None if manifest.broken.contains(name) => {}
            None => {
                let advice = known("defined", offered());
                let name = shown(name);
                problems.add(place, format!("there is no plan `{name}`; define it with `kind: plan`{advice}"));
            }
        }
    }
}

/// Two APIs cannot be called by one context, and an API that consumers may call keeps the one it has.
fn contexts(live: &Live, manifest: &Manifest, after: &After, problems: &mut Problems) {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    let wanted: BTreeMap<&str, &WantedApi> = manifest.apis.iter().map(|api| (&*api.spec.name, api)).collect();
    // Those that are live and not spoken of come first, so that the problem is found in the manifest.
    let (silent, spoken): (Vec<_>, Vec<_>) = after.apis.iter().partition(|(name, _)| !wanted.contains_key(&***name));
    for (name, api) in silent.into_iter().chain(spoken) {
        let context = &*api.spec.attributes.context;
        let (Some(other), Some(wanted)) = (taken.insert(context, name), wanted.get(&**name)) else {
            continue;
        };
        let message = format!("the context {context} belongs to the API {other} already; choose another one");
        problems.add(&wanted.context, message);
    }
    for api in &manifest.apis {
        let Some(before) = live.apis.get(&api.spec.name) else {
            continue;
        };
        let (old, new) = (&before.spec.attributes.context, &api.spec.attributes.context);
        if api.lifecycle == Lifecycle::Live
            && old != new
            && before.spec.versions.values().any(|v| v.state != VersionState::Draft)
        {
            let message = format!(
                "the API {} is called by the context {old}, which cannot change once a version was published; \
                 keep it, or publish under another name and retire this API",
                api.spec.name
            );
            problems.add(&api.context, message);
        }
    }
}

/// An endpoint is at the same path in every minor of a major: callers and keys count on it.
fn same_paths(api: &WantedApi, after: &After, problems: &mut Problems) {
    let Some(merged) = after.apis.get(&api.spec.name) else {
        return;
    };
    let mut first: BTreeMap<(u16, &str), (Version, &str)> = BTreeMap::new();
    for (version, spec) in &merged.spec.versions {
        if spec.state == VersionState::Retired {
            continue;
        }
        for endpoint in &spec.endpoints {
            let key = (version.major, &*endpoint.name);
            let (earlier, path) = *first.entry(key).or_insert((*version, &*endpoint.path));
            if path != endpoint.path {
                let place = api.versions.get(version).or_else(|| api.versions.get(&earlier)).unwrap_or(&api.place);
                let message = format!(
                    "the endpoint {} is at `{}` in {version} but at `{path}` in {earlier}; keep one path in all minors \
                     of a major",
                    endpoint.name, endpoint.path
                );
                problems.add(place, message);
            }
        }
    }
}

/// An endpoint to which API keys are bound stays for as long as its major answers calls.
fn keys(live: &Live, manifest: &Manifest, after: &After, problems: &mut Problems) {
    for bound in &live.keys {
        let (Some(before), Some(api)) = (live.apis.get(&bound.api), after.apis.get(&bound.api)) else {
            continue;
        };
        let has = |offer: &Offer| answers(offer, bound.major).map(|names| names.contains(&&*bound.endpoint));
        if has(before) != Some(true) || has(api) != Some(false) {
            continue;
        }
        let Some(wanted) = manifest.apis.iter().find(|a| a.spec.name == bound.api) else {
            continue;
        };
        let newest = wanted.versions.iter().rev().find(|(version, _)| version.major == bound.major);
        let place = newest.map_or(&wanted.place, |(_, place)| place);
        let message = format!(
            "the endpoint {} of {} v{} has {} API keys and would be gone; keep it in the newest published minor, or \
             retire every version of v{}",
            bound.endpoint, bound.api, bound.major, bound.keys, bound.major
        );
        problems.add(place, message);
    }
}

/// The endpoints of the minor that answers for a major; none when no minor does.
fn answers(offer: &Offer, major: u16) -> Option<Vec<&str>> {
    let minors: Vec<_> = offer.spec.versions.iter().filter(|(version, _)| version.major == major).collect();
    let (_, spec) = version::newest(&minors, |(version, spec)| (**version, spec.state))?;
    Some(spec.endpoints.iter().map(|e| &*e.name).collect())
}
