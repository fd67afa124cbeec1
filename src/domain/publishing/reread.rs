//! Reads published OpenAPI files once more for the reference, after a release has learnt to read more of them.

use crate::base::error::Result;
use crate::domain::Ctx;
use crate::domain::catalog::publish;
use crate::domain::publishing::{openapi, store};

/// Reads every file that was published by a release that read it otherwise; how many there were.
pub async fn all(ctx: &Ctx) -> Result<usize> {
    let mut count = 0;
    loop {
        let mut tx = ctx.db.begin().await?;
        // Nobody may publish another file in between.
        store::lock(&mut tx).await?;
        let Some((endpoint, source)) = publish::read_otherwise(&mut tx).await? else { return Ok(count) };
        let read = tokio::task::spawn_blocking(move || openapi::parse("openapi", source)).await;
        let read = read.map_err(crate::base::error::Error::internal)?;
        let content = match read {
            Ok(definition) => definition.content,
            Err(problem) => {
                // An older release took it; its operations go on being listed.
                tracing::warn!(endpoint.id = %endpoint.0, %problem, "an OpenAPI file has no reference: {problem}");
                None
            }
        };
        publish::set_reading(&mut tx, endpoint, &content.map(|content| content.reading).unwrap_or_default()).await?;
        tx.commit().await?;
        count += 1;
    }
}
