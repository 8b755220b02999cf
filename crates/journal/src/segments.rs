//! The segments that a journal holds now, and who still needs them.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use crate::hold::Holds;
use crate::offset::Offset;
use crate::segment::{RECORDS_START, Segment};

/// A segment's file, as far as its rows are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// The file.
    pub path: PathBuf,
    /// How much of it, in bytes from the beginning.
    pub bytes: u64,
    /// The offset after its last row.
    pub end: Offset,
}

/// The segments, oldest first, and the holds on them; both change under one lock.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    list: VecDeque<Arc<Segment>>,
    /// Segments that hold nothing and whose files could not be removed yet.
    leftovers: Vec<Arc<Segment>>,
    pub(crate) holds: Holds,
}

impl Segments {
    pub(crate) fn new(segments: Vec<Segment>) -> Self {
        let list = segments.into_iter().map(Arc::new).collect();
        Self { list, ..Self::default() }
    }

    /// Returns the offset of the oldest row still held.
    pub(crate) fn first(&self) -> Offset {
        self.list.front().map_or(Offset::ZERO, |segment| segment.first())
    }

    pub(crate) fn last(&self) -> Option<&Arc<Segment>> {
        self.list.back()
    }

    /// Seals the last segment and puts a new one behind it.
    pub(crate) fn push(&mut self, segment: Arc<Segment>) {
        if let Some(last) = self.list.back() {
            last.seal();
        }
        if self.list.back().is_some_and(|last| last.is_empty()) {
            self.leftovers.extend(self.list.pop_back());
        }
        self.list.push_back(segment);
    }

    /// Says whether rows from `offset` on may have been trimmed.
    pub(crate) fn is_gone(&self, offset: Offset) -> bool {
        // Below the first segment there may be a gap in which no row ever was.
        self.list.front().is_some_and(|oldest| offset < oldest.header.previous_end)
    }

    /// Returns the segment in which reading from `offset` starts; `None` where it was trimmed.
    pub(crate) fn locate(&self, offset: Offset) -> Option<Arc<Segment>> {
        if self.is_gone(offset) {
            return None;
        }
        let after = self.list.partition_point(|segment| segment.first() <= offset);
        self.list.get(after.saturating_sub(1)).cloned()
    }

    /// Returns the segment after the one that begins at `first`.
    pub(crate) fn successor(&self, first: Offset) -> Option<Arc<Segment>> {
        self.list.get(self.list.partition_point(|segment| segment.first() <= first)).cloned()
    }

    /// Says whether a trim would find anything to remove.
    pub(crate) fn has_unneeded(&self) -> bool {
        !self.leftovers.is_empty() || self.is_oldest_unneeded()
    }

    /// Takes out the oldest segment if it is sealed and nobody needs it.
    pub(crate) fn pop_unneeded(&mut self) -> Option<Arc<Segment>> {
        if self.is_oldest_unneeded() { self.list.pop_front() } else { None }
    }

    fn is_oldest_unneeded(&self) -> bool {
        let Some(oldest) = self.list.front().map(|segment| segment.extent()) else { return false };
        let is_held = self.holds.floor().is_some_and(|floor| oldest.end > floor);
        self.list.len() > 1 && oldest.is_sealed && !is_held
    }

    /// Puts a segment back that could not be removed.
    pub(crate) fn restore(&mut self, segment: Arc<Segment>) {
        self.list.push_front(segment);
    }

    /// Returns the files, oldest first, as far as they are synced.
    pub(crate) fn files(&self) -> Vec<SegmentFile> {
        let file = |segment: &Arc<Segment>| {
            let extent = segment.extent();
            let bytes = extent.position.max(RECORDS_START);
            SegmentFile { path: segment.path.clone(), bytes, end: extent.end }
        };
        self.list.iter().map(file).collect()
    }

    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        self.leftovers.iter().map(|segment| segment.path.clone()).collect()
    }

    /// Forgets leftovers whose files are gone.
    pub(crate) fn forget_leftovers(&mut self, removed: &[PathBuf]) {
        self.leftovers.retain(|segment| !removed.contains(&segment.path));
    }

    /// Returns what all files take; counted anew each time, so that it cannot drift.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.list.iter().chain(&self.leftovers).map(|segment| segment.extent().disk_bytes).sum()
    }

    /// Returns how many bytes of records lie at or after `offset`.
    pub(crate) fn bytes_from(&self, offset: Offset) -> u64 {
        self.list.iter().map(|segment| segment.bytes_from(offset)).sum()
    }
}
