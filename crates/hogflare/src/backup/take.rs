//! Makes a backup.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use lake::CatalogCopy;
use rusqlite::backup::{Backup as DatabaseCopy, StepResult};
use rusqlite::{Connection, OpenFlags};
use server::backup::JournalFiles;

use super::copier::{Amount, Copier, names_below};
use super::folder::Backups;
use super::holder::Holder;
use super::manifest::{Cut, Journals, Manifest};
use super::{Backup, check};
use crate::config::{Config, State};
use crate::data_dir::DataDir;

/// How often a folder that changes is listed again.
const LISTINGS: usize = 10;
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// A backup that was made.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) backup: Backup,
    /// What was copied, the rest being linked.
    pub(crate) copied: Amount,
}

/// Copies the data folder into a new backup.
///
/// # Errors
/// When something cannot be copied. Earlier backups are as they were.
pub(crate) async fn take(config: &Config, into: &Path, is_checked: bool) -> anyhow::Result<Taken> {
    let data_dir = DataDir::existing(&config.data_dir)?;
    let backups = Backups::open(into, data_dir.path())?;
    let partial = backups.begin()?;
    let made = make(config, &data_dir, &backups, &partial, is_checked).await;
    if made.is_err() {
        // A disk that is full is not left so; what is left is cleared by the next backup.
        backups.clear().ok();
    }
    made
}

async fn make(
    config: &Config,
    data_dir: &DataDir,
    backups: &Backups,
    partial: &Path,
    is_checked: bool,
) -> anyhow::Result<Taken> {
    let previous = backups.newest()?;
    let mut copier = Copier::new(data_dir.path(), partial, previous, config.journal_reserve_bytes)?;
    // What does not change is copied before anything is held.
    copy_lake(&mut copier, None)?;
    copier.copy_folder("recordings", |name| name.ends_with(".zst"))?;
    journal::failpoint("backup-before-hold");

    let holder = Holder::take(data_dir).await?;
    copier.copy_folder("erasures", is_plain)?;
    copy_database(&mut copier, "settings.db")?;
    copy_database(&mut copier, "state.db")?;
    let mut missing = Vec::new();
    let lake = copy_lake(&mut copier, Some(&mut missing))?;
    copy_changing_folder(&mut copier, "cursors", is_of_a_copied_journal)?;
    copy_changing_folder(&mut copier, "dedup", |name| name.ends_with(".keys"))?;
    copy_changing_folder(&mut copier, "recordings", |name| name.ends_with(".zst"))?;
    copy_changing_folder(&mut copier, "dead-letters", is_letters)?;
    copy_changing_folder(&mut copier, "resend", is_plain)?;
    for name in ["quotas.json", "read-key", "admin-key"] {
        copier.copy(name)?;
    }
    holder.check()?;
    let now = holder.journals().await?;
    let made_at = event::Timestamp::now();
    let cuts = Journals {
        events: copy_journal(&mut copier, "journal", now.events)?,
        recordings: copy_journal(&mut copier, "recordings-journal", now.recordings)?,
    };
    // Of those that were asked for since, the journal that was just copied may have the record.
    copier.copy_folder("erasures", is_plain)?;
    holder.check()?;
    drop(holder);

    let copied = copier.copied();
    let manifest = Manifest {
        format_version: Manifest::FORMAT_VERSION,
        hogflare: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: made_at.to_string(),
        made_at_micros: made_at.as_micros(),
        data_dir: data_dir.path().display().to_string(),
        state: state_of(&config.state).to_owned(),
        journals: cuts,
        lake_event_rows: lake.event_rows,
        missing,
        files: std::mem::take(&mut copier.files),
    };
    manifest.store(partial)?;
    let mut backup = Backup { path: partial.to_path_buf(), manifest };
    if is_checked {
        check(&backup)?;
    }
    backup.path = backups.finish(partial)?;
    Ok(Taken { backup, copied })
}

const fn state_of(state: &State) -> &'static str {
    match state {
        State::Embedded => "embedded",
        State::Postgres(_) => "postgres",
        State::None => "none",
    }
}

/// Not what is about to be renamed.
fn is_plain(name: &str) -> bool {
    !matches!(name.rsplit('.').next(), Some("tmp" | "new" | "lock"))
}

/// The original goes on with what waits for a PostHog beside, whose journal is not copied.
fn is_of_a_copied_journal(name: &str) -> bool {
    is_plain(name) && !name.ends_with("posthog.json")
}

