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

    /// Begins a new segment, so that the one that was written can be removed once nobody needs it.
    ///
    /// # Errors
    /// When the thread is busy or has stopped.
    pub async fn end_segment(&self) -> Result<(), Rejected> {
        let submission = Submission { batches: Vec::new(), ends_segment: true };
        self.submitter.submit(submission, Weight::default()).await.map(drop)
    }

    async fn try_append(&self, rows: Vec<Bytes>) -> Result<Range<Offset>, Rejected> {
        let bytes = rows.iter().map(Bytes::len).sum();
        let weight = Weight { rows: rows.len(), bytes };
        let submission = Submission { batches: batches(rows)?, ends_segment: false };
        self.submitter.submit(submission, weight).await
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

/// Records to append, or that the segment is to end.
#[derive(Debug)]
struct Submission {
    batches: Vec<Batch>,
    ends_segment: bool,
}

#[derive(Debug, Default)]
struct RecordingLane {
    next: Offset,
    ends_segment: bool,
}

impl Lane for RecordingLane {
    type Submission = Submission;
    type Receipt = Range<Offset>;
    const NAME: &'static str = "recordings";

    fn begin(&mut self, first: Offset, _rows: usize) {
        self.next = first;
        self.ends_segment = false;
    }

    fn stage(
        &mut self,
        submissions: Vec<Submission>,
        batches: &mut Vec<Batch>,
    ) -> Result<Vec<Staged<Range<Offset>>>, Rejected> {
        let append = |submission: Submission| {
            let first = self.next;
            self.ends_segment |= submission.ends_segment;
            let rows: u64 = submission.batches.iter().map(|batch| u64::from(batch.rows)).sum();
            self.next = first.advanced(rows);
            batches.extend(submission.batches);
            Staged { receipt: first..self.next, needs_group: rows > 0 }
        };
        Ok(submissions.into_iter().map(append).collect())
    }

    fn publish(&mut self, _end: Offset, _bytes: u64) {}

    fn ends_segment(&self) -> bool {
        self.ends_segment
    }

    fn discard(&mut self, _cause: &Rejected) {}

    fn finish(self) {}
}
