//! Which segments there are, and whether they follow each other.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Context, Damage, Error, IoError};
use crate::fs::{File, Fs};
use crate::offset::{JournalId, Offset};
use crate::segment::{
    FORMAT_VERSION, HEADER_BYTES, Header, HeaderFault, Segment, SegmentName, segment_path,
};
use crate::window::{BLOCK_BYTES, Window, is_zero};

/// The files of a journal, told apart.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// The segments, oldest first, each with a valid header.
    pub(super) segments: Vec<Segment>,
    /// Files that provably hold nothing that was ever acknowledged.
    pub(super) leftovers: Vec<PathBuf>,
}

impl Inventory {
    /// The journal that the newest segment belongs to.
    pub(super) fn journal_id(&self) -> Option<JournalId> {
        self.segments.last().map(|segment| segment.header.journal_id)
    }
}

/// Lists the segments in `dir` and reads their headers.
pub(super) fn take(fs: &dyn Fs, dir: &Path) -> Result<Inventory, Error> {
    let mut inventory = Inventory::default();
    let mut firsts = list(fs, dir, &mut inventory.leftovers)?;
    firsts.sort_unstable();
    // From the newest to the oldest, since every segment says where the records before it end.
    let mut records_end = None;
    for first in firsts.into_iter().rev() {
        let path = segment_path(dir, first);
        // A segment that begins where the records before its successor end has none of its own.
        if records_end.is_some_and(|end| first >= end) {
            inventory.leftovers.push(path);
            continue;
        }
        let Some(segment) = read_header(fs, &path, records_end.is_none())? else {
            inventory.leftovers.push(path);
            continue;
        };
        check_place(&segment, first, inventory.journal_id())?;
        records_end = Some(segment.header.previous_end);
        inventory.segments.insert(0, segment);
    }
    Ok(inventory)
}

/// Looks at the headers of all segments in `dir`, and at nothing else: whether a later version of this
/// program wrote one.
///
/// # Errors
/// [`Error::NewerFormat`] where one did. What cannot be read is left to the opening of the journal.
pub fn check_format(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    for first in list(fs, dir, &mut Vec::new()).unwrap_or_default() {
        if let Err(error @ Error::NewerFormat { .. }) =
            read_header(fs, &segment_path(dir, first), false)
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Returns the first offsets of all segments by their names.
fn list(fs: &dyn Fs, dir: &Path, leftovers: &mut Vec<PathBuf>) -> Result<Vec<Offset>, IoError> {
    let mut firsts = Vec::new();
    for name in fs.read_dir(dir).context("list", dir)? {
        match SegmentName::parse(&name) {
            Some(SegmentName::Segment(first)) => firsts.push(first),
            Some(SegmentName::Unfinished) => leftovers.push(dir.join(name)),
            None => {}
        }
    }
    Ok(firsts)
}

/// Reads a segment's header; `None` where the newest file is blank and so was never used.
fn read_header(fs: &dyn Fs, path: &Path, is_newest: bool) -> Result<Option<Segment>, Error> {
    let file = fs.open_read(path).context("open", path)?;
    let size = file.size().context("examine", path)?;
    let mut window = Window::new(&*file, size.min(HEADER_BYTES as u64));
    match Header::decode(window.at(0, HEADER_BYTES).context("read", path)?) {
        Ok(header) => Ok(Some(Segment::empty(path.to_path_buf(), header, size))),
        Err(HeaderFault::NewerFormat(found)) => {
            Err(Error::NewerFormat { file: path.to_path_buf(), found, supported: FORMAT_VERSION })
        }
        Err(HeaderFault::Damaged)
            if is_newest && is_blank(&*file, size).context("read", path)? =>
        {
            Ok(None)
        }
        Err(HeaderFault::Damaged) => Err(damaged_header(path, Offset::ZERO)),
    }
}

fn check_place(segment: &Segment, first: Offset, id: Option<JournalId>) -> Result<(), Error> {
    let header = &segment.header;
    if header.first != first || header.previous_end > header.first {
        return Err(damaged_header(&segment.path, first));
    }
    match id {
        Some(expected) if expected != header.journal_id => {
            Err(Error::Mixed { file: segment.path.clone(), found: header.journal_id, expected })
        }
        _ => Ok(()),
    }
}

fn damaged_header(path: &Path, offset: Offset) -> Error {
    Error::Corrupt { file: path.to_path_buf(), position: 0, offset, damage: Damage::Header }
}

fn is_blank(file: &dyn File, size: u64) -> io::Result<bool> {
    let mut window = Window::new(file, size);
    for position in (0..size).step_by(BLOCK_BYTES) {
        if !is_zero(window.at(position, BLOCK_BYTES)?) {
            return Ok(false);
        }
    }
    Ok(true)
}