fn is_letters(name: &str) -> bool {
    is_plain(name) && !name.ends_with("/lock")
}

/// Copies the lake's catalog as it is now, and the files that it names.
///
/// Without a hold files may vanish; with one, those that a table lacks are noted.
fn copy_lake(
    copier: &mut Copier,
    missing: Option<&mut Vec<String>>,
) -> anyhow::Result<CatalogCopy> {
    let name = "lake/catalog.db";
    if missing.is_some() && copier.has(name) {
        copier.leave_out(name)?;
    }
    if !copy_database(copier, name)? {
        return Ok(CatalogCopy::default());
    }
    let catalog = copier.target(name)?;
    let copy = lake::files_of_copy(catalog.parent().unwrap_or(&catalog))?;
    let mut lacking = Vec::new();
    for file in &copy.files {
        if !copier.copy(&format!("lake/{file}"))? {
            lacking.push(format!("lake/{file}"));
        }
    }
    for file in &copy.past {
        copier.copy(&format!("lake/{file}"))?;
    }
    let Some(missing) = missing else { return Ok(copy) };
    missing.append(&mut lacking);
    // What the first pass copied and a merge has replaced since is in no table any more.
    let known: std::collections::HashSet<&str> =
        copy.files.iter().chain(&copy.past).map(String::as_str).collect();
    let strays: Vec<String> = copier
        .files
        .keys()
        .filter(|name| name.starts_with("lake/data/"))
        .filter(|name| !known.contains(name.strip_prefix("lake/").unwrap_or_default()))
        .cloned()
        .collect();
    strays.iter().try_for_each(|name| copier.leave_out(name))?;
    Ok(copy)
}

/// Copies a folder whose files are replaced and removed, until a listing of it is whole.
fn copy_changing_folder(
    copier: &mut Copier,
    folder: &str,
    is_wanted: fn(&str) -> bool,
) -> anyhow::Result<()> {
    for _ in 0..LISTINGS {
        let names: Vec<String> = names_below(copier.from(), folder)?.into_iter().collect();
        let wanted = || names.iter().filter(|name| is_wanted(name));
        let mut is_whole = true;
        for name in wanted() {
            is_whole &= copier.copy(name)?;
        }
        if is_whole {
            let prefix = format!("{folder}/");
            let copied = copier.files.keys().filter(|name| name.starts_with(&prefix));
            let gone: Vec<String> = copied.filter(|name| !names.contains(name)).cloned().collect();
            return gone.iter().try_for_each(|name| copier.leave_out(name));
        }
    }
    anyhow::bail!("{folder}/ changes all the time")
}

/// Copies a journal as far as it is durable.
fn copy_journal(
    copier: &mut Copier,
    folder: &str,
    files: Option<JournalFiles>,
) -> anyhow::Result<Option<Cut>> {
    let Some(JournalFiles { journal_id, end, segments }) = files else { return Ok(None) };
    for (segment, bytes) in segments {
        let name = format!("{folder}/{segment}");
        let is_there = copier.copy_up_to(&name, Some(bytes))?;
        anyhow::ensure!(is_there, "{name} went while it was to be copied");
    }
    Ok(Some(Cut { journal_id, end }))
}

/// Copies a database as it is at one moment; `false` where there is none. Whoever writes to it goes on.
fn copy_database(copier: &mut Copier, name: &str) -> anyhow::Result<bool> {
    let from = copier.from().join(name);
    if !from.try_exists()? {
        return Ok(false);
    }
    copier.ensure_room(from.metadata()?.len())?;
    let to = copier.target(name)?;
    copy_pages(&from, &to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    copier.take_in(name)?;
    Ok(true)
}

fn copy_pages(from: &Path, to: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    source.busy_timeout(BUSY_TIMEOUT)?;
    let mut target = Connection::open(to)?;
    {
        let copy = DatabaseCopy::new(&source, &mut target)?;
        // All at once: readers do not keep writers from a database with a write-ahead log, and a copy in
        // steps begins anew whenever somebody writes.
        while copy.step(-1)? != StepResult::Done {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    // One file, without others beside it; whoever opens it to write chooses again.
    target.query_row("PRAGMA journal_mode = DELETE", (), |_| Ok(()))?;
    target.close().map_err(|(_, error)| error)?;
    Ok(())
}
