//! Group commit: whatever waits is committed at once, with one sync.
//!
//! What a submission is, and what else changes with it, is a [`Lane`]'s business. The loop is the
//! same for every journal: take a group, stage it, commit, then publish and answer, or discard and
//! reject. A lane's changes are an overlay: staged before the commit, kept only after it.

use std::iter::Peekable;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use journal::{Batch, Offset, Writer};
use metrics::{counter, gauge, histogram};
use tokio::sync::{oneshot, watch};
use tracing::{error, info, warn};

use crate::error::{Error, Rejected};
use crate::guard::JoinGuard;
use crate::metrics::{
    APPENDED_TOTAL, COMMIT_SECONDS, GROUP_ROWS, GROUP_SUBMISSIONS, JOURNAL, QUEUE_BYTES,
    QUEUE_SUBMISSIONS, REASON, REJECTED_TOTAL, RUNNING,
};
use crate::options::QueueOptions;
use crate::queue::{Queue, Refused, Weight};

/// What is committed in groups, and what goes with it.
pub(crate) trait Lane: Send + 'static {
    /// What callers submit.
    type Submission: Send + 'static;
    /// What they get for it.
    type Receipt: Send + 'static;
    /// Tells journals apart in metrics, logs and thread names.
    const NAME: &'static str;

    /// Begins a group of at most so many rows, the first of which will be at `first`.
    fn begin(&mut self, first: Offset, rows: usize);
    /// Adds what is to be written of submissions, and notes what they change. Each is answered in its
    /// order.
    ///
    /// # Errors
    /// When that cannot be told. Nothing of the group is then stored.
    fn stage(
        &mut self,
        submissions: Vec<Self::Submission>,
        batches: &mut Vec<Batch>,
    ) -> Result<Vec<Staged<Self::Receipt>>, Rejected>;
    /// How many rows are better staged at once than submission by submission.
    fn rows_at_once(&self) -> usize {
        1
    }
    /// Adds what is still to be written of the group.
    fn seal(&mut self, _batches: &mut Vec<Batch>) {}
    /// Keeps what the group changed: it is stored, with `bytes` of payload, and ends at `end`.
    fn publish(&mut self, end: Offset, bytes: u64);
    /// Whether the segment that is being written ends with the group that was published last.
    fn ends_segment(&self) -> bool {
        false
    }
    /// Undoes what the group changed: nothing of it is stored.
    fn discard(&mut self, cause: &Rejected);
    /// Ends in order, after the last group.
    fn finish(self);
}

/// A submission's answer, given when it may be.
#[derive(Debug)]
pub(crate) struct Staged<R> {
    pub(crate) receipt: R,
    /// Whether the answer holds only if this group is stored.
    pub(crate) needs_group: bool,
}

/// A part of a group ends with the submission that makes it larger than this.
const PART_BYTES: u64 = 32 << 20;

type Reply<R> = oneshot::Sender<Result<R, Rejected>>;

/// Who waits, and for what if the group is stored.
type Waiting<L> = (Reply<<L as Lane>::Receipt>, Result<Staged<<L as Lane>::Receipt>, Rejected>);

struct Ticket<L: Lane> {
    submission: L::Submission,
    rows: usize,
    reply: Reply<L::Receipt>,
}

/// Where callers hand in submissions.
pub(crate) struct Submitter<L: Lane> {
    queue: Arc<Queue<Ticket<L>>>,
}

impl<L: Lane> Clone for Submitter<L> {
    fn clone(&self) -> Self {
        Self { queue: Arc::clone(&self.queue) }
    }
}

impl<L: Lane> std::fmt::Debug for Submitter<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submitter").field("lane", &L::NAME).finish_non_exhaustive()
    }
}

