//! From what is live and what is wanted to what has to change. Pure: nothing is done here.

use crate::base::environment::Environment;
use crate::base::version::{Version, VersionState};
use crate::domain::catalog::model::Visibility;
use crate::domain::catalog::spec::{ApiSpec, Attributes, EndpointSpec, ScopeInForce, ScopesSpec, VersionSpec};
use crate::domain::publishing::live::{Live, Offer};
use crate::domain::publishing::manifest::{Lifecycle, Manifest, Role};
use crate::domain::publishing::plan_policies::{allowance, policies_line};
use crate::domain::subscriptions::model::{Approval, Plan, PlanState};
use std::collections::{BTreeMap, BTreeSet};

/// What to do with what the manifest does not speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Silence {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Retire it: APIs, versions, and plans that no API offers. Roles stay.
    Retire,
}

/// What would be there once a manifest is applied, by name.
#[derive(Debug)]
pub(super) struct After {
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) plans: BTreeMap<String, (Plan, PlanState)>,
    pub(super) apis: BTreeMap<String, Offer>,
}

/// One thing that has to be written.
#[derive(Debug)]
pub(super) enum Change<'a> {
    /// Define a role, or rename it.
    Role { before: Option<&'a Role>, after: &'a Role },
    /// Define a plan, or change it.
    Plan { before: Option<&'a (Plan, PlanState)>, after: &'a (Plan, PlanState) },
    /// Add an API, or change whatever differs of it.
    Api { before: Option<&'a Offer>, after: &'a Offer },
}

/// Lays the manifest over what is live.
pub(super) fn after(live: &Live, manifest: &Manifest, silence: Silence) -> After {
    let mut after = After { roles: live.roles.clone(), plans: live.plans.clone(), apis: live.apis.clone() };
    after.roles.extend(manifest.roles.iter().map(|r| (r.value.name.clone(), r.value.clone())));
    after.plans.extend(manifest.plans.iter().map(|p| (p.value.0.name.clone(), p.value.clone())));
    for wanted in &manifest.apis {
        if wanted.lifecycle == Lifecycle::Retired {
            // What else the document says no longer matters; a short one need not repeat it.
            after.apis.get_mut(&wanted.spec.name).into_iter().for_each(|offer| retire(&mut offer.spec));
            continue;
        }
        let mut spec = wanted.spec.clone();
        let live_versions = live.apis.get(&spec.name).map(|offer| &offer.spec.versions);
        for (version, there) in live_versions.into_iter().flatten() {
            if let Some(wanted) = spec.versions.get_mut(version).filter(|wanted| wanted.endpoints.is_empty()) {
                // Retired in short.
                wanted.endpoints.clone_from(&there.endpoints);
                if wanted.changelog.is_empty() {
                    wanted.changelog.clone_from(&there.changelog);
                }
                wanted.sunset_on = wanted.sunset_on.or(there.sunset_on);
            }
            spec.versions.entry(*version).or_insert_with(|| {
                let state = if silence == Silence::Retire { VersionState::Retired } else { there.state };
                VersionSpec { state, ..there.clone() }
            });
        }
        let plans = wanted.plans.iter().map(|plan| plan.value.clone()).collect();
        after.apis.insert(spec.name.clone(), Offer { spec, plans });
    }
    if silence == Silence::Retire {
        let spoken: BTreeSet<&str> = manifest.apis.iter().map(|api| &*api.spec.name).collect();
        let silent = after.apis.iter_mut().filter(|(name, _)| !spoken.contains(&***name));
        silent.for_each(|(_, offer)| retire(&mut offer.spec));
        let spoken: BTreeSet<&str> = manifest.plans.iter().map(|plan| &*plan.value.0.name).collect();
        let answering =
            after.apis.values().filter(|o| o.spec.versions.values().any(|v| v.state != VersionState::Retired));
        let offered: BTreeSet<&String> = answering.flat_map(|offer| &offer.plans).collect();
        for (name, (_, state)) in &mut after.plans {
            if !spoken.contains(&**name) && !offered.contains(name) {
                *state = PlanState::Retired;
            }
        }
    }
    after
}

fn retire(spec: &mut ApiSpec) {
    spec.versions.values_mut().for_each(|version| version.state = VersionState::Retired);
}

/// What differs: roles, then plans, then APIs, for each needs what comes before it.
pub(super) fn changes<'a>(live: &'a Live, after: &'a After) -> Vec<Change<'a>> {
    let roles = differing(&live.roles, &after.roles).map(|(before, after)| Change::Role { before, after });
    let plans = differing(&live.plans, &after.plans).map(|(before, after)| Change::Plan { before, after });
    let apis = differing(&live.apis, &after.apis).map(|(before, after)| Change::Api { before, after });
    roles.chain(plans).chain(apis).collect()
}

