//! Logs, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, Sources};

/// Starts logging as the settings say.
pub(crate) fn start(sources: &Sources) -> Result<(), ConfigError> {
    let wrong = |name: &str, expected: &str| ConfigError {
        name: name.into(),
        value: sources.get(name).map(str::to_owned),
        expected: expected.into(),
    };
    let filter = sources.get("HOGFLARE_LOG").unwrap_or("info");
    let filter = EnvFilter::try_new(filter)
        .map_err(|_| wrong("HOGFLARE_LOG", "levels such as info or warn,hogflare_sink=debug"))?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    match sources.get("HOGFLARE_LOG_FORMAT") {
        Some("json") => logs.json().init(),
        Some("text") => logs.init(),
        _ => return Err(wrong("HOGFLARE_LOG_FORMAT", "text or json")),
    }
    Ok(())
}
