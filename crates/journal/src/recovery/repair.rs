//! What must be on disk before a recovered journal may be read from or written to.

use std::io::{self, IoSlice};
use std::path::Path;

use tracing::warn;

use super::{Recovered, Tail};
use crate::error::{Context, Error, IoError};
use crate::fs::{File, Fs, write_all_at};
use crate::record;
use crate::segment::{RECORDS_START, Segment};
use crate::window::Window;

/// How much of the tail is rewritten at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Makes durable what recovery found, and removes what it did not want.
///
/// Records that nothing proves to be synced are written again before they are synced: after a sync
/// that failed in an earlier process, the system may show pages that it will never write.
///
/// Returns the last segment's file where it is blank and can be written as it is.
pub(crate) fn repair(
    fs: &dyn Fs,
    dir: &Path,
    found: &Recovered,
) -> Result<Option<Box<dyn File>>, Error> {
    // This also makes the names durable that an earlier process gave and did not sync.
    remove_leftovers(fs, dir, &found.leftovers)?;
    let Some((last, sealed)) = found.segments.split_last() else { return Ok(None) };
    for segment in sealed {
        cut_sealed(fs, segment)?;
    }
    let file = fs.open_write(&last.path).context("open", &last.path)?;
    if last.is_empty() && found.tail.is_clean {
        // It may only look blank, because an earlier process cut it and was killed.
        file.sync_all().context("sync", &last.path)?;
        return Ok(Some(file));
    }
    rewrite_unproven(&*file, &found.tail).context("write", &last.path)?;
    cut_last(&*file, last, &found.tail)?;
    last.seal();
    Ok(None)
}

/// Removes files that hold nothing, before a trim could make them look like a hole.
pub(crate) fn remove_leftovers<P: AsRef<Path>>(
    fs: &dyn Fs,
    dir: &Path,
    leftovers: &[P],
) -> Result<(), IoError> {
    for path in leftovers.iter().map(AsRef::as_ref) {
        match fs.remove(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.context("remove", path)?,
        }
    }
    fs.sync_dir(dir).context("sync", dir)
}

fn rewrite_unproven(file: &dyn File, tail: &Tail) -> io::Result<()> {
    let mut window = Window::new(file, tail.end_position);
    let mut position = tail.unproven_position;
    while position < tail.end_position {
        let wanted = (tail.end_position - position).min(CHUNK_BYTES as u64);
        let bytes = window.at(position, usize::try_from(wanted).unwrap_or(CHUNK_BYTES))?;
        if bytes.is_empty() {
            // A file that ends in its last record's padding gets the rest of it when it is cut.
            if tail.end_position - position < record::ALIGNMENT {
                break;
            }
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write_all_at(file, &mut [IoSlice::new(bytes)], position)?;
        position += bytes.len() as u64;
    }
    Ok(())
}

/// Gives back what a sealed segment takes beyond its records, where a crash undid that.
fn cut_sealed(fs: &dyn Fs, segment: &Segment) -> Result<(), IoError> {
    let extent = segment.extent();
    // A closing record may stay.
    if extent.disk_bytes > extent.position + record::HEADER_BYTES as u64 {
        let file = fs.open_write(&segment.path).context("open", &segment.path)?;
        file.set_len(extent.position).context("cut", &segment.path)?;
        segment.set_disk_bytes(extent.position);
    }
    Ok(())
}

/// Cuts what stands behind the end, and syncs what stands before it.
fn cut_last(file: &dyn File, last: &Segment, tail: &Tail) -> Result<(), IoError> {
    if !tail.is_clean {
        warn!(
            segment.path = %last.path.display(),
            segment.position = tail.end_position,
            journal.offset = %tail.end,
            "cutting what was being written when the journal stopped; none of it was acknowledged"
        );
    }
    let bytes = tail.end_position.max(RECORDS_START);
    file.set_len(bytes).context("cut", &last.path)?;
    file.sync_all().context("sync", &last.path)?;
    last.set_disk_bytes(bytes);
    Ok(())
}
