//! Group commit: many batches, one write, one sync.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use tracing::{error, warn};

use crate::active::Active;
use crate::encode::{Batch, Encoder};
use crate::error::{CommitError, IoError};
use crate::journal::Journal;
use crate::metrics::WriterMetrics;
use crate::offset::Offset;
use crate::options::Options;
use crate::record;
use crate::segment::{self, Header};

/// The only one who appends to a journal.
///
/// The writer is always in one of two states. Either it has an active segment, in which nothing
/// failed so far. Or it has none, because a write or a sync failed or the segment is full: then a
/// new segment is begun before anything else is written, and its header cuts off, durably, what
/// the old one holds beyond the last synced row. No file is written or synced again after a
/// failure, since the system may have dropped pages that it reports as written.
#[derive(Debug)]
pub struct Writer {
    journal: Journal,
    options: Options,
    metrics: WriterMetrics,
    encoder: Encoder,
    active: Option<Active>,
    /// The offset of the next row. Always above the first offset of a segment that is not active.
    next: Offset,
    /// The offset after the last row that was written; less than `next` behind a gap.
    records_end: Offset,
}

/// Where a writer goes on in an opened journal.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) next: Offset,
    pub(crate) records_end: Offset,
    pub(crate) active: Option<Active>,
}

impl Writer {
    pub(crate) fn new(journal: Journal, options: Options, beginning: Beginning) -> Self {
        let Beginning { next, records_end, active } = beginning;
        let metrics = WriterMetrics::new(options.name);
        let encoder = Encoder::default();
        Self { journal, options, metrics, encoder, active, next, records_end }
    }

    /// Returns the offset that the next committed row will have.
    pub const fn next_offset(&self) -> Offset {
        self.next
    }

    /// Returns a handle to the journal.
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Says whether whatever failed commits left on disk is durably cut off.
    ///
    /// It is false only where the disk refused even the new segment that does the cutting. If the
    /// machine then loses power before a later commit succeeds, rows of the failed group may be
    /// found when the journal is opened next.
    pub const fn is_fenced(&self) -> bool {
        self.active.is_some()
    }

