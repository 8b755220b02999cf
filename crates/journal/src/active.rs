//! The segment that is being written.

use std::io::IoSlice;
use std::sync::Arc;

use tracing::warn;

use crate::encode::Start;
use crate::error::{Context, IoError};
use crate::fs::{File, write_all_at};
use crate::metrics::WriterMetrics;
use crate::offset::Offset;
use crate::record::HEADER_BYTES;
use crate::segment::{RECORDS_START, Segment};

/// Segments grow by whole pages.
const PAGE_BYTES: u64 = 4096;

/// What is kept free at the end of every segment, for the closing record.
const CLOSING_BYTES: u64 = HEADER_BYTES as u64;

/// An open segment in which nothing failed so far.
#[derive(Debug)]
pub(crate) struct Active {
    segment: Arc<Segment>,
    file: Box<dyn File>,
    position: u64,
    allocated: u64,
}

impl Active {
    /// Takes a segment that holds no records.
    pub(crate) fn new(segment: Arc<Segment>, file: Box<dyn File>) -> Self {
        let allocated = segment.extent().disk_bytes;
        Self { segment, file, position: RECORDS_START, allocated }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.position == RECORDS_START
    }

    pub(crate) fn allocated(&self) -> u64 {
        self.allocated
    }

    /// Returns how many bytes of records can still be written.
    pub(crate) fn room(&self) -> u64 {
        self.allocated.saturating_sub(self.position + CLOSING_BYTES)
    }

    /// Returns how large the file must be for this many more bytes of records.
    pub(crate) fn file_bytes_for(&self, bytes: u64) -> u64 {
        (self.position + bytes + CLOSING_BYTES).next_multiple_of(PAGE_BYTES)
    }

    /// Returns where the next group begins.
    pub(crate) fn start(&self, offset: Offset) -> Start {
        Start { offset, position: self.position, seed: self.segment.header.seed() }
    }

    /// Sets room apart on the disk; on failure the file is as large as before.
    pub(crate) fn allocate(&mut self, bytes: u64) -> Result<(), IoError> {
        if let Err(source) = self.file.allocate(bytes) {
            // A full disk may have given a part of it.
            self.file.set_len(self.allocated).ok();
            let path = self.segment.path.clone();
            return Err(IoError { action: "set room apart for", path, source });
        }
        self.allocated = bytes;
        self.segment.set_disk_bytes(bytes);
        Ok(())
    }

    /// Writes encoded records at the end and syncs them; they are not visible yet.
    pub(crate) fn write_synced(
        &mut self,
        buffers: &mut [IoSlice<'_>],
        metrics: &WriterMetrics,
    ) -> Result<(), IoError> {
        let path = &self.segment.path;
        write_all_at(&*self.file, buffers, self.position).context("write", path)?;
        metrics.sync(|| self.file.sync_data()).context("sync", path)
    }

    /// Makes synced records visible to readers.
    pub(crate) fn advance(&mut self, end: Offset, bytes: u64) {
        self.position += bytes;
        self.segment.extend(end, self.position);
    }

    /// Cuts the file behind its last synced record.
    ///
    /// It need not last: the header of the next segment says where this one ends.
    pub(crate) fn give_back_room(&self) {
        match self.file.set_len(self.position) {
            Ok(()) => self.segment.set_disk_bytes(self.position),
            Err(error) => {
                warn!(segment.path = %self.segment.path.display(), %error, "cannot cut a segment");
            }
        }
    }
}
