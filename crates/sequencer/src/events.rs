//! The lane of events: deduplicates and settles persons on the overlay of the group, and gathers what
//! is new.

use event::{Erasures, Placed};
use identity::{Claim, NotErased};
use journal::{Batch, Offset};
use metrics::counter;
use uuid::Uuid;

use crate::dedup::Window;
use crate::erasure::{self, Erase};
use crate::error::Rejected;
use crate::group::{Lane, Staged};
use crate::identity::Identity;
use crate::metrics::{DUPLICATES_TOTAL, ERASURES_TOTAL, KIND, PERSON_CHANGES_TOTAL};
use crate::prepared::{Prepared, PreparedRow};
use crate::receipt::{Offsets, Receipt};
use crate::received::Received;
use crate::records::Records;

/// What the journal of events takes.
#[derive(Debug)]
pub(crate) enum Submission {
    /// Events of a request.
    Events(Prepared),
    /// That somebody is forgotten.
    Erase(Box<Erase>),
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The events are stored.
    Stored(Receipt),
    /// Somebody was forgotten, or there was a reason not to.
    Erased(Result<Placed, NotErased>),
}

/// What the sequencer's thread keeps of events.
#[derive(Debug)]
pub(crate) struct EventLane {
    journal_id: Uuid,
    window: Window,
    identity: Identity,
    /// Where erasures are made known, before they are answered.
    erasures: Erasures,
    /// What is open for the group's next row.
    records: Records,
    group: Group,
}

/// The group that is being staged.
#[derive(Debug, Default)]
struct Group {
    first: Offset,
    next: Offset,
    received: Option<Received>,
    duplicates: u64,
    /// Rows of what changed of persons.
    changes: u64,
    erased: Vec<Placed>,
    ends_segment: bool,
}

impl EventLane {
    pub(crate) fn new(
        journal_id: Uuid,
        window: Window,
        identity: Identity,
        erasures: Erasures,
    ) -> Self {
        let (records, group) = (Records::default(), Group::default());
        Self { journal_id, window, identity, erasures, records, group }
    }
}

impl Lane for EventLane {
    type Submission = Submission;
    type Receipt = Outcome;
    const NAME: &'static str = "events";

    fn begin(&mut self, first: Offset, rows: usize) {
        self.window.begin_group(rows);
        self.group = Group { first, next: first, ..Group::default() };
    }

    fn stage(
        &mut self,
        submission: Submission,
        batches: &mut Vec<Batch>,
    ) -> Result<Staged<Outcome>, Rejected> {
        match submission {
            Submission::Events(prepared) => self.stage_events(prepared, batches),
            Submission::Erase(request) => self.stage_erasure(*request, batches),
        }
    }

    fn seal(&mut self, batches: &mut Vec<Batch>) {
        self.group.changes += self.records.finish(batches);
    }

    fn publish(&mut self, end: Offset, bytes: u64) {
        counter!(DUPLICATES_TOTAL).increment(self.group.duplicates);
        counter!(PERSON_CHANGES_TOTAL).increment(self.group.changes);
        // A group of nothing but duplicates says nothing about where the journal ends.
        if let Some(received) = self.group.received.filter(|_| bytes > 0) {
            self.window.publish(end, bytes, received);
            self.identity.publish(end);
        }
        self.group.ends_segment = !self.group.erased.is_empty();
        if self.group.ends_segment {
            self.window.let_go_of_journal();
        }
        for placed in self.group.erased.drain(..) {
            counter!(ERASURES_TOTAL, KIND => placed.erasure.kind.name()).increment(1);
            self.erasures.put(placed);
        }
    }

    fn ends_segment(&self) -> bool {
        self.group.ends_segment
    }

    fn discard(&mut self, cause: &Rejected) {
        self.window.discard();
        self.identity.discard();
        self.records.clear();
        if matches!(cause, Rejected::JournalFull(_) | Rejected::DiskFull(_)) {
            self.window.release_journal();
        }
    }

    fn finish(self) {
        self.window.close();
        self.identity.close();
    }
}

impl EventLane {
    fn stage_events(
        &mut self,
        submission: Prepared,
        batches: &mut Vec<Batch>,
    ) -> Result<Staged<Outcome>, Rejected> {
        let first = self.group.next;
        self.group.received = Some(submission.received.union_with(self.group.received));
        self.records.reserve(submission.expected_bytes());
        let Prepared { bodies, rows, claims, looked_up_to, .. } = submission;
        let mut originals = Vec::new();
        let mut start = 0;
        for (row, claim) in rows.iter().zip(&claims) {
            let body = &bodies[start..row.end];
            start = row.end;
            match self.window.admit(row, looked_up_to, self.group.next) {
                Some(original) => originals.push(original.get()),
                None => self.append(row, claim, body, batches)?,
            }
        }
        self.group.duplicates += originals.len() as u64;
        Ok(self.receipt(first, rows.len() - originals.len(), originals))
    }

    /// Forgets somebody, in a record of its own behind what came before.
    fn stage_erasure(
        &mut self,
        request: Erase,
        batches: &mut Vec<Batch>,
    ) -> Result<Staged<Outcome>, Rejected> {
        let forgotten = match self.identity.erase(request.team, &request.target)? {
            Ok(forgotten) => forgotten,
            Err(refusal) => {
                return Ok(Staged { receipt: Outcome::Erased(Err(refusal)), needs_group: false });
            }
        };
        let received = Received::at(request.requested_at);
        self.group.received = Some(received.union_with(self.group.received));
        let before = self.records.finish(batches);
        self.group.next = self.group.next.advanced(before);
        let (batch, placed) = erasure::record(request, forgotten, self.journal_id, self.group.next);
        let rows = u64::from(batch.rows);
        self.group.changes += before + rows - 1;
        self.group.next = self.group.next.advanced(rows);
        self.group.erased.push(placed.clone());
        batches.push(batch);
        Ok(Staged { receipt: Outcome::Erased(Ok(placed)), needs_group: true })
    }

    /// Adds a new row, with whose it is and what it changed.
    fn append(
        &mut self,
        row: &PreparedRow,
        claim: &Claim,
        body: &[u8],
        batches: &mut Vec<Batch>,
    ) -> Result<(), Rejected> {
        // One after the other: what a thousand events of a person change is not kept a thousand times.
        let settled = self.identity.settle(claim)?;
        let before = self.identity.add(settled, body, row.created_at, &mut self.records, batches);
        if before > 0 {
            self.group.changes += before;
            self.group.next = self.group.next.advanced(before);
            self.window.place(row, self.group.next);
        }
        self.group.next = self.group.next.advanced(1);
        Ok(())
    }

    fn receipt(&self, first: Offset, appended: usize, originals: Vec<u64>) -> Staged<Outcome> {
        let range = first.get()..self.group.next.get();
        let in_group = |original: &u64| *original >= self.group.first.get();
        let needs_group = !range.is_empty() || originals.iter().any(in_group);
        let receipt = Receipt {
            appended: count(appended),
            duplicates: count(originals.len()),
            resolve_by: Offsets { appended: range, originals },
        };
        Staged { receipt: Outcome::Stored(receipt), needs_group }
    }
}

fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
