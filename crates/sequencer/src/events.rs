//! The lane of events: deduplicates and settles persons on the overlay of the group, and gathers what
//! is new.

use std::vec;

use bytes::Bytes;
use event::{Erasures, Placed, Timestamp};
use identity::{Claim, NotErased, Settled};
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

/// A submission of which new rows are told from duplicates.
struct Admitted {
    bodies: Bytes,
    rows: Vec<PreparedRow>,
    /// Where each row would be if no changes were put in front of any; `None` for a duplicate.
    places: Vec<Option<Offset>>,
    originals: Vec<Offset>,
    changes: Vec<Vec<u8>>,
    received_at: Timestamp,
    expected_bytes: usize,
}

/// Claims in their order, settled as many at once as is best.
///
/// Where that is one after the other, what a thousand events of a person change is not kept a thousand
/// times.
struct Unsettled<'a> {
    claims: &'a [Claim],
    settled: vec::IntoIter<Settled>,
}

/// Rows of the group that are not where they would be if no changes were put in front of any, and
/// where they are, in their order.
#[derive(Default)]
struct Moved(Vec<(Offset, Offset)>);

impl<'a> Unsettled<'a> {
    fn new(claims: &'a [Claim]) -> Self {
        Self { claims, settled: Vec::new().into_iter() }
    }

    fn next(&mut self, identity: &mut Identity) -> Result<Settled, Rejected> {
        if let Some(settled) = self.settled.next() {
            return Ok(settled);
        }
        let at_once = identity.claims_at_once().clamp(1, self.claims.len().max(1));
        let (claims, rest) = self.claims.split_at(at_once.min(self.claims.len()));
        self.claims = rest;
        self.settled = identity.settle(claims)?.into_iter();
        let missing = || Rejected::PersonsUnknown("an event was not settled".to_owned());
        self.settled.next().ok_or_else(missing)
    }
}

impl Moved {
    fn place_of(&self, expected: Offset) -> Offset {
        match self.0.binary_search_by_key(&expected, |(expected, _)| *expected) {
            Ok(found) => self.0[found].1,
            Err(_) => expected,
        }
    }
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
        submissions: Vec<Submission>,
        batches: &mut Vec<Batch>,
    ) -> Result<Vec<Staged<Outcome>>, Rejected> {
        let mut staged = Vec::with_capacity(submissions.len());
        let mut events = Vec::new();
        for submission in submissions {
            match submission {
                Submission::Events(prepared) => events.push(prepared),
                // Between what came before and what comes after.
                Submission::Erase(request) => {
                    self.stage_events(std::mem::take(&mut events), batches, &mut staged)?;
                    staged.push(self.stage_erasure(*request, batches)?);
                }
            }
        }
        self.stage_events(events, batches, &mut staged)?;
        Ok(staged)
    }

    fn rows_at_once(&self) -> usize {
        self.identity.claims_at_once()
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
        submissions: Vec<Prepared>,
        batches: &mut Vec<Batch>,
        staged: &mut Vec<Staged<Outcome>>,
    ) -> Result<(), Rejected> {
        let mut claims = Vec::with_capacity(submissions.iter().map(|one| one.rows.len()).sum());
        let mut next = self.group.next;
        let admitted: Vec<Admitted> = submissions
            .into_iter()
            .map(|submission| self.admit(submission, &mut next, &mut claims))
            .collect();
        let (mut unsettled, mut moved) = (Unsettled::new(&claims), Moved::default());
        for admitted in admitted {
            staged.push(self.append(admitted, &mut unsettled, &mut moved, batches)?);
        }
        Ok(())
    }

    /// Forgets somebody, in a record of its own behind what came before.
    fn stage_erasure(
        &mut self,
        erase: Erase,
        batches: &mut Vec<Batch>,
    ) -> Result<Staged<Outcome>, Rejected> {
        let forgotten = match self.identity.erase(&erase.request)? {
            Ok(forgotten) => forgotten,
            Err(refusal) => {
                return Ok(Staged { receipt: Outcome::Erased(Err(refusal)), needs_group: false });
            }
        };
        journal::failpoint("erasure-before-record");
        let received = Received::at(erase.request.requested_at);
        self.group.received = Some(received.union_with(self.group.received));
        let before = self.records.finish(batches);
        self.group.next = self.group.next.advanced(before);
        let (batch, placed) = erasure::record(erase, forgotten, self.journal_id, self.group.next);
        let rows = u64::from(batch.rows);
        self.group.changes += before + rows - 1;
        self.group.next = self.group.next.advanced(rows);
        self.group.erased.push(placed.clone());
        batches.push(batch);
        Ok(Staged { receipt: Outcome::Erased(Ok(placed)), needs_group: true })
    }

    /// Tells new rows from duplicates, and adds the claims of those that are new. `next` is where the
    /// next one would be if no changes were put in front of it.
    fn admit(
        &mut self,
        submission: Prepared,
        next: &mut Offset,
        group_claims: &mut Vec<Claim>,
    ) -> Admitted {
        self.group.received = Some(submission.received.union_with(self.group.received));
        let expected_bytes = submission.expected_bytes();
        let Prepared { bodies, rows, claims, changes, looked_up_to, received } = submission;
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
        *next = next.advanced(changes.len() as u64);
        self.group.duplicates += originals.len() as u64;
        let received_at = received.newest;
        Admitted { bodies, rows, places, originals, changes, received_at, expected_bytes }
    }

    /// Adds the new rows of a submission, each with whose it is and what it changed.
    fn append(
        &mut self,
        admitted: Admitted,
        unsettled: &mut Unsettled<'_>,
        moved: &mut Moved,
        batches: &mut Vec<Batch>,
    ) -> Result<Staged<Outcome>, Rejected> {
        let Admitted { bodies, rows, places, mut originals, changes, .. } = admitted;
        let first = self.group.next;
        self.records.reserve(admitted.expected_bytes);
        let (mut start, mut appended) = (0, 0);
        for (row, place) in rows.iter().zip(places) {
            let body = &bodies[start..row.end];
            start = row.end;
            let Some(expected) = place else { continue };
            let settled = unsettled.next(&mut self.identity)?;
            let records = &mut self.records;
            let before = self.identity.add(settled, body, row.created_at, records, batches);
            self.advance(before);
            if expected != self.group.next {
                moved.0.push((expected, self.group.next));
                self.window.place(row, self.group.next);
            }
            self.group.next = self.group.next.advanced(1);
            appended += 1;
        }
        for change in changes {
            let append = |payload: &mut Vec<u8>| payload.extend_from_slice(&change);
            let before = self.records.add(append, Vec::new(), admitted.received_at, batches);
            self.advance(before);
            self.group.changes += 1;
            self.group.next = self.group.next.advanced(1);
        }
        originals.iter_mut().for_each(|original| *original = moved.place_of(*original));
        Ok(self.receipt(first, appended, originals))
    }

    /// Notes rows of changes that were put in front of the next row.
    fn advance(&mut self, changes: u64) {
        self.group.changes += changes;
        self.group.next = self.group.next.advanced(changes);
    }

    fn receipt(&self, first: Offset, appended: usize, originals: Vec<Offset>) -> Staged<Outcome> {
        let originals: Vec<u64> = originals.into_iter().map(Offset::get).collect();
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
