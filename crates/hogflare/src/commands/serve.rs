//! `hogflare serve`.

use std::process::ExitCode;

use clap::ArgMatches;

use crate::config::{Config, Sources};
use crate::{logging, service};

/// Serves until it is told to stop.
pub(crate) fn run(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let sources = Sources::collect(flags)?;
    let config = Config::parse(&sources)?;
    logging::start(&sources)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(service::run(config))?;
    Ok(ExitCode::SUCCESS)
}