fn differing<'a, T: PartialEq>(
    before: &'a BTreeMap<String, T>,
    after: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (Option<&'a T>, &'a T)> {
    after.iter().map(|(name, after)| (before.get(name), after)).filter(|(before, after)| *before != Some(*after))
}

impl Change<'_> {
    /// What was acted on, and how, for the audit trail.
    pub(super) fn event(&self) -> (&'static str, &str) {
        match self {
            Self::Role { before, after } => (if before.is_some() { "role.changed" } else { "role.added" }, &after.name),
            Self::Plan { before, after } => {
                (if before.is_some() { "plan.changed" } else { "plan.added" }, &after.0.name)
            }
            Self::Api { before, after } => {
                (if before.is_some() { "api.changed" } else { "api.added" }, &after.spec.name)
            }
        }
    }

    /// The change for people, in one line or several.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Role { before: None, after } => vec![format!("add     role {}", after.name)],
            Self::Role { before: Some(_), after } => vec![format!("change  role {}: title", after.name)],
            Self::Plan { before, after } => vec![plan_line(*before, after)],
            Self::Api { before, after } => api_lines(*before, after),
        }
    }
}

fn plan_line(before: Option<&(Plan, PlanState)>, (plan, state): &(Plan, PlanState)) -> String {
    let Some((old, was)) = before else {
        let approval = if plan.approval == Approval::Needed { ", needs approval" } else { "" };
        return format!("add     plan {}: {}{approval}", plan.name, allowance(plan));
    };
    let mut what = Vec::new();
    what.extend((old.title != plan.title).then(|| "title".to_owned()));
    what.extend((old.description != plan.description).then(|| "description".to_owned()));
    let (before, after) = (allowance(old), allowance(plan));
    what.extend((before != after).then(|| format!("{before} → {after}")));
    what.extend((old.approval != plan.approval).then(|| approval(plan).to_owned()));
    match (was, state) {
        (PlanState::Offered, PlanState::Retired) => return format!("retire  plan {}", plan.name),
        (PlanState::Retired, PlanState::Offered) => what.push("offered again".to_owned()),
        _ => {}
    }
    format!("change  plan {}: {}", plan.name, what.join(", "))
}

fn approval(plan: &Plan) -> &'static str {
    match plan.approval {
        Approval::Needed => "needs approval",
        Approval::NotNeeded => "needs no approval any more",
    }
}

fn api_lines(before: Option<&Offer>, after: &Offer) -> Vec<String> {
    let name = &after.spec.name;
    let mut lines = Vec::new();
    match before {
        None => {
            let attributes = &after.spec.attributes;
            let visibility = visibility(attributes, &after.spec.roles);
            lines.push(format!("add     API {name} at /{} ({visibility})", attributes.context));
            let scopes = after.spec.scopes_in_force();
            if !scopes.is_empty() {
                let names: Vec<&str> = scopes.iter().map(|s| &*s.scope.name).collect();
                lines.push(format!("add     scopes of {name}: {}", names.join(" ")));
            }
            lines.extend(policies_line(name, None, &attributes.policies));
        }
        Some(before) => {
            let what = differences(before, after);
            if !what.is_empty() {
                lines.push(format!("change  API {name}: {}", what.join(", ")));
            }
            lines.extend(scope_line(&before.spec, &after.spec));
            let (old, new) = (&before.spec.attributes.policies, &after.spec.attributes.policies);
            lines.extend(policies_line(name, Some(old), new));
        }
    }
    for (version, spec) in &after.spec.versions {
        lines.extend(version_line(name, *version, before.and_then(|b| b.spec.versions.get(version)), spec));
    }
    lines
}

fn visibility(attributes: &Attributes, roles: &[String]) -> String {
    match attributes.visibility {
        Visibility::Restricted => format!("restricted to {}", roles.join(", ")),
        other => other.as_str().to_owned(),
    }
}

