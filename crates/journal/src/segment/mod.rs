//! One segment file of the journal, as writer, readers and retention share it.

mod format;
mod name;
mod store;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use self::format::{FORMAT_VERSION, HEADER_BYTES, Header, HeaderFault, RECORDS_START};
pub(crate) use self::name::{SegmentName, segment_path};
pub(crate) use self::store::create;
use crate::offset::Offset;

/// The distance in bytes between two marks: what a reader skips over at most when it starts.
const MARK_DISTANCE_BYTES: u64 = 256 << 10;

/// A segment and how far it is filled.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    filled: Mutex<Filled>,
}

/// How far a segment is filled with synced records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The offset after the last synced row.
    pub(crate) end: Offset,
    /// The position after the last synced record.
    pub(crate) position: u64,
    /// What the file takes on disk.
    pub(crate) disk_bytes: u64,
    /// Whether nothing will be added any more.
    pub(crate) is_sealed: bool,
}

/// The place of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) offset: Offset,
    pub(crate) position: u64,
}

#[derive(Debug)]
struct Filled {
    extent: Extent,
    /// Places of some records, in order, so that any offset is found quickly.
    marks: Vec<Mark>,
}

impl Segment {
    /// Makes a segment without records.
    pub(crate) fn empty(path: PathBuf, header: Header, disk_bytes: u64) -> Self {
        let extent =
            Extent { end: header.first, position: RECORDS_START, disk_bytes, is_sealed: false };
        let marks = vec![Mark { offset: header.first, position: RECORDS_START }];
        Self { path, header, filled: Mutex::new(Filled { extent, marks }) }
    }

    pub(crate) fn first(&self) -> Offset {
        self.header.first
    }

    pub(crate) fn extent(&self) -> Extent {
        self.filled().extent
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.extent().end == self.first()
    }

    /// Takes in synced records that begin at the present end.
    pub(crate) fn extend(&self, end: Offset, position: u64) {
        let mut filled = self.filled();
        let start = Mark { offset: filled.extent.end, position: filled.extent.position };
        let last = filled.marks.last().map_or(0, |mark| mark.position);
        if start.position >= last + MARK_DISTANCE_BYTES {
            filled.marks.push(start);
        }
        filled.extent.end = end;
        filled.extent.position = position;
    }

    pub(crate) fn set_disk_bytes(&self, bytes: u64) {
        self.filled().extent.disk_bytes = bytes;
    }

    pub(crate) fn seal(&self) {
        self.filled().extent.is_sealed = true;
    }

    /// Returns the last marked record that begins at or before `offset`.
    pub(crate) fn mark_before(&self, offset: Offset) -> Mark {
        let filled = self.filled();
        let after = filled.marks.partition_point(|mark| mark.offset <= offset);
        let start = Mark { offset: self.first(), position: RECORDS_START };
        filled.marks.get(after.saturating_sub(1)).copied().unwrap_or(start)
    }

    /// Returns how many bytes of records lie at or after `offset`, to the precision of the marks.
    pub(crate) fn bytes_from(&self, offset: Offset) -> u64 {
        let extent = self.extent();
        if offset >= extent.end {
            return 0;
        }
        extent.position.saturating_sub(self.mark_before(offset).position)
    }

    fn filled(&self) -> MutexGuard<'_, Filled> {
        self.filled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
