//! Journal records become columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use event::{COLUMNS, Kind, Promoted, StoredRow, Value, decode_rows};
use journal::{JournalId, Offset, Record};
use uuid::fmt::Hyphenated;

use crate::schema::{self, UTC};
use crate::version::TailBatch;
use crate::{Error, metrics};

/// Decodes the rows of records from offset `from` on; `None` when there are none.
pub(crate) fn decode(
    records: &[Record],
    journal_id: JournalId,
    from: Offset,
) -> Result<Option<TailBatch>, Error> {
    let mut rows = Rows::new(records.iter().map(|record| record.rows as usize).sum());
    let (mut end, mut misfits) = (from, 0);
    for record in records {
        let decoded = decode_rows(record.payload.clone())
            .map_err(|error| Error::Record { first: record.first, message: error.to_string() })?;
        if decoded.len() != record.rows as usize {
            let message = format!("it holds {} rows, not {}", decoded.len(), record.rows);
            return Err(Error::Record { first: record.first, message });
        }
        for (row, offset) in decoded.iter().zip(record.first.get()..) {
            if offset < from.get() {
                continue;
            }
            let promoted = Promoted::of(&row.properties);
            misfits += promoted.misfits();
            let journal_id = journal_id.as_uuid();
            let stored = StoredRow { row, promoted: &promoted, journal_id, journal_offset: offset };
            rows.append(stored);
            first.get_or_insert(Offset::new(offset));
            end = Offset::new(offset + 1);
        }
    }
    ::metrics::counter!(metrics::MISFITS_TOTAL).increment(misfits as u64);
    first.map(|first| Ok(TailBatch::new(rows.finish()?, first, end))).transpose()
}

/// Columns while they grow.
struct Rows {
    builders: Vec<Builder>,
}

enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Rows {
    fn new(rows: usize) -> Self {
        let builder = |kind| match kind {
            Kind::Text | Kind::Json => Builder::Text(StringBuilder::with_capacity(rows, 0)),
            Kind::Integer => Builder::Integer(Int64Builder::with_capacity(rows)),
            Kind::Timestamp => Builder::Timestamp(
                TimestampMicrosecondBuilder::with_capacity(rows).with_timezone(UTC),
            ),
        };
        Self { builders: COLUMNS.iter().map(|column| builder(column.kind)).collect() }
    }

    fn append(&mut self, row: StoredRow<'_>) {
        for (column, builder) in COLUMNS.iter().zip(&mut self.builders) {
            builder.append((column.value)(row));
        }
    }

    fn finish(self) -> Result<RecordBatch, Error> {
        let columns = self.builders.into_iter().map(Builder::finish).collect();
        Ok(RecordBatch::try_new(schema::schema(), columns)?)
    }
}

impl Builder {
    /// Appends a value; one of another kind than the column's is NULL.
    fn append(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(column), Value::Text(text)) => column.append_value(text),
            (Self::Text(column), Value::Uuid(uuid)) => {
                let mut text = [0; Hyphenated::LENGTH];
                column.append_value(uuid.hyphenated().encode_lower(&mut text));
            }
            (Self::Text(column), _) => column.append_null(),
            (Self::Integer(column), Value::Integer(number)) => column.append_value(number),
            (Self::Integer(column), _) => column.append_null(),
            (Self::Timestamp(column), Value::Timestamp(micros)) => column.append_value(micros),
            (Self::Timestamp(column), _) => column.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut column) => fitted(column.finish()),
            Self::Integer(mut column) => fitted(column.finish()),
            Self::Timestamp(mut column) => fitted(column.finish()),
        }
    }
}

/// The column without the room that it grew in advance, since the tail counts its memory.
fn fitted(mut column: impl Array + 'static) -> ArrayRef {
    column.shrink_to_fit();
    Arc::new(column)
}
