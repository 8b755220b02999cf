//! Reading again, at a start, the rows whose keys were in memory only.

use event::{DedupKey, DedupSeed, Row, decode_rows};
use journal::{Journal, Record};
use tracing::{error, info};

use super::key::Key;
use super::window::Window;
use crate::error::Error;
use crate::received::Received;

/// How much of the journal is read at once.
const READ_BYTES: usize = 4 << 20;

/// Adds the keys of all rows from the end of the runs to the end of the journal.
pub(crate) fn replay(window: &mut Window, journal: &Journal) -> Result<(), Error> {
    let seed = DedupSeed::of_journal(journal.id().as_uuid());
    let mut reader = journal.reader(journal.cursor(window.begin()))?;
    let mut rows = 0_u64;
    loop {
        let records = reader.read(READ_BYTES)?;
        if records.is_empty() {
            break;
        }
        for record in records {
            rows += u64::from(record.rows);
            replay_record(window, record, seed);
        }
    }
    info!(journal.rows = rows, "read the newest rows for deduplication");
    Ok(())
}

/// Adds the keys of a record.
///
/// A row does not say whether its uuid is the client's; a uuid that the server made never comes
/// again, so its key does no harm.
fn replay_record(window: &mut Window, record: Record, seed: DedupSeed) {
    let (mut offset, end, bytes) = (record.first, record.end(), record.payload.len() as u64);
    let rows = match decode_rows(record.payload) {
        Ok(rows) => rows,
        Err(error) => {
            error!(journal.offset = %offset, %error, "cannot read rows for deduplication");
            return;
        }
    };
    let received = rows.iter().map(|row| Received::at(row.created_at())).reduce(Received::union);
    for row in rows {
        // What changed of persons is no event, nor is an erasure.
        if offset >= window.begin() && row.change.is_none() && row.erasure.is_none() {
            window.replay_key(key_of(&row, seed), offset);
        }
        offset = offset.advanced(1);
    }
    if let Some(received) = received {
        window.publish_replayed(end, bytes, received);
    }
}

fn key_of(row: &Row, seed: DedupSeed) -> Key {
    DedupKey::hash(&row.token, &row.event, &row.distinct_id, row.uuid(), seed).into()
}
