//! `portico serve`: runs until SIGTERM or SIGINT, then drains.

use crate::app::App;
use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::config::Config;
use crate::domain::accounts::links;
use tokio::signal::unix::{SignalKind, signal};

pub(super) async fn run(config: Config) -> Result<(), String> {
    let app = App::start(config, Clock::System, Random::System).await?;
    app.ready().await;
    println!("portal      {}", app.urls.portal);
    println!("production  {}", app.urls.production);
    println!("sandbox     {}", app.urls.sandbox);
    println!("operations  http://{}", app.operations);
    if let Some(link) = links::for_first_admin(&app.ctx).await.map_err(|error| error.to_string())? {
        println!();
        println!("There is no administrator yet. Open this link once, within seven days, to become it:");
        println!("  {}/setup/{}", app.urls.portal, link.expose());
    }
    until_stopped(app).await
}

/// Waits for a signal or a failure, then drains.
pub(super) async fn until_stopped(mut app: App) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let failure = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        failure = app.failure() => Some(failure),
    };
    tracing::info!("stopping: finishing requests in flight");
    tokio::select! {
        () = app.drain() => {}
        _ = interrupt.recv() => return Err("stopped before every request had finished".to_owned()),
    }
    failure.map_or(Ok(()), Err)
}
