//! What is published now, in the shape in which manifests are compared with it.

use crate::base::error::Result;
use crate::base::version::Version;
use crate::domain::accounts::users;
use crate::domain::catalog::publish;
use crate::domain::catalog::spec::ApiSpec;
use crate::domain::publishing::manifest::Role;
use crate::domain::publishing::store::{self, BoundKeys};
use crate::domain::subscriptions::model::{Plan, PlanState};
use crate::domain::subscriptions::plans;
use crate::infra::db::Conn;
use std::collections::{BTreeMap, BTreeSet};

/// An API with the plans that it offers, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) spec: ApiSpec,
    pub(super) plans: Vec<String>,
}

/// Method and path of operations, by API and version.
pub(super) type Operations = BTreeMap<(String, Version), BTreeSet<(String, String)>>;

/// Everything that a manifest can speak of, by name.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Those of the organisation.
    pub(super) roles: BTreeMap<String, Role>,
    /// Those that every instance has.
    pub(super) built_in_roles: Vec<String>,
    pub(super) plans: BTreeMap<String, (Plan, PlanState)>,
    pub(super) apis: BTreeMap<String, Offer>,
    /// Method and path of the operations of those APIs whose operations were asked for.
    pub(super) operations: Operations,
    /// What would break if an endpoint went.
    pub(super) keys: Vec<BoundKeys>,
}

/// Reads it, with the operations of the APIs of these names; the number of queries does not depend on how much there is.
pub(super) async fn read(conn: &mut Conn, with_operations: &[String]) -> Result<Live> {
    let mut live = Live::default();
    for (name, title, built_in) in users::roles(&mut *conn).await? {
        if built_in {
            live.built_in_roles.push(name);
        } else {
            live.roles.insert(name.clone(), Role { name, title });
        }
    }
    let plans = plans::all(&mut *conn).await?;
    live.plans = plans.into_iter().map(|(plan, state)| (plan.name.clone(), (plan, state))).collect();
    let mut offers = plans::offers(&mut *conn).await?;
    for spec in publish::live(&mut *conn).await? {
        let plans = offers.remove(&spec.name).unwrap_or_default();
        live.apis.insert(spec.name.clone(), Offer { spec, plans });
    }
    live.operations = operations(&mut *conn, with_operations).await?;
    live.keys = store::bound_keys(conn).await?;
    Ok(live)
}

async fn operations(conn: &mut Conn, apis: &[String]) -> Result<Operations> {
    let mut operations = Operations::new();
    if apis.is_empty() {
        return Ok(operations);
    }
    for (api, version, operation) in publish::operations(conn, apis).await? {
        operations.entry((api, version)).or_default().insert(operation);
    }
    Ok(operations)
}
