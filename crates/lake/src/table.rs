//! A table, as a value: all that files, catalog and Iceberg's metadata have to know of one.
//!
//! Whoever adds a table adds a value to [`Table::all`]. Its folder, its line in the catalog, its
//! Iceberg metadata, its compaction and its name in SQL follow.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use event::Kind;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use crate::Error;

/// The zone of all timestamps, by the name that Arrow's readers of Parquet give it.
pub(crate) const UTC: &str = "UTC";

/// Columns that queries filter by, besides those of the order, and that a file has a range of.
const RANGED: [&str; 4] = ["created_at", "team_id", "journal_id", "journal_offset"];

/// A column as the lake sees it; where its values come from is for others to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Iceberg's field id; never reused.
    pub(crate) id: i32,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether it is never NULL.
    pub(crate) required: bool,
    pub(crate) doc: &'static str,
}

impl From<&event::Column> for Column {
    fn from(column: &event::Column) -> Self {
        let &event::Column { id, name, kind, required, doc, .. } = column;
        Self { id, name, kind, required, doc }
    }
}

/// A table of the lake.
#[derive(Debug)]
pub struct Table {
    name: &'static str,
    columns: Vec<Column>,
    schema: SchemaRef,
    /// Where the columns of the order stand.
    order: [usize; 3],
    day_field: String,
}

impl Table {
    /// Every table.
    pub fn all() -> &'static [Self] {
        static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
            let rows = |table: event::Table| {
                let columns = table.columns().iter().map(Column::from).collect();
                Table::new(table.name(), columns, table.sorted_by())
            };
            let events = event::Table::ALL.into_iter().filter(|table| !table.keeps_latest());
            events.map(rows).collect()
        });
        &TABLES
    }

    /// The table that rows of the journal go to.
    pub fn of(rows: event::Table) -> &'static Self {
        let found = Self::all().iter().find(|table| table.name == rows.name());
        found.expect("every table of rows is a table of the lake")
    }

    /// Describes a table whose files are sorted by two columns of text and a time, and lie by the
    /// days of that time.
    fn new(name: &'static str, columns: Vec<Column>, order: &[&str]) -> Self {
        let position = |name: &str| {
            let found = columns.iter().position(|column| column.name == name);
            found.expect("a table is sorted by columns that it has")
        };
        Self {
            name,
            schema: Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>())),
            order: [0, 1, 2].map(|at| position(order[at])),
            day_field: format!("{}_day", order[2]),
            columns,
        }
    }

    /// Its name, which is also that of its folder.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its Arrow schema; columns carry their Iceberg field ids.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns by which rows lie within a file: a query asks for one token, mostly for few
    /// kinds of rows.
    pub(crate) fn order(&self) -> [&Column; 3] {
        self.order.map(|position| &self.columns[position])
    }

    /// Where these columns stand.
    pub(crate) const fn order_positions(&self) -> [usize; 3] {
        self.order
    }

    /// The column whose days are partitions.
    pub(crate) fn time(&self) -> &Column {
        self.order()[2]
    }

    /// What engines call a partition's day.
    pub(crate) fn day_field(&self) -> &str {
        &self.day_field
    }

    /// Whether the catalog keeps a column's bounds.
    pub(crate) fn is_ranged(&self, column: &str) -> bool {
        RANGED.contains(&column) || self.order().iter().any(|ordered| ordered.name == column)
    }

    /// The two columns of text that rows are sorted by.
    pub(crate) fn texts<'a>(&self, rows: &'a RecordBatch) -> [&'a StringArray; 2] {
        let [major, minor, _] = self.order;
        [major, minor].map(|position| rows.column(position).as_string())
    }

    /// The times by which rows are sorted and partitioned.
    pub(crate) fn times<'a>(&self, rows: &'a RecordBatch) -> &'a [i64] {
        rows.column(self.order[2]).as_primitive::<TimestampMicrosecondType>().values()
    }

    /// Fits rows of an older file to the present schema: columns that it lacks are NULL.
    pub(crate) fn align(&self, rows: RecordBatch) -> Result<RecordBatch, Error> {
        if rows.schema_ref().fields() == self.schema.fields() {
            return Ok(rows);
        }
        let column = |field: &Arc<Field>| -> ArrayRef {
            match rows.column_by_name(field.name()) {
                Some(column) => column.clone(),
                None => new_null_array(field.data_type(), rows.num_rows()),
            }
        };
        let columns = self.schema.fields().iter().map(column).collect();
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }
}

/// Tables have names of their own.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Table {}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_rows_is_there_under_its_name() {
        for rows in event::Table::ALL {
            let table = Table::of(rows);
            assert_eq!(table.name(), rows.name());
            assert_eq!(table.order().map(|column| column.name), rows.sorted_by());
            assert_eq!(table.schema().fields().len(), rows.columns().len());
        }
    }

    #[test]
    fn rows_of_an_older_file_get_the_columns_that_came_later() {
        let table = Table::of(event::Table::Events);
        let without_last = table.schema().fields().len() - 2;
        let old = RecordBatch::new_empty(table.schema());
        let old = old.project(&(0..without_last).collect::<Vec<_>>()).unwrap();
        // The last two columns are required, so an older file without them cannot exist.
        assert_eq!(table.align(old).unwrap().num_columns(), table.schema().fields().len());
    }
}
