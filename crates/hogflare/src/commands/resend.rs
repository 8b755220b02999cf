//! `hogflare resend`: rows that a pipeline had refused and requests that PostHog had, or all rows of a range of
//! time, once more.

mod ledger;
mod range;

use std::process::ExitCode;

use anyhow::bail;
use clap::ArgMatches;

use crate::config::{Config, Sources};
use crate::data_dir::DataDir;
use crate::dead_letters::{self, Addressees};

/// Sends every dead letter again, or every row of a range, or says what is there.
pub(crate) fn run(arguments: &ArgMatches) -> anyhow::Result<ExitCode> {
    match arguments.contains_id("from") {
        true => range::run(arguments),
        false => letters(arguments),
    }
}

fn letters(arguments: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(arguments)?)?;
    let data_dir = DataDir::existing(&config.data_dir)?;
    let letters = dead_letters::by_reason(&data_dir)?;
    if letters.is_empty() {
        println!("no dead letters");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.get_flag("dry-run") {
        for ((sink, reason), rows) in &letters {
            println!("{rows:>8}  {sink}: {reason}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some(addressees) = Addressees::of(&config) else {
        bail!(
            "neither CLOUDFLARE_PIPELINE_ENDPOINT nor HOGFLARE_TEE is set; run this with the server's settings"
        )
    };
    let rows_per_second = *arguments.get_one::<u32>("rows-per-second").unwrap_or(&1_000);
    let sending = dead_letters::resend(&addressees, &data_dir, rows_per_second);
    let outcome = super::small_runtime()?.block_on(sending)?;
    outcome.troubles.iter().for_each(|trouble| eprintln!("hogflare: {trouble}"));
    println!("{} rows taken, {} refused again", outcome.taken, outcome.refused);
    match outcome.is_everything_sent() {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}
