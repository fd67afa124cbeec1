//! Ready commands for a shell that call an API.

use crate::base::environment::Environment;
use crate::domain::Ctx;
use crate::domain::catalog::browse;
use crate::domain::catalog::model::{Endpoint, MajorVersion};
use crate::web::error::Result;

/// Stands for an API key that is not shown.
pub const KEY: &str = "<YOUR_API_KEY>";

/// Stands for an access token.
pub const TOKEN: &str = "Bearer <YOUR_ACCESS_TOKEN>";

/// Calls an endpoint with an API key or a token in the header that the API takes it in.
pub fn call(header: &str, key: &str, url: &str) -> String {
    format!("curl -H \"{header}: {key}\" \\\n  -X GET \"{url}\"")
}

/// A URL worth trying: the endpoint's first GET operation without a parameter in its path, or its root.
pub async fn example(ctx: &Ctx, version: &MajorVersion, endpoint: &Endpoint, gateway: &str) -> Result<String> {
    let url = version.url(gateway, endpoint);
    if !endpoint.has_definition {
        return Ok(url);
    }
    let path = browse::plain_path(ctx, endpoint.id).await?;
    Ok(url + path.as_deref().unwrap_or_default())
}

/// The endpoint of that name where it can be called in the environment; any that can when the name is empty.
pub fn endpoint<'a>(version: &'a MajorVersion, environment: Environment, name: &str) -> Option<&'a Endpoint> {
    let mut open = version.current()?.endpoints.iter().filter(|e| e.environments.contains(&environment));
    open.find(|e| name.is_empty() || e.name == name)
}
