//! What the rows of a record are.

use event::{Promoted, Row, StoredRow, Table, decode_rows};
use journal::{JournalId, Offset, Record};
use serde_json::{Map, Value};

use super::{Route, row};
use crate::Error;

/// A row as JSON, with its place in the journal.
pub type JsonRow = (Offset, Vec<u8>);

/// Reads a journal's records as rows of a stream.
pub trait RowSource: Send + Sync + 'static {
    /// The rows of a record that belong to the stream; one offset may give several, or none.
    ///
    /// # Errors
    /// When the record is not what this source reads; a sink never skips such a record.
    fn rows(&self, record: &Record, journal_id: JournalId) -> Result<Vec<JsonRow>, Error>;
}

/// Events, as rows of the table `events`.
#[derive(Clone, Debug)]
pub struct EventRows {
    /// Which of them.
    pub route: Route,
    /// Whether nothing else keeps them: heatmaps and quarantined events then come along, which the
    /// lake has in tables of their own.
    pub is_only_copy: bool,
}

impl EventRows {
    fn takes(&self, row: &Row) -> bool {
        let is_ours = match row.table() {
            Table::Events => true,
            Table::Heatmaps | Table::Quarantine => self.is_only_copy,
            _ => false,
        };
        is_ours && self.route.takes(row)
    }
}

impl RowSource for EventRows {
    fn rows(&self, record: &Record, journal_id: JournalId) -> Result<Vec<JsonRow>, Error> {
        let rows = rows_of(record)?;
        let ours = rows.iter().filter(|(_, row)| self.takes(row));
        let json = |row: &Row, offset| match row.table() {
            Table::Quarantine => event_row(&with_reason_told(row), offset, journal_id),
            _ => event_row(row, offset, journal_id),
        };
        Ok(ours.map(|(offset, row)| (*offset, json(row, *offset))).collect())
    }
}

/// A quarantined row as one of `events`, which has no column for its reason: `extra` tells it.
fn with_reason_told(row: &Row) -> Row {
    let extra = row.extra.as_deref().and_then(|extra| serde_json::from_str(extra).ok());
    let mut extra: Map<String, Value> = extra.unwrap_or_default();
    extra.insert("quarantined".to_owned(), row.reason.as_deref().unwrap_or_default().into());
    Row { extra: Some(Value::from(extra).to_string()), ..row.clone() }
}

/// The rows of a record, with their offsets.
pub(super) fn rows_of(record: &Record) -> Result<Vec<(Offset, Row)>, Error> {
    let rows = decode_rows(record.payload.clone())
        .map_err(|error| Error::paused(format!("record at offset {}: {error}", record.first)))?;
    Ok((record.first.get()..).map(Offset::new).zip(rows).collect())
}

/// A row of the table `events` as JSON.
pub fn event_row(row: &Row, offset: Offset, journal_id: JournalId) -> Vec<u8> {
    let promoted = Promoted::of(&row.properties);
    let stored = StoredRow {
        row,
        promoted: &promoted,
        journal_id: journal_id.as_uuid(),
        journal_offset: offset.get(),
    };
    // Besides the properties there are their typed copies and the other columns.
    let mut json = Vec::with_capacity(row.properties.len() * 3 / 2 + 1_024);
    row::append(Table::Events, stored, &mut json);
    json
}

#[cfg(test)]
mod tests {
    use event::encode_row;
    use uuid::Uuid;

    use super::*;
    use crate::pipelines::{TableRows, TableStream};

    #[test]
    fn rows_of_other_tables_are_not_sent() {
        let mut payload = Vec::new();
        for table in Table::ALL {
            let set = Some(r#"{"plan":"pro"}"#.to_owned());
            let row =
                Row { table_number: table.into(), properties: "{}".into(), set, ..Row::default() };
            encode_row(&row, &mut payload);
        }
        let rows = Table::ALL.len() as u32;
        let record = Record { first: Offset::new(5), rows, payload: payload.into() };
        let journal_id = JournalId::from_uuid(Uuid::from_u128(7));
        let events = |is_only_copy| EventRows { route: Route::everything(), is_only_copy };
        let offsets = |source: &dyn RowSource| -> Vec<u64> {
            source.rows(&record, journal_id).unwrap().iter().map(|row| row.0.get()).collect()
        };
        assert_eq!(offsets(&events(false)), [5]);
        assert_eq!(offsets(&events(true)), [5, 6, 7], "nothing else would keep them");
        for (stream, offset) in TableStream::ALL.iter().zip(9..) {
            assert_eq!(offsets(&TableRows(stream.table)), [offset], "{stream:?}");
        }
        let sent = events(true).rows(&record, journal_id).unwrap();
        let quarantined: Value = serde_json::from_slice(&sent[2].1).unwrap();
        assert_eq!(quarantined["extra"]["quarantined"], "", "it can be told from others");
    }
}