impl<L: Lane> Submitter<L> {
    /// Queues a submission and waits for its outcome.
    ///
    /// A caller that stops waiting does not withdraw it.
    pub(crate) async fn submit(
        &self,
        submission: L::Submission,
        weight: Weight,
    ) -> Result<L::Receipt, Rejected> {
        let (reply, answer) = oneshot::channel();
        match self.queue.push(Ticket { submission, rows: weight.rows, reply }, weight) {
            Ok(()) => answer.await.unwrap_or(Err(Rejected::Stopped)),
            Err(Refused::Full) => Err(Rejected::Busy),
            Err(Refused::Closed) => Err(Rejected::Stopped),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.queue.is_closed()
    }
}

/// Counts a rejection before it is handed to the caller.
pub(crate) fn count_rejection<L: Lane>(rejected: &Rejected) {
    counter!(REJECTED_TOTAL, JOURNAL => L::NAME, REASON => rejected.reason()).increment(1);
}

/// Starts the thread that commits a lane's groups.
pub(crate) fn start<L: Lane>(
    lane: L,
    writer: Writer,
    options: QueueOptions,
) -> Result<(Submitter<L>, JoinGuard), Error> {
    let queue = Arc::new(Queue::new(options));
    let (running, ended) = watch::channel(true);
    let committer =
        Committer { end: End::new::<L>(&queue, running), lane, writer, queue: Arc::clone(&queue) };
    let name = L::NAME;
    let thread: JoinHandle<()> = thread::Builder::new()
        .name(format!("sequencer-{name}"))
        .spawn(move || committer.run())
        .map_err(|source| Error::Thread { name, source })?;
    let closer = Arc::clone(&queue);
    let guard = JoinGuard::new(thread, ended, move || closer.close());
    Ok((Submitter { queue }, guard))
}

struct Committer<L: Lane> {
    // First, so that after a panic callers are let go before anything else is torn down.
    end: End,
    lane: L,
    writer: Writer,
    queue: Arc<Queue<Ticket<L>>>,
}

impl<L: Lane> Committer<L> {
    fn run(mut self) {
        gauge!(RUNNING, JOURNAL => L::NAME).set(1.0);
        let mut tickets = Vec::new();
        while let Some(weight) = self.queue.take_group(&mut tickets) {
            self.record_group(tickets.len());
            self.commit_group(&mut tickets, weight);
        }
        self.lane.finish();
        self.end.in_order = true;
    }

    /// Commits a group, in parts where it would be too much to hold at once.
    fn commit_group(&mut self, tickets: &mut Vec<Ticket<L>>, weight: Weight) {
        let mut rest = tickets.drain(..).peekable();
        while rest.peek().is_some() {
            self.commit_part(&mut rest, weight);
        }
    }

    fn commit_part(
        &mut self,
        tickets: &mut Peekable<impl Iterator<Item = Ticket<L>>>,
        weight: Weight,
    ) {
        let first = self.writer.next_offset();
        self.lane.begin(first, weight.rows);
        let mut batches = Vec::new();
        let mut waiting = Vec::new();
        let mut stageable = Ok(());
        while stageable.is_ok() && tickets.peek().is_some() {
            stageable = self.stage_some(tickets, &mut batches, &mut waiting);
            if payload_bytes(&batches) > PART_BYTES {
                break;
            }
        }
        self.lane.seal(&mut batches);
        let outcome = stageable.and_then(|()| self.commit(first, &batches));
        match &outcome {
            Ok(end) => {
                self.lane.publish(*end, payload_bytes(&batches));
                if self.lane.ends_segment() {
                    self.writer.roll();
                }
            }
            Err(rejected) => self.lane.discard(rejected),
        }
        for (reply, staged) in waiting {
            answer(reply, staged, &outcome);
        }
    }

    /// Stages as many submissions as are best staged at once.
    fn stage_some(
        &mut self,
        tickets: &mut impl Iterator<Item = Ticket<L>>,
        batches: &mut Vec<Batch>,
        waiting: &mut Vec<Waiting<L>>,
    ) -> Result<(), Rejected> {
        let (mut submissions, mut replies, mut rows) = (Vec::new(), Vec::new(), 0);
        while rows < self.lane.rows_at_once() || submissions.is_empty() {
            let Some(ticket) = tickets.next() else { break };
            rows += ticket.rows;
            submissions.push(ticket.submission);
            replies.push(ticket.reply);
        }
        match self.lane.stage(submissions, batches) {
            Ok(staged) => {
                debug_assert_eq!(staged.len(), replies.len(), "every submission has its answer");
                waiting.extend(replies.into_iter().zip(staged.into_iter().map(Ok)));
                Ok(())
            }
            Err(rejected) => {
                let reject = |reply| (reply, Err(rejected.clone()));
                waiting.extend(replies.into_iter().map(reject));
                Err(rejected)
            }
        }
    }