    /// Appends a group of batches, each as one record, and returns the offsets of their rows.
    ///
    /// Returns after the sync. On an error nothing of the group is visible, now or later, and the
    /// same writer goes on: the next commit works when the cause is gone.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit(&mut self, group: &[Batch]) -> Result<Range<Offset>, CommitError> {
        let started = Instant::now();
        let first = self.next;
        let appended = self.append(group);
        self.metrics.on_disk(self.journal.disk_bytes());
        match appended {
            Ok(bytes) => {
                let rows = self.next.rows_since(first);
                self.metrics.committed(rows, bytes, started.elapsed());
                Ok(first..self.next)
            }
            Err(error) => {
                self.metrics.rejected(&error);
                Err(error)
            }
        }
    }

    /// Says cheaply whether the largest record could be committed now, as far as space goes.
    ///
    /// # Errors
    /// [`CommitError::Full`] or [`CommitError::NoSpace`] where it could not.
    pub fn check_capacity(&self) -> Result<(), CommitError> {
        let record_bytes = record::record_bytes(self.options.max_record_bytes);
        let segment_bytes = self.options.segment_target_bytes();
        let (needed, given_back) = match &self.active {
            Some(active) if active.room() >= record_bytes => return self.check_reserve(0),
            Some(active) if active.is_empty() => {
                (segment_bytes.saturating_sub(active.allocated()), 0)
            }
            Some(active) => (segment_bytes, active.room()),
            None => (segment_bytes, 0),
        };
        self.check_budget(needed, given_back)?;
        self.check_reserve(needed)
    }

    /// Begins a new segment, so that the one that was written can be removed once nobody needs it.
    ///
    /// Where the disk refuses it, the next commit begins one.
    pub fn roll(&mut self) {
        if self.active.as_ref().is_none_or(Active::is_empty) {
            return;
        }
        self.retire();
        if let Err(error) = self.begin_segment() {
            warn!(%error, "cannot begin a segment yet, trying again with the next rows");
        }
    }

    /// Ends the journal cleanly, so that damage to its very last record will be noticed.
    ///
    /// Dropping the writer does the same, without a word about failures.
    ///
    /// # Errors
    /// When the closing record cannot be written; every committed row is durable all the same.
    pub fn close(mut self) -> Result<(), CommitError> {
        self.finish()
    }

    /// Appends the group and returns the bytes written, with every state change behind the sync.
    fn append(&mut self, group: &[Batch]) -> Result<u64, CommitError> {
        if group.is_empty() {
            return Ok(0);
        }
        let bytes = self.validate(group)?;
        self.check_reserve(0)?;
        self.make_room(bytes)?;
        let Some(active) = &mut self.active else {
            return Ok(0);
        };
        self.encoder.encode(group, active.start(self.next));
        let buffers = &mut self.encoder.buffers(group);
        if let Err(error) = active.write_synced(buffers, &self.metrics) {
            return Err(self.abandon(error));
        }
        let rows = group.iter().map(|batch| u64::from(batch.rows)).sum();
        self.next = self.next.advanced(rows);
        self.records_end = self.next;
        active.advance(self.next, bytes);
        self.journal.publish(self.next);
        Ok(bytes)
    }

    /// Returns what the group's records take.
    fn validate(&self, group: &[Batch]) -> Result<u64, CommitError> {
        let limit_bytes = self.options.max_record_bytes.min(u32::MAX as usize);
        for batch in group {
            let bytes = batch.payload.len();
            if bytes > limit_bytes {
                return Err(CommitError::TooLarge { bytes, limit_bytes });
            }
            if batch.rows == 0 {
                return Err(CommitError::NoRows);
            }
        }
        Ok(group.iter().map(|batch| record::record_bytes(batch.payload.len())).sum())
    }

    /// Makes sure that the active segment has room for this many bytes of records.
    fn make_room(&mut self, bytes: u64) -> Result<(), CommitError> {
        if self.active.as_ref().is_some_and(|active| active.room() >= bytes) {
            return Ok(());
        }
        if self.active.as_ref().is_some_and(|active| !active.is_empty()) {
            self.retire();
        }
        if self.active.is_none() {
            self.begin_segment().map_err(|error| self.classify(error))?;
        }
        self.allocate(bytes)
    }

    /// Sets room apart in the active segment, which holds no records yet.
    fn allocate(&mut self, bytes: u64) -> Result<(), CommitError> {
        let Some(active) = &self.active else {
            return Ok(());
        };
        let target = active.file_bytes_for(bytes).max(self.options.segment_target_bytes());
        let needed = target.saturating_sub(active.allocated());
        self.check_budget(needed, 0)?;
        self.check_reserve(needed)?;
        let allocated = self.active.as_mut().map_or(Ok(()), |active| active.allocate(target));
        allocated.map_err(|error| self.classify(error))
    }

    /// Begins a new segment, which fences whatever stands behind the synced rows of the last one.
    pub(crate) fn begin_segment(&mut self) -> Result<(), IoError> {
        let header = Header::new(self.journal.id(), self.next, self.records_end);
        let fs = self.journal.fs();
        let (segment, file) = segment::create(&**fs, self.journal.dir(), header)?;
        let segment = Arc::new(segment);
        self.journal.push_segment(Arc::clone(&segment));
        self.active = Some(Active::new(segment, file));
        self.journal.publish(self.next);
        if let Err(error) = self.journal.clear_leftovers() {
            warn!(%error, "cannot remove an empty segment yet, trying again later");
        }
        Ok(())
    }

    /// Leaves the active segment for good.
    fn retire(&mut self) {
        let Some(active) = self.active.take() else {
            return;
        };
        active.give_back_room();
        if active.is_empty() {
            // Its name is taken, so the next segment begins one offset further.
            self.next = self.next.advanced(1);
        }
    }

    /// Leaves the active segment after a failure, and fences what may be in it.
    fn abandon(&mut self, cause: IoError) -> CommitError {
        error!(
            journal = self.options.name,
            error = %cause,
            "cannot write to the journal, rejecting the group and going on in a new segment"
        );
        self.retire();
        if let Err(error) = self.begin_segment() {
            error!(journal = self.options.name, %error, "cannot begin a new segment yet");
        }
        self.classify(cause)
    }

    fn finish(&mut self) -> Result<(), CommitError> {
        let Some(mut active) = self.active.take() else {
            return Ok(());
        };
        if active.is_empty() {
            return Ok(());
        }
        let closing = [Batch::default()];
        self.encoder.encode(&closing, active.start(self.next));
        let buffers = &mut self.encoder.buffers(&closing);
        active.write_synced(buffers, &self.metrics).map_err(|error| self.classify(error))
    }

    fn check_budget(&self, needed_bytes: u64, given_back: u64) -> Result<(), CommitError> {
        let used_bytes = self.journal.disk_bytes().saturating_sub(given_back);
        let budget_bytes = self.options.budget_bytes;
        if used_bytes.saturating_add(needed_bytes) > budget_bytes {
            return Err(CommitError::Full { used_bytes, needed_bytes, budget_bytes });
        }
        Ok(())
    }

    fn check_reserve(&self, needed_bytes: u64) -> Result<(), CommitError> {
        let dir = self.journal.dir();
        let space = self.journal.fs().space(dir).map_err(|source| IoError {
            action: "examine the volume of",
            path: dir.to_path_buf(),
            source,
        })?;
        let reserve_bytes = self.options.reserve_bytes;
        if space.free_bytes < reserve_bytes.saturating_add(needed_bytes) {
            return Err(CommitError::NoSpace { free_bytes: space.free_bytes, reserve_bytes });
        }
        Ok(())
    }

    fn classify(&self, error: IoError) -> CommitError {
        if !error.is_out_of_space() {
            return CommitError::Io(error);
        }
        let space = self.journal.fs().space(self.journal.dir());
        CommitError::NoSpace {
            free_bytes: space.map_or(0, |space| space.free_bytes),
            reserve_bytes: self.options.reserve_bytes,
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            warn!(journal = self.options.name, %error, "cannot write the closing record");
        }
    }
}
