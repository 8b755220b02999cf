//! The Arrow schema of the table, and where the columns stand that the lake itself looks at.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use event::{COLUMNS, Column, Kind};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use crate::Error;

/// The zone of all timestamps, by the name that Arrow's readers of Parquet give it.
pub(crate) const UTC: &str = "UTC";

pub(crate) const EVENT: usize = position("event");
pub(crate) const TIMESTAMP: usize = position("timestamp");
pub(crate) const TOKEN: usize = position("token");

/// The order of rows within a file: a query asks for one token, mostly for few events.
pub(crate) const SORT: [usize; 3] = [TOKEN, EVENT, TIMESTAMP];

/// Returns the table's Arrow schema; columns carry their Iceberg field ids.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> =
        LazyLock::new(|| Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>())));
    SCHEMA.clone()
}

fn field(column: &Column) -> Field {
    let id = (PARQUET_FIELD_ID_META_KEY.to_owned(), column.id.to_string());
    Field::new(column.name, data_type(column.kind), !column.required)
        .with_metadata(HashMap::from([id]))
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text | Kind::Json => DataType::Utf8,
        Kind::Integer => DataType::Int64,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
    }
}

/// Fits rows of an older file to the present schema: columns that it lacks are NULL.
pub(crate) fn align(batch: RecordBatch) -> Result<RecordBatch, Error> {
    let schema = schema();
    if batch.schema_ref().fields() == schema.fields() {
        return Ok(batch);
    }
    let column = |field: &Arc<Field>| -> ArrayRef {
        match batch.column_by_name(field.name()) {
            Some(column) => column.clone(),
            None => new_null_array(field.data_type(), batch.num_rows()),
        }
    };
    let columns = schema.fields().iter().map(column).collect();
    Ok(RecordBatch::try_new(schema, columns)?)
}

pub(crate) fn texts(batch: &RecordBatch, column: usize) -> &StringArray {
    batch.column(column).as_string()
}

pub(crate) fn timestamps(batch: &RecordBatch) -> &[i64] {
    batch.column(TIMESTAMP).as_primitive::<TimestampMicrosecondType>().values()
}

/// Finds a column by name, when this crate is compiled.
const fn position(name: &str) -> usize {
    let mut at = 0;
    while at < COLUMNS.len() {
        if is_same(COLUMNS[at].name.as_bytes(), name.as_bytes()) {
            return at;
        }
        at += 1;
    }
    panic!("no such column")
}

const fn is_same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_where_they_are_said_to() {
        for (position, name) in [(EVENT, "event"), (TIMESTAMP, "timestamp"), (TOKEN, "token")] {
            assert_eq!(schema().field(position).name(), name);
        }
    }

    #[test]
    fn rows_of_an_older_file_get_the_columns_that_came_later() {
        let without_last = schema().fields().len() - 2;
        let old = RecordBatch::new_empty(schema()).project(&(0..without_last).collect::<Vec<_>>());
        let nullable = align(old.unwrap());
        // The last two columns are required, so an older file without them cannot exist.
        assert_eq!(nullable.unwrap().num_columns(), schema().fields().len());
    }
}
