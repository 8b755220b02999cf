//! `hogflare restore`: a backup becomes a data folder.

use std::path::Path;
use std::process::ExitCode;

use clap::ArgMatches;

use crate::backup::{self, Backup, megabytes};
use crate::config::{Config, Sources};

/// Puts a backup into an empty folder, or only checks it.
pub(crate) fn run(arguments: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(arguments)?)?;
    let from = Path::new(arguments.get_one::<String>("dir").map_or("", String::as_str));
    let backup = Backup::find(from)?;
    let manifest = &backup.manifest;
    let what = format!(
        "{} files, {}, made by {} at {} from {}",
        manifest.files.len(),
        megabytes(manifest.bytes()),
        manifest.hogflare,
        manifest.made_at,
        manifest.data_dir,
    );
    for name in &manifest.missing {
        eprintln!("hogflare: {name} is not in the backup: it was missing when that was made");
    }
    if arguments.get_flag("check") {
        backup::check(&backup)?;
        println!("{} is whole: {what}", backup.path.display());
        return Ok(ExitCode::SUCCESS);
    }
    backup::restore(&backup, &config.data_dir)?;
    println!("{} is restored to {}: {what}", backup.path.display(), config.data_dir.display());
    println!("it has everything that was acknowledged before, and nothing that came later");
    if manifest.state == "postgres" {
        println!(
            "persons and settings are in PostgreSQL: restore it, too, before the server starts"
        );
    }
    println!("start the server; `hogflare lake verify` looks whether the lake is whole");
    Ok(ExitCode::SUCCESS)
}
