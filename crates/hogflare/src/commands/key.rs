//! `hogflare key show`.

use std::process::ExitCode;

use clap::ArgMatches;

use crate::config::{Config, Sources};
use crate::data_dir::DataDir;

/// Prints the key that readers show, or administrators.
pub(crate) fn show(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(flags)?)?;
    let is_admin = flags.get_flag("admin");
    let given = if is_admin { config.admin_key } else { config.read_key };
    let key = match given {
        Some(key) => key.0,
        None if is_admin => DataDir::existing(&config.data_dir)?.admin_key()?,
        None => DataDir::existing(&config.data_dir)?.read_key()?,
    };
    println!("{key}");
    Ok(ExitCode::SUCCESS)
}
