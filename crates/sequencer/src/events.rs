//! The lane of events: deduplicates and settles persons on the overlay of the group, and gathers what
//! is new.

use bytes::Bytes;
use identity::{Claim, Settled};
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

/// A submission of which new rows are told from duplicates.
struct Admitted {
    bodies: Bytes,
    rows: Vec<PreparedRow>,
    /// Where each row would be if no event changed any person; `None` for a duplicate.
    places: Vec<Option<Offset>>,
    originals: Vec<Offset>,
    changes: Vec<Vec<u8>>,
    expected_bytes: usize,
}

/// Rows of the group that are not where they would be if no event changed any person, and where they
/// are, in their order.
#[derive(Default)]
struct Moved(Vec<(Offset, Offset)>);

impl Moved {
    fn place_of(&self, expected: Offset) -> Offset {
        match self.0.binary_search_by_key(&expected, |(expected, _)| *expected) {
            Ok(found) => self.0[found].1,
            Err(_) => expected,
        }
    }
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
        submissions: Vec<Prepared>,
        batches: &mut Vec<Batch>,
    ) -> Result<Vec<Staged<Receipt>>, Rejected> {
        let mut claims = Vec::with_capacity(submissions.iter().map(|one| one.rows.len()).sum());
        let mut next = self.group.first;
        let admitted: Vec<Admitted> = submissions
            .into_iter()
            .map(|submission| self.admit(submission, &mut next, &mut claims))
            .collect();
        // Once for the whole group: what is known of persons may be far away.
        let mut settled = self.identity.settle(&claims)?.into_iter();
        let mut moved = Moved::default();
        let append = |admitted| self.append(admitted, &mut settled, &mut moved, batches);
        Ok(admitted.into_iter().map(append).collect())
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
    /// Tells new rows from duplicates, and adds the claims of those that are new. `next` is where the
    /// next one would be if no event changed any person.
    fn admit(
        &mut self,
        submission: Prepared,
        next: &mut Offset,
        group_claims: &mut Vec<Claim>,
    ) -> Admitted {
        self.group.received = Some(submission.received.union_with(self.group.received));
        let expected_bytes = submission.expected_bytes();
        let Prepared { bodies, rows, claims, changes, looked_up_to, .. } = submission;
        let (mut places, mut originals) = (Vec::with_capacity(rows.len()), Vec::new());
        for (row, claim) in rows.iter().zip(claims) {
            match self.window.admit(row, looked_up_to, *next) {
                Some(original) => {
                    originals.push(original);
                    places.push(None);
                }
                None => {
                    places.push(Some(*next));
                    *next = next.advanced(1);
                    group_claims.push(claim);
                }
            }
        }
        self.group.duplicates += originals.len() as u64;
        Admitted { bodies, rows, places, originals, changes, expected_bytes }
    }

    /// Adds the new rows of a submission, each with what it changed.
    fn append(
        &mut self,
        admitted: Admitted,
        settled: &mut impl Iterator<Item = Settled>,
        moved: &mut Moved,
        batches: &mut Vec<Batch>,
    ) -> Staged<Receipt> {
        let Admitted { bodies, rows, places, mut originals, changes, expected_bytes } = admitted;
        let first = self.group.next;
        let mut records = Records::new(batches, expected_bytes);
        let (mut start, mut appended) = (0, 0);
        for (row, place) in rows.iter().zip(places) {
            let body = &bodies[start..row.end];
            start = row.end;
            let Some(expected) = place else { continue };
            let Some(settled) = settled.next() else { break };
            if expected != self.group.next {
                moved.0.push((expected, self.group.next));
                self.window.place(row, self.group.next);
            }
            let added = self.identity.add(settled, body, row.created_at, &mut records);
            self.group.next = self.group.next.advanced(added);
            appended += 1;
        }
        for change in &changes {
            self.identity.add_change(change, &mut records);
            self.group.next = self.group.next.advanced(1);
        }
        records.finish();
        originals.iter_mut().for_each(|original| *original = moved.place_of(*original));
        self.receipt(first, appended, originals)
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

fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
