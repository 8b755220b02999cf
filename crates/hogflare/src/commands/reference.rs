//! `hogflare config`.

use std::process::ExitCode;

use crate::config;

/// Prints the reference of all settings.
pub(crate) fn print() -> anyhow::Result<ExitCode> {
    print!("{}", config::reference());
    Ok(ExitCode::SUCCESS)
}
