//! Whose a row is: settled in the order of the journal, stored with the row, known once it is stored.
//!
//! What events change of persons stands behind them in the same record, so that after a crash there is
//! either both or neither. A restart takes these changes over and settles nothing again.

use event::{Change, PersonMode, Row, Table, TeamId, Timestamp, decode_rows, encode_row_of};
use identity::{
    Claim, ErasureRequest, Forgotten, Keeper, NotErased, PERSON_PROPERTIES_BYTES, Settled, Warning,
};
use journal::{Batch, Hold, Journal, Offset, Record};
use metrics::counter;
use tracing::{error, info, warn};

use crate::error::{Error, Rejected};
use crate::metrics::{PERSON_WARNINGS_TOTAL, REASON};
use crate::records::Records;

/// How much of the journal is read at once.
const READ_BYTES: usize = 4 << 20;

/// Settles whose rows are, on the overlay of the group.
#[derive(Debug)]
pub(crate) struct Identity {
    keeper: Box<dyn Keeper>,
    hold: Hold,
    /// Where the last group ends that is stored.
    end: Offset,
    warnings: Vec<Warning>,
}

impl Identity {
    /// Takes over what the journal says of persons that the keeper does not have yet.
    ///
    /// Holds the journal, under the name `persons`, from the first row that another start needs.
    pub(crate) fn open(keeper: Box<dyn Keeper>, journal: &Journal) -> Result<Self, Error> {
        let from = Offset::new(keeper.needed_from()).min(journal.synced());
        let first = journal.first();
        if from < first {
            return Err(Error::PersonsMissing { known_to: from, first });
        }
        let hold = journal.hold("persons", from);
        let mut identity = Self { keeper, hold, end: from, warnings: Vec::new() };
        identity.replay(journal, from)?;
        Ok(identity)
    }

    /// How many events are best settled at once.
    pub(crate) fn claims_at_once(&self) -> usize {
        self.keeper.claims_at_once()
    }

    /// Settles whose events are, in their order.
    pub(crate) fn settle(&mut self, claims: &[Claim]) -> Result<Vec<Settled>, Rejected> {
        self.keeper.settle(claims).map_err(|error| {
            warn!(%error, "whose events are is not known, so they are rejected");
            Rejected::PersonsUnknown(error.to_string())
        })
    }

    /// Forgets somebody.
    pub(crate) fn erase(
        &mut self,
        request: &ErasureRequest,
    ) -> Result<Result<Forgotten, NotErased>, Rejected> {
        self.keeper.erase(request).map_err(|error| {
            warn!(%error, "persons cannot be read, so nobody is erased");
            Rejected::PersonsUnknown(error.to_string())
        })
    }

    /// Adds a row and what its event changed; returns how many rows were put in front of it.
    pub(crate) fn add(
        &mut self,
        mut settled: Settled,
        body: &[u8],
        received_at: Timestamp,
        records: &mut Records,
        batches: &mut Vec<Batch>,
    ) -> u64 {
        self.warnings.extend(&settled.warnings);
        let mut belonging = settled.belonging();
        // What the event sets itself is in its body; a record must hold both.
        let is_too_large = |all: &String| all.len() > PERSON_PROPERTIES_BYTES;
        if belonging.person_properties.as_ref().is_some_and(is_too_large) {
            belonging.person_properties = None;
        }
        let encode = |payload: &mut Vec<u8>| encode_row_of(body, &belonging, payload);
        records.add(encode, settled.changes, received_at, batches)
    }

    /// Keeps what the group changed: it is stored, and ends here.
    pub(crate) fn publish(&mut self, end: Offset) {
        self.keeper.publish(end.get());
        self.end = end;
        self.release_journal();
        for warning in self.warnings.drain(..) {
            counter!(PERSON_WARNINGS_TOTAL, REASON => warning.reason()).increment(1);
        }
    }

    /// Undoes what the group changed: nothing of it is stored.
    pub(crate) fn discard(&mut self) {
        self.keeper.discard();
        self.warnings.clear();
        // It may be the journal that is full.
        self.release_journal();
    }

    /// Lets go of the journal's rows that were written meanwhile.
    fn release_journal(&self) {
        self.hold.advance(Offset::new(self.keeper.needed_from()).min(self.end));
    }

    /// Writes everything out, so that the next start need not read the journal.
    pub(crate) fn close(self) {
        if let Err(error) = self.keeper.close() {
            warn!(%error, "persons were not written; the next start reads them from the journal");
        }
    }

    fn replay(&mut self, journal: &Journal, from: Offset) -> Result<(), Error> {
        let mut reader = journal.reader(journal.cursor(from))?;
        let (mut rows, mut changes) = (0, 0);
        loop {
            let records = reader.read(READ_BYTES)?;
            let Some(last) = records.last() else { break };
            let end = last.end();
            for record in records {
                rows += u64::from(record.rows);
                changes += self.replay_record(record, from)?;
            }
            // Often, so that what was taken over can be written and need not be held.
            self.publish(end);
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
