//! Small files that are replaced as a whole: cursors, keys, sorted key files.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use super::{Fs, read_full_at, write_all_at};

/// Writes a file so that after a crash it has either the old contents or the new, never a part.
///
/// # Errors
/// When a step fails; the old contents are then still there, or the new ones already.
pub fn write_atomically(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_path(path);
    let written = write_synced(fs, &temporary, bytes).and_then(|()| fs.rename(&temporary, path));
    if let Err(error) = written {
        fs.remove(&temporary).ok();
        return Err(error);
    }
    fs.sync_dir(parent(path))
}

/// Reads a whole file; `None` where there is none.
///
/// # Errors
/// When the file exists and cannot be read.
pub fn read_file(fs: &dyn Fs, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match fs.open_read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    let read = read_full_at(&*file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// The name under which a file is written before it takes its own.
pub(crate) fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".tmp");
    path.with_file_name(name)
}

/// The directory of a file; `.` for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn write_synced(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = fs.create_new(path)?;
    write_all_at(&*file, &mut [IoSlice::new(bytes)], 0)?;
    file.sync_all()
}
