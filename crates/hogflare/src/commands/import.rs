//! `hogflare import`: history from elsewhere, brought to a server that runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ArgMatches;
use event::Timestamp;
use import::{FilesOptions, Mapping, Options, Outcome, PostHogOptions, Target, TimeReader};

use crate::config::{Config, Sources};
use crate::data_dir::DataDir;

/// Brings what is in files.
pub(crate) fn files(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let many = |name: &str| flags.get_many::<String>(name).into_iter().flatten();
    let times = TimeReader::new(text(flags, "time-zone"), text(flags, "time-format"));
    let files = FilesOptions {
        paths: many("path").cloned().collect(),
        mapping: Mapping::new(many("map").map(String::as_str))?,
        times: times.context("--time-zone")?,
        delimiter: text(flags, "delimiter").map(delimiter).transpose()?,
    };
    let options = options(flags)?;
    told(super::small_runtime()?.block_on(import::import_files(files, options))?)
}

/// Brings what a project of PostHog has.
pub(crate) fn posthog(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let options = options(flags)?;
    let project_id = flags.get_one("project-id").copied().unwrap_or_default();
    let given = |name: &str| text(flags, name).unwrap_or_default();
    let to = text(flags, "to").map(|to| moment("to", to)).transpose()?;
    let posthog = PostHogOptions {
        host: given("host").to_owned(),
        project_id,
        personal_api_key: given("personal-api-key").to_owned(),
        from: moment("from", given("from"))?,
        to: to.unwrap_or_else(Timestamp::now),
        rows_per_query: flags
            .get_one::<u32>("rows-per-query")
            .map_or(10_000, |rows| *rows as usize),
        flags: options.state.with_file_name(format!("feature-flags-{project_id}.json")),
    };
    told(super::small_runtime()?.block_on(import::import_posthog(posthog, options))?)
}

fn told(outcome: Outcome) -> anyhow::Result<ExitCode> {
    super::sql::write(outcome.text.as_bytes())?;
    Ok(match outcome.is_whole {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn text<'a>(flags: &'a ArgMatches, name: &str) -> Option<&'a str> {
    flags.get_one::<String>(name).map(String::as_str)
}

fn moment(name: &str, said: &str) -> anyhow::Result<Timestamp> {
    let read = TimeReader::default().read(said);
    read.with_context(|| {
        format!("--{name} {said}: expected a time, such as 2024-01-01 or 2024-01-01T12:00:00Z")
    })
}

fn delimiter(said: &str) -> anyhow::Result<u8> {
    match said.as_bytes() {
        [one] => Ok(*one),
        b"\\t" => Ok(b'\t'),
        _ => bail!("--delimiter {said}: expected one character"),
    }
}

fn options(flags: &ArgMatches) -> anyhow::Result<Options> {
    let config = Config::parse(&Sources::collect(flags)?)?;
    let token = match (text(flags, "token"), &config.api_key) {
        (Some(token), _) => token.to_owned(),
        (None, Some(token)) => token.as_str().to_owned(),
        (None, None) => bail!("whose events are they? Say --token, or set POSTHOG_API_KEY"),
    };
    let is_dry_run = flags.get_flag("dry-run");
    let (target, ledger) = match text(flags, "server") {
        Some(url) => {
            let Some(key) = text(flags, "server-key") else {
                bail!("--server needs a key: say --server-key, or set HOGFLARE_SERVER_KEY")
            };
            (Target::host(url, key)?, PathBuf::from("hogflare-import.db"))
        }
        None => local(&config.data_dir, is_dry_run)?,
    };
    let state = text(flags, "ledger").map_or(ledger, PathBuf::from);
    let rejects = text(flags, "rejects")
        .map_or_else(|| state.with_extension("rejects.ndjson"), PathBuf::from);
    Ok(Options {
        target,
        token,
        state,
        rejects,
        most_errors: flags.get_one("max-errors").copied().unwrap_or(1_000),
        events_per_second: flags.get_one("events-per-second").copied(),
        keeps_persons: flags.get_flag("keep-persons"),
        is_dry_run,
        patience: flags.get_one("give-up-after").copied().unwrap_or(Duration::from_secs(600)),
    })
}

/// The server of a data folder, which has to run.
fn local(data_dir: &Path, is_dry_run: bool) -> anyhow::Result<(Target, PathBuf)> {
    let data_dir = DataDir::existing(data_dir)?;
    if !is_dry_run && data_dir.try_share()?.is_some() {
        bail!("the server is not running, and it is what takes events: start it first");
    }
    Ok((Target::Local(data_dir.socket()), data_dir.path().join("imports").join("ledger.db")))
}
