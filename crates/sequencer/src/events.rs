//! The lane of events: deduplicates on the overlay of the group, and gathers what is new.

use journal::{Batch, Offset};
use metrics::counter;

use crate::dedup::Window;
use crate::error::Rejected;
use crate::group::{Lane, Staged};
use crate::metrics::DUPLICATES_TOTAL;
use crate::prepared::{Prepared, Records};
use crate::receipt::{Offsets, Receipt};
use crate::received::Received;

/// What the sequencer's thread keeps of events.
#[derive(Debug)]
pub(crate) struct EventLane {
    window: Window,
    group: Group,
}

/// The group that is being staged.
#[derive(Debug, Default)]
struct Group {
    first: Offset,
    next: Offset,
    received: Option<Received>,
    duplicates: u64,
}

impl EventLane {
    pub(crate) fn new(window: Window) -> Self {
        Self { window, group: Group::default() }
    }
}

impl Lane for EventLane {
    type Submission = Prepared;
    type Receipt = Receipt;
    const NAME: &'static str = "events";

    fn begin(&mut self, first: Offset, rows: usize) {
        self.window.begin_group(rows);
        self.group = Group { first, next: first, ..Group::default() };
    }

    fn stage(&mut self, submission: Prepared, batches: &mut Vec<Batch>) -> Staged<Receipt> {
        let first = self.group.next;
        let mut originals = Vec::new();
        let mut records = Records::new(&submission.payload, batches);
        let mut start = 0;
        for row in &submission.rows {
            match self.window.admit(row, submission.looked_up_to, self.group.next) {
                Some(original) => originals.push(original.get()),
                None => {
                    records.keep(start, row.end);
                    self.group.next = self.group.next.advanced(1);
                }
            }
            start = row.end;
        }
        records.finish();
        self.group.received = Some(submission.received.union_with(self.group.received));
        self.group.duplicates += originals.len() as u64;
        self.receipt(first, originals)
    }

    fn publish(&mut self, end: Offset, bytes: u64) {
        counter!(DUPLICATES_TOTAL).increment(self.group.duplicates);
        // A group of nothing but duplicates says nothing about where the journal ends.
        if let Some(received) = self.group.received.filter(|_| bytes > 0) {
            self.window.publish(end, bytes, received);
        }
    }

    fn discard(&mut self, cause: &Rejected) {
        self.window.discard();
        if matches!(cause, Rejected::JournalFull(_) | Rejected::DiskFull(_)) {
            self.window.release_journal();
        }
    }

    fn finish(self) {
        self.window.close();
    }
}

impl EventLane {
    fn receipt(&self, first: Offset, originals: Vec<u64>) -> Staged<Receipt> {
        let appended = first.get()..self.group.next.get();
        let in_group = |original: &u64| *original >= self.group.first.get();
        let needs_group = !appended.is_empty() || originals.iter().any(in_group);
        let receipt = Receipt {
            appended: count(self.group.next.rows_since(first)),
            duplicates: count(originals.len() as u64),
            resolve_by: Offsets { appended, originals },
        };
        Staged { receipt, needs_group }
    }
}

fn count(rows: u64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
