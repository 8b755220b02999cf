//! Group commit for the journal of session recordings: rows are opaque, none is a duplicate.

use std::ops::Range;

use bytes::Bytes;
use event::Timestamp;
use journal::{Batch, Offset, Writer};

use crate::error::{Error, Rejected};
use crate::group::{self, Lane, Staged, Submitter};
use crate::guard::JoinGuard;
use crate::options::QueueOptions;
use crate::prepared::check_row_bytes;
use crate::queue::Weight;
use crate::records::Records;

/// Starts the group commit of recordings.
///
/// # Errors
/// When the thread cannot be started.
pub fn start_recordings(
    writer: Writer,
    options: QueueOptions,
) -> Result<(Appender, JoinGuard), Error> {
    let (submitter, guard) = group::start(RecordingLane::default(), writer, options)?;
    Ok((Appender { submitter }, guard))
}

/// Appends rows as they are; clones append to the same journal.
#[derive(Clone, Debug)]
pub struct Appender {
    submitter: Submitter<RecordingLane>,
}

impl Appender {
    /// Appends rows and returns their offsets once they are durable.
    ///
    /// A record holds rows one after the other, so each must say itself where it ends, as
    /// length-delimited protobuf does.
    ///
    /// # Errors
    /// When none of them was stored.
    pub async fn append(&self, rows: Vec<Bytes>) -> Result<Range<Offset>, Rejected> {
        let appended = self.try_append(rows).await;
        appended.inspect_err(group::count_rejection::<RecordingLane>)
    }

    /// Says whether submissions are taken.
    pub fn is_running(&self) -> bool {
        self.submitter.is_running()
    }

    async fn try_append(&self, rows: Vec<Bytes>) -> Result<Range<Offset>, Rejected> {
        let bytes = rows.iter().map(Bytes::len).sum();
        let weight = Weight { rows: rows.len(), bytes };
        self.submitter.submit(batches(rows)?, weight).await
    }
}

/// Gathers rows into records.
fn batches(rows: Vec<Bytes>) -> Result<Vec<Batch>, Rejected> {
    rows.iter().try_for_each(|row| check_row_bytes(row.len()))?;
    let (mut records, mut batches) = (Records::default(), Vec::new());
    records.reserve(rows.iter().map(Bytes::len).sum());
    for row in rows {
        let append = |payload: &mut Vec<u8>| payload.extend_from_slice(&row);
        records.add(append, Vec::new(), Timestamp::EPOCH, &mut batches);
    }
    records.finish(&mut batches);
    Ok(batches)
}

#[derive(Debug, Default)]
struct RecordingLane {
    next: Offset,
}

impl Lane for RecordingLane {
    type Submission = Vec<Batch>;
    type Receipt = Range<Offset>;
    const NAME: &'static str = "recordings";

    fn begin(&mut self, first: Offset, _rows: usize) {
        self.next = first;
    }

    fn stage(
        &mut self,
        submissions: Vec<Vec<Batch>>,
        batches: &mut Vec<Batch>,
    ) -> Result<Vec<Staged<Range<Offset>>>, Rejected> {
        let append = |submission: Vec<Batch>| {
            let first = self.next;
            let rows: u64 = submission.iter().map(|batch| u64::from(batch.rows)).sum();
            self.next = first.advanced(rows);
            batches.extend(submission);
            Staged { receipt: first..self.next, needs_group: rows > 0 }
        };
        Ok(submissions.into_iter().map(append).collect())
    }

    fn publish(&mut self, _end: Offset, _bytes: u64) {}

    fn discard(&mut self, _cause: &Rejected) {}

    fn finish(self) {}
}
