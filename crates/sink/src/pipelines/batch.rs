//! Rows on their way: cut into bodies that the service takes.

use std::ops::Range;

use journal::{JournalId, Offset, Record};

use super::RowSource;
use crate::{DeadLetter, Error};

/// One row as JSON.
#[derive(Clone, Debug)]
pub(super) struct OutgoingRow {
    pub(super) id: RowId,
    pub(super) json: Vec<u8>,
}

impl OutgoingRow {
    /// A row as it was sent before.
    pub(super) fn of_letter(letter: &DeadLetter) -> Self {
        let id = (Offset::new(letter.journal_offset), 0);
        Self { id, json: letter.row.get().as_bytes().to_vec() }
    }
}

/// Which row of the journal, and which of those that it gave where it gave several.
pub(super) type RowId = (Offset, u32);

/// Rows of records from `from` on, as JSON.
pub(super) fn rows(
    source: &dyn RowSource,
    records: &[Record],
    from: Offset,
    journal_id: JournalId,
) -> Result<Vec<OutgoingRow>, Error> {
    let mut outgoing: Vec<OutgoingRow> = Vec::new();
    for record in records {
        let rows = source.rows(record, journal_id)?.into_iter();
        for (offset, json) in rows.filter(|(offset, _)| *offset >= from) {
            // Not numbered by record: of the same record, some rows may be erased the next time.
            let piece = match outgoing.last() {
                Some(OutgoingRow { id: (last, piece), .. }) if *last == offset => piece + 1,
                _ => 0,
            };
            outgoing.push(OutgoingRow { id: (offset, piece), json });
        }
    }
    Ok(outgoing)
}

/// Cuts rows into runs whose bodies stay within `max_bytes`; a larger single row is a run of its own.
pub(super) fn cut(rows: &[OutgoingRow], max_bytes: usize) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (0, 2);
    for (index, row) in rows.iter().enumerate() {
        let grown = bytes + row.json.len() + 1;
        if grown > max_bytes && index > start {
            runs.push(start..index);
            (start, bytes) = (index, 2 + row.json.len() + 1);
        } else {
            bytes = grown;
        }
    }
    if start < rows.len() {
        runs.push(start..rows.len());
    }
    runs
}

/// The rows as a JSON array.
pub(super) fn body(rows: &[OutgoingRow]) -> Vec<u8> {
    let mut body = Vec::with_capacity(rows.iter().map(|row| row.json.len() + 1).sum::<usize>() + 2);
    for (index, row) in rows.iter().enumerate() {
        body.push(if index == 0 { b'[' } else { b',' });
        body.extend_from_slice(&row.json);
    }
    body.push(b']');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_stay_within_the_limit_and_lose_no_row() {
        let row = |bytes| OutgoingRow { id: (Offset::new(0), 0), json: vec![b'1'; bytes] };
        let rows = [row(40), row(40), row(40), row(500), row(1)];
        let runs = cut(&rows, 100);
        assert_eq!(runs, [0..2, 2..3, 3..4, 4..5]);
        assert!(body(&rows[0..2]).len() <= 100);
        assert!(cut(&[], 100).is_empty());
    }
}
