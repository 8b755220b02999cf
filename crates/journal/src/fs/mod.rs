//! The seam between the journal and the disk.
//!
//! Everything that the journal does to files goes through [`Fs`], so that tests can put a disk
//! under it that loses power, lies, or fills up.

mod atomic;
mod real;

use std::ffi::OsString;
use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::path::Path;

pub(crate) use self::atomic::{parent, temporary_path};
pub use self::atomic::{read_file, write_atomically};
pub use self::real::RealFs;

/// A file system, as far as durable files need one.
pub trait Fs: Send + Sync + Debug {
    /// Creates a file for reading and writing; it must not exist.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Opens an existing file for reading.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Opens an existing file for reading and writing.
    fn open_write(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Gives a file another name in the same directory, in place of whatever had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Lists the names in a directory, in no order.
    fn read_dir(&self, dir: &Path) -> io::Result<Vec<OsString>>;
    /// Creates a directory and its parents where they do not exist.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Returns the space of the volume that holds a directory.
    fn space(&self, dir: &Path) -> io::Result<Space>;
}

/// An open file.
pub trait File: Send + Sync + Debug {
    /// Writes at a position and returns how many bytes were written, maybe fewer than given.
    fn write_at(&self, buffers: &[IoSlice<'_>], position: u64) -> io::Result<usize>;
    /// Reads at a position and returns how many bytes were read, 0 at the end.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;
    /// Makes the file at least this long, with room on the disk already set apart.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// Returns the length of the file.
    fn size(&self) -> io::Result<u64>;
    /// Makes the contents durable, and what is needed to read them back.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes contents and all metadata durable.
    fn sync_all(&self) -> io::Result<()>;
}

/// The space of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What an ordinary user can still write.
    pub free_bytes: u64,
    /// The size of the volume.
    pub total_bytes: u64,
}

/// The most buffers that one call takes (`IOV_MAX` on Linux and macOS).
const MAX_BUFFERS: usize = 1024;

/// Writes all buffers, one after the other, however often the file takes only a part.
pub(crate) fn write_all_at(
    file: &dyn File,
    mut buffers: &mut [IoSlice<'_>],
    mut position: u64,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut buffers, 0);
    while !buffers.is_empty() {
        let count = buffers.len().min(MAX_BUFFERS);
        match file.write_at(buffers.get(..count).unwrap_or_default(), position) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                IoSlice::advance_slices(&mut buffers, written);
                position += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads until the buffer is full or the file ends, and returns how much was read.
pub(crate) fn read_full_at(file: &dyn File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, position + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
