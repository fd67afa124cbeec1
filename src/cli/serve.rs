//! `portico serve`: runs until SIGTERM or SIGINT, then drains.

use crate::app::App;
use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::cli::say;
use crate::config::Config;
use crate::domain::accounts::links;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(super) async fn run(config: Config) -> Result<(), String> {
    run_announced(config, announce).await
}

/// Starts, lets `announce` tell so, and runs until a signal or a failure; then drains.
pub(super) async fn run_announced(
    config: Config,
    announce: impl AsyncFnOnce(&App) -> Result<(), String>,
) -> Result<(), String> {
    let mut signals = Signals::listen()?;
    let start = async {
        let app = App::start(config, Clock::System, Random::System).await?;
        app.ready().await;
        Ok::<_, String>(app)
    };
    let app = tokio::select! {
        app = start => app?,
        // Nothing was promised to anybody yet.
        () = signals.any() => return Ok(()),
    };
    if let Err(error) = announce(&app).await {
        app.drain().await;
        return Err(error);
    }
    run_until(app, signals).await
}

async fn announce(app: &App) -> Result<(), String> {
    let link = links::for_first_admin(&app.ctx).await.map_err(|error| error.to_string())?;
    say(&format!("portal      {}", app.urls.portal));
    say(&format!("production  {}", app.urls.production));
    say(&format!("sandbox     {}", app.urls.sandbox));
    say(&format!("operations  {}", app.operations_url()));
    if let Some(link) = link {
        say("");
        say("There is no administrator yet. Open this link once, within seven days, to become it:");
        say(&format!("  {}/setup/{}", app.urls.portal, link.expose()));
    }
    Ok(())
}

async fn run_until(mut app: App, mut signals: Signals) -> Result<(), String> {
    let failure = tokio::select! {
        () = signals.any() => None,
        failure = app.failure() => Some(failure),
    };
    tracing::info!("stopping: finishing requests in flight");
    tokio::select! {
        () = app.drain() => {}
        _ = signals.interrupt.recv() => return Err("stopped before every request had finished".to_owned()),
    }
    failure.map_or(Ok(()), Err)
}

/// The signals that ask for a stop. Heard from the moment this is made, so make it before saying that one serves.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
