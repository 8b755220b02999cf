//! Journal records become columns, those of the table that each row belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use event::{Erasure, Kind, Placed, Promoted, Row, StoredRow, Value, decode_rows};
use journal::{JournalId, Offset, Record};
use uuid::fmt::Hyphenated;

use crate::table::UTC;
use crate::version::TailBatch;
use crate::{Error, Table, metrics};

/// Decodes the rows of records from offset `from` on; `None` when there are none.
pub(crate) fn decode(
    records: &[Record],
    journal_id: JournalId,
    from: Offset,
) -> Result<Option<TailBatch>, Error> {
    let records: Vec<&Record> = records.iter().filter(|record| record.end() > from).collect();
    let Some(last) = records.last() else {
        return Ok(None);
    };
    let end = last.end();
    let mut erasures = Vec::new();
    let (tables, misfits) = by_table(&records, journal_id, |row, offset| {
        let is_new = offset >= from;
        if is_new {
            let (journal_id, offset) = (journal_id.as_uuid(), offset.get());
            let placed = |erasure| Placed { erasure, journal_id, offset };
            erasures.extend(Erasure::of_row(row).map(placed).map(Arc::new));
        }
        is_new
    })?;
    ::metrics::counter!(metrics::MISFITS_TOTAL).increment(misfits);
    Ok(Some(TailBatch::new(tables, journal_id, end).with_erasures(erasures)))
}

/// Rows of tables.
pub(crate) type ByTable = Vec<(&'static Table, RecordBatch)>;

/// Decodes the rows of records that are wanted, table by table, and counts promoted properties that do
/// not fit their column. Who is asked may change a row.
pub(crate) fn by_table(
    records: &[&Record],
    journal_id: JournalId,
    mut is_wanted: impl FnMut(&mut Row, Offset) -> bool,
) -> Result<(ByTable, u64), Error> {
    let most = records.iter().map(|record| record.rows as usize).sum();
    let mut tables = BTreeMap::new();
    for record in records {
        for (row, offset) in rows_of(record)?.iter_mut().zip(record.first.get()..) {
            if is_wanted(row, Offset::new(offset)) {
                let table = row.table();
                let rows = tables.entry(table).or_insert_with(|| Rows::new(table, most));
                rows.append_row(row, journal_id, offset);
            }
        }
    }
    let misfits = tables.values().map(|rows| rows.misfits).sum();
    let tables = tables.into_values().map(Rows::finish).collect::<Result<_, _>>()?;
    Ok((tables, misfits))
}

fn rows_of(record: &Record) -> Result<Vec<Row>, Error> {
    let unreadable = |message| Error::Record { first: record.first, message };
    let rows =
        decode_rows(record.payload.clone()).map_err(|error| unreadable(error.to_string()))?;
    match rows.len() == record.rows as usize {
        true => Ok(rows),
        false => Err(unreadable(format!("it holds {} rows, not {}", rows.len(), record.rows))),
    }
}

/// A table's columns while they grow.
pub(crate) struct Rows {
    table: event::Table,
    builders: Vec<Builder>,
    /// Promoted properties that do not fit their column.
    misfits: u64,
}

pub(crate) enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Rows {
    pub(crate) fn new(table: event::Table, rows: usize) -> Self {
        let columns = Table::of(table).columns().iter();
        let builders = columns.map(|column| Builder::new(column.kind, rows)).collect();
        Self { table, builders, misfits: 0 }
    }

    pub(crate) fn append_row(&mut self, row: &Row, journal_id: JournalId, journal_offset: u64) {
        let promoted = match self.table.has_promoted() {
            true => Promoted::of(&row.properties),
            false => Promoted::default(),
        };
        self.misfits += promoted.misfits() as u64;
        let journal_id = journal_id.as_uuid();
        let stored = StoredRow { row, promoted: &promoted, journal_id, journal_offset };
        let columns = Table::of(self.table).columns().iter();
        for (column, builder) in columns.zip(&mut self.builders) {
            builder.append((column.value)(stored));
        }
    }

    pub(crate) fn finish(self) -> Result<(&'static Table, RecordBatch), Error> {
        let table = Table::of(self.table);
        let columns = self.builders.into_iter().map(Builder::finish).collect();
        Ok((table, RecordBatch::try_new(table.schema(), columns)?))
    }
}

impl Builder {
    pub(crate) fn new(kind: Kind, rows: usize) -> Self {
        match kind {
            Kind::Text | Kind::Json => Self::Text(StringBuilder::with_capacity(rows, 0)),
            Kind::Integer => Self::Integer(Int64Builder::with_capacity(rows)),
            Kind::Timestamp => {
                Self::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_timezone(UTC))
            }
        }
    }

    /// Appends a value; one of another kind than the column's is NULL.
    pub(crate) fn append(&mut self, value: Value<'_>) {
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

    pub(crate) fn finish(self) -> ArrayRef {
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
