//! `hogflare key show`.

use std::process::ExitCode;

use clap::ArgMatches;

use crate::config::{Config, Sources};
use crate::data_dir::DataDir;

/// Prints the key that readers show.
pub(crate) fn show(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(flags)?)?;
    let key = match config.read_key {
        Some(key) => key.0,
        None => DataDir::existing(&config.data_dir)?.read_key()?,
    };
    println!("{key}");
    Ok(ExitCode::SUCCESS)
}
