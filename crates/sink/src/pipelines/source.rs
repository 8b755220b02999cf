//! What the rows of a record are.

use event::{Erasures, Promoted, Row, StoredRow, Table, decode_rows};
use journal::{JournalId, Offset, Record};
use serde_json::{Map, Value};

use super::{Route, row};
use crate::{Error, erased};

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
    /// What is not sent any more, or not as it was.
    pub erasures: Erasures,
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
        // Rows stay in the stream of their distinct id, also where they lose it.
        let takes = |row: &Row| self.takes(row);
        let rows = rows_of(record, journal_id, &self.erasures, takes)?;
        let json = |row: &Row, offset| match row.table() {
            Table::Quarantine => event_row(&with_reason_told(row), offset, journal_id),
            _ => event_row(row, offset, journal_id),
        };
        Ok(rows.iter().map(|(offset, row)| (*offset, json(row, *offset))).collect())
    }
}

/// A quarantined row as one of `events`, which has no column for its reason: `extra` tells it.
fn with_reason_told(row: &Row) -> Row {
    let extra = row.extra.as_deref().and_then(|extra| serde_json::from_str(extra).ok());
    let mut extra: Map<String, Value> = extra.unwrap_or_default();
    extra.insert("quarantined".to_owned(), row.reason.as_deref().unwrap_or_default().into());
    Row { extra: Some(Value::from(extra).to_string()), ..row.clone() }
}

/// The rows of a record that are wanted, with their offsets, as far as they are not erased.
pub(super) fn rows_of(
    record: &Record,
    journal_id: JournalId,
    erasures: &Erasures,
    is_wanted: impl Fn(&Row) -> bool,
) -> Result<Vec<(Offset, Row)>, Error> {
    let rows = decode_rows(record.payload.clone())
        .map_err(|error| Error::paused(format!("record at offset {}: {error}", record.first)))?;
    let rows = (record.first.get()..).map(Offset::new).zip(rows);
    let mut wanted: Vec<_> = rows.filter(|(_, row)| is_wanted(row)).collect();
    if let Some(all) = erasures.view() {
        wanted.retain_mut(|(offset, row)| !erased::goes(&all, row, journal_id, *offset));
    }
    Ok(wanted)
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
    use event::{Erasure, ErasureKind, PersonId, Placed, Pseudonym, TeamId, Timestamp, encode_row};
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
        let events = |is_only_copy| EventRows {
            route: Route::everything(),
            is_only_copy,
            erasures: Erasures::default(),
        };
        let offsets = |source: &dyn RowSource| -> Vec<u64> {
            source.rows(&record, journal_id).unwrap().iter().map(|row| row.0.get()).collect()
        };
        assert_eq!(offsets(&events(false)), [5]);
        assert_eq!(offsets(&events(true)), [5, 6, 7], "nothing else would keep them");
        for (stream, offset) in TableStream::ALL.iter().zip(9..) {
            assert_eq!(
                offsets(&TableRows { table: stream.table, erasures: Erasures::default() }),
                [offset],
                "{stream:?}"
            );
        }
        let sent = events(true).rows(&record, journal_id).unwrap();
        let quarantined: Value = serde_json::from_slice(&sent[2].1).unwrap();
        assert_eq!(quarantined["extra"]["quarantined"], "", "it can be told from others");
    }

    #[test]
    fn who_is_erased_is_not_sent_or_sent_as_nobody() {
        let journal = Uuid::from_u128(7);
        let row = |table: Table, distinct_id: &str| Row {
            table_number: table.into(),
            team_id: 1,
            distinct_id: distinct_id.to_owned(),
            person_id_low: 9,
            properties: r#"{"email":"jane@example.com"}"#.to_owned(),
            ..Row::default()
        };
        let tables = [Table::Events, Table::Quarantine, Table::Persons, Table::PersonDistinctIds];
        let rows =
            tables.iter().map(|table| row(*table, "jane")).chain([row(Table::Events, "joe")]);
        let mut payload = Vec::new();
        // Twice: in the record before the erasure, and in the one behind it.
        rows.for_each(|row| encode_row(&row, &mut payload));
        let record =
            |first| Record { first: Offset::new(first), rows: 5, payload: payload.clone().into() };
        let sent = |kind: ErasureKind, first| {
            let erasures = Erasures::default();
            erasures.put(Placed {
                erasure: Erasure {
                    id: Uuid::from_u128(1),
                    team: TeamId(1),
                    tokens: Vec::new(),
                    kind,
                    distinct_ids: vec!["jane".to_owned()],
                    person_ids: vec![PersonId(Uuid::from_u128(9))],
                    requested_at: Timestamp::EPOCH,
                    recordings_end: None,
                },
                journal_id: journal,
                offset: 100,
            });
            let (route, is_only_copy) = (Route::everything(), true);
            let events = EventRows { route, is_only_copy, erasures: erasures.clone() };
            let mut sources: Vec<Box<dyn RowSource>> = vec![Box::new(events)];
            for table in [Table::Persons, Table::PersonDistinctIds] {
                sources.push(Box::new(TableRows { table, erasures: erasures.clone() }));
            }
            let id = JournalId::from_uuid(journal);
            let rows = sources.iter().flat_map(|source| source.rows(&record(first), id).unwrap());
            rows.map(|(_, json)| String::from_utf8(json).unwrap()).collect::<Vec<_>>()
        };
        let deleted = sent(ErasureKind::Delete, 0);
        assert_eq!(deleted.len(), 1, "{deleted:?}");
        assert!(deleted[0].contains("joe"));
        let pseudonym = Pseudonym::of(Uuid::from_u128(3), Uuid::from_u128(4));
        let anonymous = sent(ErasureKind::Anonymize(pseudonym.clone()), 0);
        assert_eq!(anonymous.len(), 2, "{anonymous:?}");
        assert!(anonymous[0].contains(&pseudonym.distinct_id) && !anonymous[0].contains("jane"));
        assert_eq!(sent(ErasureKind::Delete, 100).len(), 5, "what came behind is a new person's");
    }
}
