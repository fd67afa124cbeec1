//! `portico migrate`: brings the database schema up to date and says what it did.

use crate::cli::say;
use crate::config::Config;
use crate::infra::database::{self, Database};

pub(super) async fn run(config: &Config) -> Result<(), String> {
    let database = Database::open_or_join(config).await?;
    let done = async {
        let pending = database.db.pending().await?;
        database.db.migrate().await?;
        Ok(pending)
    };
    let done = done.await.map_err(|error| database::explain_migration(&error));
    database.close().await;
    for migration in &done? {
        say(&format!("applied {migration}"));
    }
    say("the schema is up to date");
    Ok(())
}
