//! `hogflare backup`: a copy of the data folder.

use std::path::Path;
use std::process::ExitCode;

use clap::ArgMatches;

use crate::backup::{self, Backups, Taken, megabytes};
use crate::config::{Config, Sources};
use crate::data_dir::DataDir;

/// Makes a backup, and says what is in it.
pub(crate) fn run(arguments: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(arguments)?)?;
    let into = Path::new(arguments.get_one::<String>("dir").map_or("", String::as_str));
    let is_checked = arguments.get_flag("verify");
    let runtime = super::small_runtime()?;
    let Taken { backup, copied } = runtime.block_on(backup::take(&config, into, is_checked))?;
    let manifest = &backup.manifest;
    println!("{}", backup.path.display());
    println!(
        "{} files, {}; {} of them copied, {}, the others linked to the backup before",
        manifest.files.len(),
        megabytes(manifest.bytes()),
        copied.files,
        megabytes(copied.bytes),
    );
    println!("everything that was acknowledged before {}", manifest.made_at);
    if manifest.state == "postgres" {
        println!("persons and settings are in PostgreSQL: back it up now, with pg_dump");
    }
    if let Some(keep) = arguments.get_one::<u32>("keep") {
        let data_dir = DataDir::existing(&config.data_dir)?;
        let removed = Backups::open(into, data_dir.path())?.keep(usize::try_from(*keep)?)?;
        println!("{removed} older backups removed");
    }
    for name in &manifest.missing {
        eprintln!("hogflare: {name} is missing in the data folder, and so in the backup");
    }
    match manifest.missing.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}
