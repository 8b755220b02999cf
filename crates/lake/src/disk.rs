//! File operations that have happened when they return.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::Error;

/// Makes creations, renames and removals in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|source| Error::io("sync", dir, source))
}

/// Creates a directory and its parents where they are missing, each synced into its parent.
pub(crate) fn create_dir(dir: &Path) -> Result<(), Error> {
    match fs::create_dir(dir) {
        Ok(()) => dir.parent().map_or(Ok(()), |parent| sync_dir(parent_or_here(parent))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = dir.parent().ok_or_else(|| Error::io("create", dir, error))?;
            create_dir(parent)?;
            create_dir(dir)
        }
        Err(error) => Err(Error::io("create", dir, error)),
    }
}

/// The parent of a relative name of one part is the empty path.
fn parent_or_here(parent: &Path) -> &Path {
    match parent.as_os_str().is_empty() {
        true => Path::new("."),
        false => parent,
    }
}

/// Replaces a file's contents: after a crash it has the old ones or the new ones.
pub(crate) fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let temporary = path.with_added_extension("tmp");
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(contents).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|source| Error::io("write", path, source))?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Removes a file unless it is gone already.
pub(crate) fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}
