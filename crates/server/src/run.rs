//! Running as a program: the runtime, the log, and what signals mean.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Config, ConfigError};
use crate::error::ServerError;
use crate::serve::Server;

/// Serves until SIGTERM or SIGINT; SIGHUP reads certificates again. `started` is called once it listens.
///
/// # Errors
/// [`ServerError`] if it does not start.
pub fn run(config: Config, started: impl FnOnce(&Server)) -> Result<(), ServerError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("causebook-http")
        .build()
        .map_err(|source| ServerError::Listen {
            address: config.listen,
            source,
        })?;
    runtime.block_on(async {
        let address = config.listen;
        let failed = |source| ServerError::Listen { address, source };
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
        let server = Server::start(config).await?;
        tracing::info!(address = %server.address(), "listening");
        started(&server);
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => server.reload(),
            }
        }
        tracing::info!("stopping");
        server.stop().await;
        tracing::info!("stopped");
        Ok(())
    })
}

/// Starts the log on standard error, as text or as JSON.
///
/// # Errors
/// [`ConfigError`] for a form or a level that there is not.
pub fn start_log(format: &str, level: &str) -> Result<(), ConfigError> {
    let refused = |key: &str, value: &str, problem: &str| ConfigError {
        key: key.to_owned(),
        value: value.to_owned(),
        problem: problem.to_owned(),
    };
    let level: LevelFilter = level
        .parse()
        .map_err(|_| refused("log.level", level, "expected error, warn, info or debug"))?;
    // What the libraries below tell is told where it warns: the table's own log alone is kilobytes a line.
    let ours = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("causebook", level)
        .with_target("causebook_server", level);
    let registry = tracing_subscriber::registry().with(ours);
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    // A log that was started before, by whoever embeds the server, stays.
    let _ = match format {
        "text" => registry.with(layer.with_ansi(false)).try_init(),
        "json" => registry.with(layer.json()).try_init(),
        _ => return Err(refused("log.format", format, "expected text or json")),
    };
    Ok(())
}
