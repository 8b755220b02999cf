//! Group commit for the journal of the tee: one opaque row a record, since a request may be large.

use bytes::Bytes;
use journal::{Batch, Offset, Writer};

use crate::error::{Error, Rejected};
use crate::group::{self, Lane, Staged, Submitter};
use crate::guard::JoinGuard;
use crate::options::QueueOptions;
use crate::queue::Weight;

/// Starts the group commit of the tee, whose rows have at most so many bytes.
///
/// # Errors
/// When the thread cannot be started.
pub fn start_tee(
    writer: Writer,
    limit_bytes: usize,
    options: QueueOptions,
) -> Result<(TeeAppender, JoinGuard), Error> {
    let (submitter, guard) = group::start(TeeLane, writer, options)?;
    Ok((TeeAppender { submitter, limit_bytes }, guard))
}

/// Appends requests; clones append to the same journal.
#[derive(Clone, Debug)]
pub struct TeeAppender {
    submitter: Submitter<TeeLane>,
    limit_bytes: usize,
}

impl TeeAppender {
    /// Appends a row as a record of its own; returns once it is durable.
    ///
    /// # Errors
    /// When it was not stored.
    pub async fn append(&self, row: Bytes) -> Result<(), Rejected> {
        let appended = self.try_append(row).await;
        appended.inspect_err(group::count_rejection::<TeeLane>)
    }

    async fn try_append(&self, row: Bytes) -> Result<(), Rejected> {
        let (bytes, limit_bytes) = (row.len(), self.limit_bytes);
        if bytes > limit_bytes {
            return Err(Rejected::RowTooLarge { bytes, limit_bytes });
        }
        self.submitter.submit(Batch { rows: 1, payload: row }, Weight { rows: 1, bytes }).await
    }
}

#[derive(Debug)]
struct TeeLane;

impl Lane for TeeLane {
    type Submission = Batch;
    type Receipt = ();
    const NAME: &'static str = "tee";

    fn begin(&mut self, _first: Offset, _rows: usize) {}

    fn stage(
        &mut self,
        submissions: Vec<Batch>,
        batches: &mut Vec<Batch>,
    ) -> Result<Vec<Staged<()>>, Rejected> {
        let staged =
            submissions.iter().map(|_| Staged { receipt: (), needs_group: true }).collect();
        batches.extend(submissions);
        Ok(staged)
    }

    fn publish(&mut self, _end: Offset, _bytes: u64) {}

    fn discard(&mut self, _cause: &Rejected) {}

    fn finish(self) {}
}
