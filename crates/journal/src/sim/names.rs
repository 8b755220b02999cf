//! The names of files and directories: as processes see them, and as they are on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::random::Random;
use crate::fs::parent;

/// The number of an inode.
pub(super) type InodeNumber = usize;

#[derive(Clone, Debug, Default)]
struct Names {
    files: BTreeMap<PathBuf, InodeNumber>,
    dirs: BTreeSet<PathBuf>,
}

/// All directories.
#[derive(Debug, Default)]
pub(super) struct Directories {
    seen: Names,
    disk: Names,
    /// Changes that are seen and not on the disk, in order.
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Link(PathBuf, InodeNumber),
    Rename(PathBuf, PathBuf, InodeNumber),
    Unlink(PathBuf),
    MakeDir(PathBuf),
}

impl Directories {
    pub(super) fn find(&self, path: &Path) -> io::Result<InodeNumber> {
        self.seen.files.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Returns every inode that has a name.
    pub(super) fn inodes(&self) -> impl Iterator<Item = InodeNumber> {
        self.seen.files.values().copied()
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        if !self.seen.has_dir(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = self.seen.files.keys().filter(|path| parent(path) == dir);
        Ok(inside.filter_map(|path| path.file_name()).map(OsString::from).collect())
    }

    pub(super) fn link(&mut self, path: &Path, inode: InodeNumber) -> io::Result<()> {
        if !self.seen.has_dir(parent(path)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if self.seen.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.change(Change::Link(path.to_path_buf(), inode));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.find(from)?;
        self.change(Change::Rename(from.to_path_buf(), to.to_path_buf(), inode));
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.find(path)?;
        self.change(Change::Unlink(path.to_path_buf()));
        Ok(())
    }

    pub(super) fn create_dir_all(&mut self, dir: &Path) {
        let missing: Vec<_> =
            dir.ancestors().filter(|dir| !self.seen.has_dir(dir)).map(PathBuf::from).collect();
        for dir in missing.into_iter().rev() {
            self.change(Change::MakeDir(dir));
        }
    }

    /// Puts every change in one directory on the disk.
    pub(super) fn sync(&mut self, dir: &Path) {
        let pending = std::mem::take(&mut self.pending);
        let (inside, others) = pending.into_iter().partition(|change| change.dir() == dir);
        self.pending = others;
        let inside: Vec<Change> = inside;
        inside.into_iter().for_each(|change| self.disk.apply(change));
    }

    /// Leaves the names on the disk, and of the changes whatever chance decides.
    pub(super) fn lose_power(&mut self, random: &mut Random) {
        for change in std::mem::take(&mut self.pending) {
            if random.one_in(2) {
                self.disk.apply(change);
            }
        }
        self.disk.forget_unreachable();
        self.seen = self.disk.clone();
    }

    fn change(&mut self, change: Change) {
        self.seen.apply(change.clone());
        self.pending.push(change);
    }
}

impl Names {
    fn has_dir(&self, dir: &Path) -> bool {
        is_root(dir) || self.dirs.contains(dir)
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Link(path, inode) => {
                self.files.insert(path, inode);
            }
            Change::Rename(from, to, inode) => {
                self.files.remove(&from);
                self.files.insert(to, inode);
            }
            Change::Unlink(path) => {
                self.files.remove(&path);
            }
            Change::MakeDir(dir) => {
                self.dirs.insert(dir);
            }
        }
    }

    /// Forgets what stands in directories that are not there.
    fn forget_unreachable(&mut self) {
        let all = self.dirs.clone();
        let is_there = |dir: &Path| dir.ancestors().all(|dir| is_root(dir) || all.contains(dir));
        self.dirs.retain(|dir| is_there(dir));
        self.files.retain(|path, _| is_there(parent(path)));
    }
}

impl Change {
    /// The directory whose sync makes the change durable.
    fn dir(&self) -> &Path {
        match self {
            Self::Link(path, _)
            | Self::Rename(_, path, _)
            | Self::Unlink(path)
            | Self::MakeDir(path) => parent(path),
        }
    }
}

fn is_root(dir: &Path) -> bool {
    dir.parent().is_none() || dir == Path::new(".")
}
