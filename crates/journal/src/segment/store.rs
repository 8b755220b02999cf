//! Bringing a segment into being.

use std::io::IoSlice;
use std::path::Path;

use super::{Header, RECORDS_START, Segment, segment_path};
use crate::error::{Context, IoError};
use crate::fs::{File, Fs, temporary_path, write_all_at};

/// Creates a segment that holds a header and has no room for records yet.
///
/// The file takes its name only after the header is durable, and is used only after the name is.
/// So a segment with a name always had a readable header, and one that failed on the way is found
/// as `.tmp` or replaced by the next attempt.
pub(crate) fn create(
    fs: &dyn Fs,
    dir: &Path,
    header: Header,
) -> Result<(Segment, Box<dyn File>), IoError> {
    let path = segment_path(dir, header.first);
    let temporary = temporary_path(&path);
    let file = match write_header(fs, &temporary, &header) {
        Ok(file) => file,
        Err(error) => {
            fs.remove(&temporary).ok();
            return Err(error);
        }
    };
    fs.rename(&temporary, &path).context("rename", &temporary)?;
    fs.sync_dir(dir).context("sync", dir)?;
    Ok((Segment::empty(path, header, RECORDS_START), file))
}

fn write_header(fs: &dyn Fs, path: &Path, header: &Header) -> Result<Box<dyn File>, IoError> {
    // An earlier attempt may have left its file; removing what is not there is no failure.
    fs.remove(path).ok();
    let file = fs.create_new(path).context("create", path)?;
    let mut block = [0; RECORDS_START as usize];
    let encoded = header.encode();
    block[..encoded.len()].copy_from_slice(&encoded);
    write_all_at(&*file, &mut [IoSlice::new(&block)], 0).context("write", path)?;
    file.sync_all().context("sync", path)?;
    Ok(file)
}
