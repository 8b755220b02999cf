//! `hogflare user link`.

use std::process::ExitCode;

use clap::ArgMatches;
use event::Timestamp;
use state::{By, Email};

use crate::config::{Config, Sources};
use crate::data_dir::DataDir;
use crate::service;

/// Prints a link by which a user chooses another password. Whoever may read the data folder may do
/// anything, so nothing more is asked; the server may run meanwhile.
pub(crate) fn link(arguments: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(arguments)?)?;
    let data_dir = DataDir::existing(&config.data_dir)?;
    let email = arguments.get_one::<String>("email").map(String::as_str).unwrap_or_default();
    let email: Email = email.parse().map_err(state::Error::from)?;
    let store = service::access::open(&config, &data_dir)?;
    let link = store.new_link_for(&email, &By::program(Timestamp::now()))?;
    let host = config.public_url.as_ref().map(ToString::to_string).unwrap_or_default();
    println!("{host}/setup?token={}", link.secret.reveal());
    Ok(ExitCode::SUCCESS)
}
