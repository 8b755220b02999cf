//! `hogflare serve`.

use std::process::ExitCode;

use clap::ArgMatches;

use crate::config::{Config, Sources};
use crate::{logging, service};

/// Statements are parsed on the server's threads, and long ones are deep trees.
const STACK_BYTES: usize = 8 << 20;

/// Serves until it is told to stop.
pub(crate) fn run(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let sources = Sources::collect(flags)?;
    let config = Config::parse(&sources)?;
    logging::start(&sources)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()?;
    runtime.block_on(service::run(config))?;
    Ok(ExitCode::SUCCESS)
}
