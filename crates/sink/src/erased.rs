//! What sinks leave out of what they read, because it is erased.

use event::{Erased, Fate, Place, Row};
use journal::{JournalId, Offset};

use crate::metrics;

/// Whether a row is erased; one that is to be of nobody's is made so.
pub fn goes(erased: &Erased, row: &mut Row, journal_id: JournalId, offset: Offset) -> bool {
    let place = Place {
        journal_id: journal_id.as_uuid(),
        offset: offset.get(),
        received_at: row.created_at(),
    };
    let (kind, goes) = match erased.fate(row, place) {
        Fate::Stays => return false,
        Fate::Goes => ("delete", true),
        Fate::Anonymous(pseudonym) => {
            row.anonymize(pseudonym);
            ("anonymize", false)
        }
    };
    ::metrics::counter!(metrics::ERASED_ROWS_TOTAL, "kind" => kind).increment(1);
    goes
}