    /// Commits and returns the offset after the group's last row.
    fn commit(&mut self, first: Offset, batches: &[Batch]) -> Result<Offset, Rejected> {
        if batches.is_empty() {
            return Ok(first);
        }
        let started = Instant::now();
        let committed = self.writer.commit(batches);
        histogram!(COMMIT_SECONDS, JOURNAL => L::NAME).record(started.elapsed());
        match committed {
            Ok(range) => {
                let rows = range.end.rows_since(range.start);
                debug_assert_eq!(
                    range.start, first,
                    "rows are where the writer said they would be"
                );
                histogram!(GROUP_ROWS, JOURNAL => L::NAME).record(rows as f64);
                counter!(APPENDED_TOTAL, JOURNAL => L::NAME).increment(rows);
                Ok(range.end)
            }
            Err(error) => {
                warn!(journal.name = L::NAME, %error, "a group was not stored and is rejected");
                Err(Rejected::from(&error))
            }
        }
    }

    fn record_group(&self, submissions: usize) {
        let (waiting, bytes) = self.queue.depth();
        gauge!(QUEUE_SUBMISSIONS, JOURNAL => L::NAME).set(waiting as f64);
        gauge!(QUEUE_BYTES, JOURNAL => L::NAME).set(bytes as f64);
        histogram!(GROUP_SUBMISSIONS, JOURNAL => L::NAME).record(submissions as f64);
    }
}

fn answer<R>(
    reply: Reply<R>,
    staged: Result<Staged<R>, Rejected>,
    outcome: &Result<Offset, Rejected>,
) {
    let result = match (staged, outcome) {
        (Err(rejected), _) => Err(rejected),
        (Ok(staged), Err(rejected)) if staged.needs_group => Err(rejected.clone()),
        (Ok(staged), _) => Ok(staged.receipt),
    };
    // A caller that went away does not need its answer.
    reply.send(result).ok();
}

fn payload_bytes(batches: &[Batch]) -> u64 {
    batches.iter().map(|batch| batch.payload.len() as u64).sum()
}

/// Makes the end of the thread visible, however it comes: nobody waits for an answer for ever.
struct End {
    lane: &'static str,
    in_order: bool,
    clear: Box<dyn Fn() + Send>,
    running: watch::Sender<bool>,
}

impl End {
    fn new<L: Lane>(queue: &Arc<Queue<Ticket<L>>>, running: watch::Sender<bool>) -> Self {
        let queue = Arc::clone(queue);
        let clear = Box::new(move || queue.close_and_clear());
        Self { lane: L::NAME, in_order: false, clear, running }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        (self.clear)();
        gauge!(RUNNING, JOURNAL => self.lane).set(0.0);
        match self.in_order {
            true => info!(journal.name = self.lane, "the sequencer stopped"),
            false => error!(
                journal.name = self.lane,
                "the sequencer stopped by a defect; nothing is accepted until a restart"
            ),
        }
        self.running.send_replace(false);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use journal::Journal;
    use journal::sim::SimFs;

    use super::*;
    use crate::error::Panicked;

    /// Panics where it is told to.
    struct Defective;

    impl Lane for Defective {
        type Submission = bool;
        type Receipt = ();
        const NAME: &'static str = "defective";

        fn begin(&mut self, _first: Offset, _rows: usize) {}

        fn stage(
            &mut self,
            is_fatal: Vec<bool>,
            _batches: &mut Vec<Batch>,
        ) -> Result<Vec<Staged<()>>, Rejected> {
            assert!(!is_fatal.contains(&true), "a defect, as this test wants it");
            let staged = is_fatal.into_iter().map(|_| Staged { receipt: (), needs_group: false });
            Ok(staged.collect())
        }

        fn publish(&mut self, _end: Offset, _bytes: u64) {}

        fn discard(&mut self, _cause: &Rejected) {}

        fn finish(self) {}
    }

    fn start_defective() -> (Submitter<Defective>, JoinGuard) {
        let dir = Path::new("journal");
        let (writer, _) =
            Journal::open(Arc::new(SimFs::new(1)), dir, journal::Options::default()).unwrap();
        start(Defective, writer, QueueOptions::default()).unwrap()
    }

    #[tokio::test]
    async fn a_panic_rejects_whoever_waits_and_is_seen() {
        let (submitter, guard) = start_defective();
        assert_eq!(submitter.submit(false, Weight::default()).await, Ok(()));
        let waiting = [true, false, false].map(|is_fatal| {
            let submitter = submitter.clone();
            tokio::spawn(async move { submitter.submit(is_fatal, Weight::default()).await })
        });
        for task in waiting {
            assert!(matches!(task.await.unwrap(), Err(Rejected::Stopped)));
        }
        guard.ended().await;
        assert!(!submitter.is_running());
        assert_eq!(submitter.submit(false, Weight::default()).await, Err(Rejected::Stopped));
        assert_eq!(guard.stop(), Err(Panicked));
    }
}
