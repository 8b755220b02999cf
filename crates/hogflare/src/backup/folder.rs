//! The folder of backups.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};

use super::Manifest;
use super::copier::{cannot, create_dir, sync_folders};

/// What is not finished, or not there any more for anybody else.
const PARTIAL: &str = "partial";

/// A finished backup.
#[derive(Clone, Debug)]
pub(crate) struct Backup {
    pub(crate) path: PathBuf,
    pub(crate) manifest: Manifest,
}

impl Backup {
    /// Opens one.
    ///
    /// # Errors
    /// When it is none, or its manifest is damaged.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { manifest: Manifest::load(path)?, path: path.to_path_buf() })
    }

    /// Finds the backup that is meant: this folder, or the newest in it.
    ///
    /// # Errors
    /// When there is none, or the newest is damaged.
    pub(crate) fn find(path: &Path) -> anyhow::Result<Self> {
        if path.join("manifest.json").exists() {
            return Self::open(path);
        }
        let newest = finished(path)?.pop();
        Self::open(&newest.with_context(|| format!("no backup in {}", path.display()))?)
    }
}

/// The folder, taken by this process.
#[derive(Debug)]
pub(crate) struct Backups {
    path: PathBuf,
    _lock: File,
}

impl Backups {
    /// Takes the folder, makes it where it is absent, and clears what was cut short.
    ///
    /// # Errors
    /// When it cannot be used, lies in the data folder, or another backup is being made in it.
    pub(crate) fn open(path: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        create_dir(path)?;
        let path = path.canonicalize().with_context(|| cannot("find", path))?;
        if path.starts_with(data_dir) {
            bail!(
                "{} lies in the data folder; choose another place, best another disk",
                path.display()
            );
        }
        let name = path.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&name);
        let lock = lock.with_context(|| cannot("open", &name))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                bail!("another backup is made in {}", path.display())
            }
            Err(error) => return Err(error).with_context(|| cannot("lock", &name)),
        }
        let backups = Self { path, _lock: lock };
        backups.clear()?;
        Ok(backups)
    }

    /// The newest backup; one whose manifest is damaged is as good as none.
    pub(crate) fn newest(&self) -> anyhow::Result<Option<Backup>> {
        let newest = finished(&self.path)?.pop();
        Ok(newest.and_then(|path| {
            let opened = Backup::open(&path);
            opened.inspect_err(|error| eprintln!("hogflare: {error:#}; all files are copied")).ok()
        }))
    }

    /// Makes the folder of a backup that is not finished.
    pub(crate) fn begin(&self) -> anyhow::Result<PathBuf> {
        let name = event::Timestamp::now().to_string().replace(':', "-");
        let path = self.path.join(format!("{name}.{PARTIAL}"));
        create_dir(&path)?;
        Ok(path)
    }

    /// Makes all of it durable, and then gives it its name.
    pub(crate) fn finish(&self, partial: &Path) -> anyhow::Result<PathBuf> {
        sync_folders(partial)?;
        journal::failpoint("backup-before-rename");
        let name = partial.with_extension("");
        fs::rename(partial, &name).with_context(|| cannot("rename", partial))?;
        File::open(&self.path)?.sync_all().with_context(|| cannot("sync", &self.path))?;
        Ok(name)
    }

    /// Removes all but the newest so many; returns how many went.
    pub(crate) fn keep(&self, newest: usize) -> anyhow::Result<usize> {
        let all = finished(&self.path)?;
        let old = all.len().saturating_sub(newest);
        for path in all.iter().take(old) {
            // Nobody must take half of it for a backup.
            let aside = PathBuf::from(format!("{}.{PARTIAL}", path.display()));
            fs::rename(path, &aside).with_context(|| cannot("rename", path))?;
            fs::remove_dir_all(&aside).with_context(|| cannot("remove", &aside))?;
        }
        Ok(old)
    }

    /// Removes what was cut short.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        for path in folders(&self.path)? {
            if path.extension().is_some_and(|extension| extension == PARTIAL) {
                fs::remove_dir_all(&path).with_context(|| cannot("remove", &path))?;
            }
        }
        Ok(())
    }
}

/// Finished backups, the oldest first: names are times.
fn finished(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = folders(path)?;
    all.retain(|path| {
        let is_partial = path.extension().is_some_and(|extension| extension == PARTIAL);
        !is_partial && path.join("manifest.json").exists()
    });
    all.sort();
    Ok(all)
}

fn folders(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path).with_context(|| cannot("read", path))? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    Ok(folders)
}
