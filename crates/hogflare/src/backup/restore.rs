//! Checks a backup, and puts it back.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use event::Timestamp;
use journal::{Cursor, JournalId, Offset, RealFs};
use sink::CursorFile;

use super::copier::{
    Progress, cannot, copy_synced, create_dir, digest, sync_folders, write_synced,
};
use super::manifest::Cut;
use super::{Backup, DATA};
use crate::data_dir::RESTORING;

/// Rows that the journal skips at least.
const SKIPPED_ROWS: u64 = 1 << 32;

/// Reads every file of a backup, and compares it with the manifest.
///
/// # Errors
/// When one is missing or not what it was.
pub(crate) fn check(backup: &Backup) -> anyhow::Result<()> {
    let mut progress = Progress::default();
    for (name, file) in &backup.manifest.files {
        let path = path_of(backup, name)?;
        let found = digest(&path, &mut progress)?;
        compare(&path, found.bytes == file.bytes && found.sha256 == file.sha256)?;
    }
    Ok(())
}

/// Puts a backup into a folder that is empty or absent, and makes it durable.
///
/// # Errors
/// When the folder has something in it, a file is not what it was, or the disk does not take it. The folder is
/// as empty as before then.
pub(crate) fn restore(backup: &Backup, into: &Path) -> anyhow::Result<()> {
    let is_new = !into.try_exists().with_context(|| cannot("find", into))?;
    create_dir(into)?;
    let into = into.canonicalize().with_context(|| cannot("find", into))?;
    if fs::read_dir(&into)?.next().is_some() {
        bail!("{} is not empty; restore into a new folder, and move this one away", into.display());
    }
    if into.starts_with(backup.path.canonicalize()?) {
        bail!("{} lies in the backup", into.display());
    }
    let done = put_back(backup, &into);
    if done.is_err() {
        empty(&into).ok();
        if is_new {
            fs::remove_dir(&into).ok();
        }
    }
    done
}

fn put_back(backup: &Backup, into: &Path) -> anyhow::Result<()> {
    // Until it is gone, no program takes the folder for whole.
    let mark = into.join(RESTORING);
    write_synced(&mark, b"")?;
    sync_folders(into)?;
    let mut progress = Progress::default();
    for (name, file) in &backup.manifest.files {
        let (from, to) = (path_of(backup, name)?, into.join(name));
        create_dir(to.parent().unwrap_or(into))?;
        let mut source = File::open(&from).with_context(|| cannot("open", &from))?;
        let copied = copy_synced(&mut source, &to, &mut progress)
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        compare(&from, copied.bytes == file.bytes && copied.sha256 == file.sha256)?;
    }
    if let Some(cut) = &backup.manifest.journals.events {
        skip_rows(cut, backup.manifest.made_at_micros, &into.join("cursors"))?;
    }
    if let Some(cut) = &backup.manifest.journals.recordings {
        let begin = behind_the_original(cut, backup.manifest.made_at_micros)?;
        store(begin, into.join("cursors/recordings-restored.json"))?;
    }
    sync_folders(into)?;
    journal::failpoint("restore-before-end");
    fs::remove_file(&mark).with_context(|| cannot("remove", &mark))?;
    File::open(into)?.sync_all().with_context(|| cannot("sync", into))
}

/// Has the journal go on behind every row that the original may have written since the backup, and that
/// others know: by a row a microsecond, and some. So a row that comes now never gets the place of one
/// that a catalog has already.
///
/// Rows that the backup's journal has keep their places: what a catalog has of them it is not given again.
fn skip_rows(cut: &Cut, made_at_micros: i64, cursors: &Path) -> anyhow::Result<()> {
    let begin = behind_the_original(cut, made_at_micros)?;
    // The next start of the journal goes on above every cursor.
    store(begin, cursors.join("restored.json"))?;
    // How far catalogs may have been written to, with the original.
    for entry in fs::read_dir(cursors)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("catalog-") && name.ends_with("-intended.json") {
            let known = CursorFile::new(Arc::new(RealFs), path.clone()).load();
            if known.ok().flatten().is_some_and(|known| known.journal_id == begin.journal_id) {
                store(begin, path)?;
            }
        }
    }
    Ok(())
}

/// Where a journal goes on.
fn behind_the_original(cut: &Cut, made_at_micros: i64) -> anyhow::Result<Cursor> {
    let journal_id: JournalId = cut.journal_id.parse()?;
    let since = Timestamp::now().as_micros().saturating_sub(made_at_micros);
    let skipped = SKIPPED_ROWS + u64::try_from(since).unwrap_or_default();
    Ok(Cursor { journal_id, offset: Offset::new(cut.end).advanced(skipped) })
}

fn store(cursor: Cursor, path: PathBuf) -> anyhow::Result<()> {
    path.parent().map_or(Ok(()), create_dir)?;
    CursorFile::new(Arc::new(RealFs), path.clone())
        .store(cursor)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(|| cannot("write", &path))
}

/// Where a file of the backup is. A manifest must not lead elsewhere.
fn path_of(backup: &Backup, name: &str) -> anyhow::Result<PathBuf> {
    use std::path::Component;
    let is_below = |part: Component<'_>| matches!(part, Component::Normal(_));
    anyhow::ensure!(Path::new(name).components().all(is_below), "{name:?} is no file of a backup");
    Ok(backup.path.join(DATA).join(name))
}

fn compare(path: &Path, is_same: bool) -> anyhow::Result<()> {
    match is_same {
        true => Ok(()),
        false => bail!(
            "{} is damaged: it does not have the bytes that were backed up; take another backup",
            path.display()
        ),
    }
}

/// Removes all that is in a folder, which is all of our making.
fn empty(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.or_else(|error| match error.kind() {
            ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
    }
    Ok(())
}
