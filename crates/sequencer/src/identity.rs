//! Whose a row is: settled in the order of the journal, stored with the row, known once it is stored.
//!
//! What an event changes of persons stands right behind its row, in the same record, so that after a
//! crash there is either both or neither. A restart takes these changes over and settles nothing
//! again.

use event::limits::RECORD_BYTES;
use event::{
    Change, PersonMode, Row, Table, TeamId, Timestamp, decode_rows, encode_row, encode_row_of,
};
use identity::{Claim, Keeper, Settled};
use journal::{Hold, Journal, Offset, Record};
use metrics::counter;
use tracing::{error, info, warn};

use crate::error::{Error, Rejected};
use crate::metrics::{PERSON_CHANGES_TOTAL, PERSON_WARNINGS_TOTAL, REASON};
use crate::records::Records;

/// How much of the journal is read at once.
const READ_BYTES: usize = 4 << 20;
/// After so many rows, what was taken over is published, so that it can be written.
const ROWS_AT_ONCE: u64 = 100_000;

/// Settles whose rows are, on the overlay of the group.
#[derive(Debug)]
pub(crate) struct Identity {
    keeper: Box<dyn Keeper>,
    hold: Hold,
    changes: u64,
}

impl Identity {
    /// Takes over what the journal says of persons that the keeper does not have yet.
    ///
    /// Holds the journal, under the name `persons`, from the first row that another start needs.
    pub(crate) fn open(keeper: Box<dyn Keeper>, journal: &Journal) -> Result<Self, Error> {
        let end = journal.synced();
        let needed = Offset::new(keeper.needed_from()).min(end);
        let from = needed.max(journal.first());
        if from > needed && needed > Offset::ZERO {
            warn!(
                journal.offset = %needed, journal.first = %from,
                "the journal no longer has what changed of persons since they were written last"
            );
        }
        let hold = journal.hold("persons", from);
        let mut identity = Self { keeper, hold, changes: 0 };
        identity.replay(journal, from)?;
        Ok(identity)
    }

    /// Settles whose these rows are, each with the body that it is in.
    pub(crate) fn settle(&mut self, claims: &[Claim]) -> Result<Vec<Settled>, Rejected> {
        self.keeper.settle(claims).map_err(|error| {
            warn!(%error, "whose events are is not known, so they are rejected");
            Rejected::PersonsUnknown(error.to_string())
        })
    }

    /// Adds a row and what its event changed; returns how many rows that makes.
    pub(crate) fn add(
        &mut self,
        mut settled: Settled,
        body: &[u8],
        received_at: Timestamp,
        records: &mut Records<'_>,
    ) -> u64 {
        for warning in &settled.warnings {
            counter!(PERSON_WARNINGS_TOTAL, REASON => warning.reason()).increment(1);
        }
        let belonging = settled.belonging();
        if settled.changes.is_empty() {
            records.add(1, |payload| encode_row_of(body, &belonging, payload));
            return 1;
        }
        let (changes, changed) = encode_changes(settled.changes, received_at);
        self.changes += u64::from(changed);
        let together = body.len() + changes.len() + (RECORD_BYTES - event::limits::ROW_BYTES) / 2;
        match records.can_hold(together) {
            true => records.add(1 + changed, |payload| {
                encode_row_of(body, &belonging, payload);
                payload.extend_from_slice(&changes);
            }),
            // The merge of thousands of ids by an event of megabytes.
            false => {
                records.add(1, |payload| encode_row_of(body, &belonging, payload));
                records.add(changed, |payload| payload.extend_from_slice(&changes));
            }
        }
        1 + u64::from(changed)
    }

    /// Adds a change that was settled elsewhere.
    pub(crate) fn add_change(&mut self, row: &[u8], records: &mut Records<'_>) {
        self.changes += 1;
        records.add(1, |payload| payload.extend_from_slice(row));
    }

    /// Keeps what the group changed: it is stored, and ends here.
    pub(crate) fn publish(&mut self, end: Offset) {
        self.keeper.publish(end.get());
        self.hold.advance(Offset::new(self.keeper.needed_from()).min(end));
        counter!(PERSON_CHANGES_TOTAL).increment(std::mem::take(&mut self.changes));
    }

    /// Undoes what the group changed: nothing of it is stored.
    pub(crate) fn discard(&mut self) {
        self.keeper.discard();
        self.changes = 0;
    }

    /// Writes everything out, so that the next start need not read the journal.
    pub(crate) fn close(self) {
        if let Err(error) = self.keeper.close() {
            warn!(%error, "persons were not written; the next start reads them from the journal");
        }
    }

    fn replay(&mut self, journal: &Journal, from: Offset) -> Result<(), Error> {
        let mut reader = journal.reader(journal.cursor(from))?;
        let (mut rows, mut changes, mut published) = (0, 0, from);
        loop {
            let records = reader.read(READ_BYTES)?;
            let Some(last) = records.last() else { break };
            let end = last.end();
            for record in records {
                rows += u64::from(record.rows);
                changes += self.replay_record(record, from)?;
            }
            if end.rows_since(published) >= ROWS_AT_ONCE {
                self.publish(end);
                published = end;
            }
        }
        self.publish(journal.synced());
        info!(journal.rows = rows, persons.changes = changes, "read the newest changes of persons");
        Ok(())
    }

    /// Takes over what a record says from an offset on; returns how many changes that is.
    fn replay_record(&mut self, record: Record, from: Offset) -> Result<u64, Error> {
        let first = record.first;
        let rows = match decode_rows(record.payload) {
            Ok(rows) => rows,
            Err(error) => {
                error!(journal.offset = %first, %error, "cannot read rows for persons");
                return Ok(0);
            }
        };
        let mut changes = 0;
        let known = usize::try_from(from.get().saturating_sub(first.get())).unwrap_or(usize::MAX);
        for row in rows.iter().skip(known) {
            if let Some(change) = Change::of_row(row) {
                self.keeper.apply(&change)?;
                changes += 1;
            } else if is_personless(row) {
                self.keeper.note_personless(TeamId(row.team_id), &row.distinct_id)?;
            }
        }
        Ok(changes)
    }
}

/// Whether the row's distinct id is to be remembered as one that was used without a person.
fn is_personless(row: &Row) -> bool {
    row.table() == Table::Events
        && row.team_id != TeamId::UNCLAIMED.0
        && row.person_mode == i32::from(PersonMode::Propertyless)
}

fn encode_changes(changes: Vec<Change>, received_at: Timestamp) -> (Vec<u8>, u32) {
    let (mut payload, mut rows) = (Vec::new(), 0);
    for change in changes {
        encode_row(&change.into_row(received_at), &mut payload);
        rows += 1;
    }
    (payload, rows)
}
