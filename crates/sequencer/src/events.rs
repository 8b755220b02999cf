//! The lane of events: deduplicates and settles persons on the overlay of the group, and gathers what
//! is new.

use identity::Claim;
use journal::{Batch, Offset};
use metrics::counter;

use crate::dedup::Window;
use crate::error::Rejected;
use crate::group::{Lane, Staged};
use crate::identity::Identity;
use crate::metrics::DUPLICATES_TOTAL;
use crate::prepared::{Prepared, PreparedRow};
use crate::receipt::{Offsets, Receipt};
use crate::received::Received;
use crate::records::Records;

/// What the sequencer's thread keeps of events.
#[derive(Debug)]
pub(crate) struct EventLane {
    window: Window,
    identity: Identity,
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
    pub(crate) fn new(window: Window, identity: Identity) -> Self {
        Self { window, identity, group: Group::default() }
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

    fn stage(
        &mut self,
        submission: Prepared,
        batches: &mut Vec<Batch>,
    ) -> Result<Staged<Receipt>, Rejected> {
        let first = self.group.next;
        self.group.received = Some(submission.received.union_with(self.group.received));
        let expected_bytes = submission.expected_bytes();
        let Prepared { bodies, rows, claims, looked_up_to, .. } = submission;
        let mut originals = Vec::new();
        let admitted = self.admit(&rows, looked_up_to, &mut originals);
        self.group.duplicates += originals.len() as u64;
        let claims = match originals.is_empty() {
            true => claims,
            false => kept(claims, &admitted),
        };
        let mut records = Records::new(batches, expected_bytes);
        let mut start = 0;
        let mut settled = self.identity.settle(&claims)?.into_iter();
        let mut moved = Vec::new();
        for (row, admitted) in rows.iter().zip(admitted) {
            let body = &bodies[start..row.end];
            start = row.end;
            let Some(expected) = admitted else { continue };
            let Some(settled) = settled.next() else { break };
            if expected != self.group.next {
                moved.push((expected, self.group.next));
                self.window.place(row, self.group.next);
            }
            let added = self.identity.add(settled, body, row.created_at, &mut records);
            self.group.next = self.group.next.advanced(added);
        }
        records.finish();
        for original in &mut originals {
            if let Ok(found) = moved.binary_search_by_key(original, |(expected, _)| *expected) {
                *original = moved[found].1;
            }
        }
        Ok(self.receipt(first, claims.len(), originals))
    }

    fn publish(&mut self, end: Offset, bytes: u64) {
        counter!(DUPLICATES_TOTAL).increment(self.group.duplicates);
        // A group of nothing but duplicates says nothing about where the journal ends.
        if let Some(received) = self.group.received.filter(|_| bytes > 0) {
            self.window.publish(end, bytes, received);
            self.identity.publish(end);
        }
    }

    fn discard(&mut self, cause: &Rejected) {
        self.window.discard();
        self.identity.discard();
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
    /// Tells new rows from duplicates. For each row that is new, where it would be if no event
    /// changed any person; the originals of the others are put beside.
    fn admit(
        &mut self,
        rows: &[PreparedRow],
        looked_up_to: Offset,
        originals: &mut Vec<Offset>,
    ) -> Vec<Option<Offset>> {
        let mut next = self.group.next;
        let mut admit = |row| match self.window.admit(row, looked_up_to, next) {
            Some(original) => {
                originals.push(original);
                None
            }
            None => {
                let expected = next;
                next = next.advanced(1);
                Some(expected)
            }
        };
        rows.iter().map(&mut admit).collect()
    }

    fn receipt(&self, first: Offset, appended: usize, originals: Vec<Offset>) -> Staged<Receipt> {
        let originals: Vec<u64> = originals.into_iter().map(Offset::get).collect();
        let range = first.get()..self.group.next.get();
        let in_group = |original: &u64| *original >= self.group.first.get();
        let needs_group = !range.is_empty() || originals.iter().any(in_group);
        let receipt = Receipt {
            appended: count(appended),
            duplicates: count(originals.len()),
            resolve_by: Offsets { appended: range, originals },
        };
        Staged { receipt, needs_group }
    }
}

/// The claims of rows that are admitted.
fn kept(claims: Vec<Claim>, admitted: &[Option<Offset>]) -> Vec<Claim> {
    let admitted = claims.into_iter().zip(admitted).filter(|(_, admitted)| admitted.is_some());
    admitted.map(|(claim, _)| claim).collect()
}

fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