fn differences(before: &Offer, after: &Offer) -> Vec<&'static str> {
    let (old, new) = (&before.spec.attributes, &after.spec.attributes);
    [
        ("title", old.title != new.title),
        ("context", old.context != new.context),
        ("summary", old.summary != new.summary),
        ("description", old.description != new.description),
        ("owner", old.owner != new.owner),
        ("owners", before.spec.owners != after.spec.owners),
        ("support", old.support != new.support),
        ("tags", old.tags != new.tags),
        ("visibility", old.visibility != new.visibility),
        ("roles", before.spec.roles != after.spec.roles),
        ("auth", (old.takes_api_key, old.takes_bearer) != (new.takes_api_key, new.takes_bearer)),
        ("api_key_header", old.api_key_header != new.api_key_header),
        ("authorization_header", old.bearer_header != new.bearer_header),
        ("plans", before.plans != after.plans),
        ("documents", before.spec.documents != after.spec.documents),
        ("resource_servers", before.spec.resource_servers != after.spec.resource_servers),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

/// What becomes of the scopes, by name.
fn scope_line(before: &ApiSpec, after: &ApiSpec) -> Option<String> {
    let (old, new) = (before.scopes_in_force(), after.scopes_in_force());
    if old == new && before.scopes == after.scopes {
        return None;
    }
    let find = |all: &[ScopeInForce], name: &str| all.iter().find(|s| s.scope.name == name).cloned();
    let mut what = Vec::new();
    what.extend(new.iter().map(|s| &*s.scope.name).filter(|s| find(&old, s).is_none()).map(|s| format!("{s} added")));
    what.extend(old.iter().map(|s| &*s.scope.name).filter(|s| find(&new, s).is_none()).map(|s| format!("{s} removed")));
    for new in &new {
        let Some(old) = find(&old, &new.scope.name) else { continue };
        what.extend((old.scope.roles != new.scope.roles).then(|| format!("roles of {}", new.scope.name)));
        let titles = |s: &ScopeInForce| (s.scope.title.clone(), s.manifest_title.clone());
        what.extend((titles(&old) != titles(new)).then(|| format!("title of {}", new.scope.name)));
    }
    match (&before.scopes, &after.scopes) {
        (ScopesSpec::On(_), ScopesSpec::Off) => what.push("switched off".to_owned()),
        (ScopesSpec::Off, ScopesSpec::On(_)) => what.push("switched on".to_owned()),
        _ => {}
    }
    if what.is_empty() {
        what.push("order".to_owned());
    }
    Some(format!("change  scopes of {}: {}", after.name, what.join(", ")))
}

fn version_line(api: &str, version: Version, before: Option<&VersionSpec>, after: &VersionSpec) -> Option<String> {
    let Some(before) = before else {
        let endpoints: Vec<String> = after.endpoints.iter().map(endpoint).collect();
        let state = after.state.as_str();
        return Some(format!("add     version {api} {version} ({state}): {}", endpoints.join("; ")));
    };
    if before == after {
        return None;
    }
    let mut what = Vec::new();
    what.extend((before.changelog != after.changelog).then(|| "changelog".to_owned()));
    what.extend((before.sunset_on != after.sunset_on).then(|| "sunset".to_owned()));
    let named = |spec: &VersionSpec, name: &str| spec.endpoints.iter().find(|e| e.name == name).cloned();
    for old in before.endpoints.iter().filter(|old| named(after, &old.name).is_none()) {
        what.push(format!("endpoint {} removed", old.name));
    }
    for new in &after.endpoints {
        match named(before, &new.name) {
            None => what.push(format!("endpoint {} added", endpoint(new))),
            Some(old) if old != *new => what.push(format!("endpoint {}: {}", new.name, endpoint_changes(&old, new))),
            Some(_) => {}
        }
    }
    let order = |spec: &VersionSpec| -> Vec<String> { spec.endpoints.iter().map(|e| e.name.clone()).collect() };
    let (old, new) = (order(before), order(after));
    if old != new && old.len() == new.len() && old.iter().all(|name| new.contains(name)) {
        what.push("order of the endpoints".to_owned());
    }
    if before.state != after.state {
        if after.state == VersionState::Retired {
            return Some(format!("retire  version {api} {version}"));
        }
        what.insert(0, format!("{} → {}", before.state.as_str(), after.state.as_str()));
    }
    Some(format!("change  version {api} {version}: {}", what.join(", ")))
}

/// An endpoint with what it has, and what it has not.
fn endpoint(endpoint: &EndpointSpec) -> String {
    let place = if endpoint.path.is_empty() { String::new() } else { format!(" at /{}", endpoint.path) };
    let mut has: Vec<String> = Environment::ALL
        .into_iter()
        .map(|e| if endpoint.backends.contains_key(&e) { e.to_string() } else { format!("no {e} backend") })
        .collect();
    if let Some(content) = endpoint.definition.as_ref().and_then(|d| d.content.as_ref()) {
        has.push(format!("{} operations", content.operations.len()));
    }
    format!("{}{place} ({})", endpoint.name, has.join(", "))
}

fn endpoint_changes(before: &EndpointSpec, after: &EndpointSpec) -> String {
    let mut what = Vec::new();
    what.extend((before.title != after.title).then(|| "title".to_owned()));
    what.extend((before.path != after.path).then(|| format!("path /{} → /{}", before.path, after.path)));
    for environment in Environment::ALL {
        match (before.backends.get(&environment), after.backends.get(&environment)) {
            (None, Some(_)) => what.push(format!("{environment} backend added")),
            (Some(_), None) => what.push(format!("{environment} backend removed")),
            (old, new) if old != new => what.push(format!("{environment} backend")),
            _ => {}
        }
    }
    what.extend((before.definition != after.definition).then(|| "openapi".to_owned()));
    what.join(" and ")
}
