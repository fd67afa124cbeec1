//! Resource indicators (RFC 8707): which APIs a token is meant for.

use crate::domain::credentials::client_model::RegisteredClient;
use crate::domain::oauth::error::Refusal;
use crate::domain::oauth::issuer::Issuer;

/// The resources of a request: each the identifier of an API that the client's application is subscribed to, as the
/// gateway of its environment has it, or the gateway itself. None asked for, none answered: see [`audience`].
pub(super) fn resolve(
    client: &RegisteredClient,
    issuer: &Issuer,
    requested: &[String],
) -> Result<Vec<String>, Refusal> {
    let gateway = issuer.urls().gateway(client.environment);
    let is_known = |name: &String| name == gateway || client.apis.iter().any(|api| api.identifier(gateway) == *name);
    if !requested.iter().all(is_known) {
        return Err(Refusal::InvalidTarget);
    }
    let mut resources: Vec<String> = Vec::new();
    for name in requested {
        if !resources.contains(name) {
            resources.push(name.clone());
        }
    }
    Ok(resources)
}

/// Whom a token is meant for: the resources, or else the gateway, which means every API of the application.
pub(super) fn audience(client: &RegisteredClient, issuer: &Issuer, resources: &[String]) -> Vec<String> {
    match resources {
        [] => vec![issuer.urls().gateway(client.environment).to_owned()],
        named => named.to_vec(),
    }
}
