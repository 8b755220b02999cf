//! Rows under a pseudonym.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use event::{PersonMode, Pseudonym, Row};
use journal::JournalId;
use uuid::Uuid;

use crate::batch::Rows;
use crate::{Error, Table};

/// The rows, those with a pseudonym as they would be had they come so.
///
/// They are made anew from the few columns that an anonymous row has, so that a column to come
/// says nothing of them unless somebody takes care that it does.
pub(super) fn anonymize(
    table: &'static Table,
    rows: &RecordBatch,
    whose: &[Option<&Pseudonym>],
) -> Result<RecordBatch, Error> {
    let columns = Columns(rows);
    let mut made = Rows::new(table.rows(), whose.iter().flatten().count());
    let mut places = Vec::with_capacity(whose.len());
    let mut next = 0;
    for (index, pseudonym) in whose.iter().enumerate() {
        let Some(pseudonym) = pseudonym else {
            places.push((0, index));
            continue;
        };
        let mut row = columns.row(table, index);
        row.anonymize(pseudonym);
        let (journal_id, offset) = columns.place(index);
        made.append_row(&row, journal_id, offset);
        places.push((1, next));
        next += 1;
    }
    let (_, made) = made.finish()?;
    Ok(interleave_record_batch(&[rows, &made], &places)?)
}

struct Columns<'a>(&'a RecordBatch);

impl Columns<'_> {
    /// What is told of an event without saying whose it is, and its properties.
    fn row(&self, table: &Table, index: usize) -> Row {
        let (uuid_high, uuid_low) = self.uuid("uuid", index).as_u64_pair();
        let mode = match self.text("person_mode", index) {
            Some("propertyless") => PersonMode::Propertyless,
            Some("force_upgrade") => PersonMode::ForceUpgrade,
            _ => PersonMode::Full,
        };
        let text = |name| self.text(name, index).unwrap_or_default().to_owned();
        Row {
            uuid_high,
            uuid_low,
            event: text("event"),
            timestamp_micros: self.time("timestamp", index).unwrap_or_default(),
            created_at_micros: self.time("created_at", index).unwrap_or_default(),
            team_id: self.number("team_id", index),
            token: text("token"),
            person_mode: mode.into(),
            properties: text("properties"),
            sent_at_micros: self.time("sent_at", index),
            table_number: table.rows().into(),
            ..Row::default()
        }
    }

    fn place(&self, index: usize) -> (JournalId, u64) {
        let offset = u64::try_from(self.number("journal_offset", index)).unwrap_or_default();
        (JournalId::from_uuid(self.uuid("journal_id", index)), offset)
    }

    fn text(&self, name: &str, index: usize) -> Option<&str> {
        let texts = self.0.column_by_name(name)?.as_string_opt::<i32>()?;
        texts.is_valid(index).then(|| texts.value(index))
    }

    fn uuid(&self, name: &str, index: usize) -> Uuid {
        self.text(name, index).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    fn number(&self, name: &str, index: usize) -> i64 {
        let numbers = self.0.column_by_name(name).and_then(|of| of.as_primitive_opt::<Int64Type>());
        numbers.map_or(0, |numbers| numbers.value(index))
    }

    fn time(&self, name: &str, index: usize) -> Option<i64> {
        let times = self.0.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        times.is_valid(index).then(|| times.value(index))
    }
}
