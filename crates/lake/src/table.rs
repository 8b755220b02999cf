//! A table, as a value: all that files, catalog and Iceberg's metadata have to know of one.
//!
//! Whoever adds a table adds a value to [`Table::all`]. Its folder, its line in the catalog, its
//! Iceberg metadata, its compaction and its name in SQL follow.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use arrow::array::{ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use event::{Kind, StoredRow, Value};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use crate::day::Partition;
use crate::{Error, LaterColumn};

/// The zone of all timestamps, by the name that Arrow's readers of Parquet give it.
pub(crate) const UTC: &str = "UTC";

/// Columns that queries filter by, besides those of the order, and that a file has a range of.
const RANGED: [&str; 4] = ["created_at", "team_id", "journal_id", "journal_offset"];

/// A column as the lake sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Iceberg's field id; never reused.
    pub(crate) id: i32,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether it is never NULL.
    pub(crate) required: bool,
    pub(crate) doc: &'static str,
    /// Reads it from a row.
    pub(crate) value: for<'a> fn(StoredRow<'a>) -> Value<'a>,
}

impl From<&event::Column> for Column {
    fn from(column: &event::Column) -> Self {
        let &event::Column { id, name, kind, required, doc, value } = column;
        Self { id, name, kind, required, doc, value }
    }
}

/// Columns that this process does not know.
static UNKNOWN: OnceLock<Vec<&'static str>> = OnceLock::new();

/// Makes this process one of an earlier version, which did not know these columns. For tests, before
/// they ask for a table.
#[doc(hidden)]
pub fn forget_columns(names: Vec<&'static str>) {
    UNKNOWN.set(names).ok();
}

/// A table of the lake.
#[derive(Debug)]
pub struct Table {
    rows: event::Table,
    name: &'static str,
    columns: Vec<Column>,
    schema: SchemaRef,
    /// Where the columns of the order stand.
    order: Vec<usize>,
    /// Where the time stands.
    time: usize,
    keeps_latest: bool,
    day_field: String,
}

/// By what rows of a table take the place of others; positions of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latest<'a> {
    /// Rows that are alike in these are versions of one thing.
    pub key: &'a [usize],
    /// Of those the row counts that has the highest here.
    pub version: usize,
}

impl Table {
    /// Every table.
    pub fn all() -> &'static [Self] {
        static TABLES: LazyLock<Vec<Table>> =
            LazyLock::new(|| event::Table::ALL.map(Table::new).into());
        &TABLES
    }

    /// The table that rows of the journal go to.
    pub fn of(rows: event::Table) -> &'static Self {
        let found = Self::all().iter().find(|table| table.name == rows.name());
        found.expect("every table of rows is a table of the lake")
    }

    fn new(table: event::Table) -> Self {
        let unknown = UNKNOWN.get().map_or(&[][..], Vec::as_slice);
        let is_known = |column: &&event::Column| !unknown.contains(&column.name);
        let columns = table.columns().iter().filter(is_known);
        let columns: Vec<Column> = columns.map(Column::from).collect();
        let position = |name: &str| {
            let found = columns.iter().position(|column| column.name == name);
            found.expect("a table is sorted by columns that it has")
        };
        Self {
            rows: table,
            name: table.name(),
            schema: Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>())),
            order: table.sorted_by().iter().map(|name| position(name)).collect(),
            time: position(table.time()),
            keeps_latest: table.keeps_latest(),
            day_field: format!("{}_day", table.time()),
            columns,
        }
    }

    /// The rows of the journal that it has.
    pub(crate) const fn rows(&self) -> event::Table {
        self.rows
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

    /// Whether and by what rows take the place of others. Merges drop rows whose place is taken;
    /// until then files and batches have all of them, and readers choose.
    pub fn latest(&self) -> Option<Latest<'_>> {
        let (&version, key) = self.order.split_last()?;
        self.keeps_latest.then_some(Latest { key, version })
    }

    /// Whether its files lie by days. Those of a table that keeps the latest do not: versions of one
    /// key come on any day, and a merge must find them together.
    pub(crate) const fn is_by_day(&self) -> bool {
        !self.keeps_latest
    }

    /// Whether its rows go when they are too old. Who was erased is remembered for good, and so is the
    /// latest of a thing.
    pub(crate) fn ages(&self) -> bool {
        self.is_by_day() && self.rows != event::Table::Erasures
    }

    /// Whether files of a partition are sorted by the table's order.
    pub(crate) fn is_sorted_in(&self, partition: Partition) -> bool {
        !self.is_by_day() || partition != Partition::Shared
    }

    /// The columns by which rows lie within a file: a query asks for one token, mostly for few
    /// kinds of rows.
    pub(crate) fn order(&self) -> impl Iterator<Item = &Column> {
        self.order.iter().map(|&position| &self.columns[position])
    }

    /// Where these columns stand.
    pub(crate) fn order_positions(&self) -> &[usize] {
        &self.order
    }

    /// The column whose days are partitions, where the table has some.
    pub(crate) fn time(&self) -> &Column {
        &self.columns[self.time]
    }

    /// Where the column of the time stands.
    pub const fn time_position(&self) -> usize {
        self.time
    }

    /// Where columns stand that are most of a row's bytes.
    pub fn wide_positions(&self) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        columns.filter(|(_, column)| column.kind == Kind::Json).map(|(at, _)| at).collect()
    }

    /// What engines call a partition's day.
    pub(crate) fn day_field(&self) -> &str {
        &self.day_field
    }

    /// Whether the catalog keeps a column's bounds.
    pub(crate) fn is_ranged(&self, column: &str) -> bool {
        let mut ranged = self.order().chain([self.time()]);
        RANGED.contains(&column) || ranged.any(|ordered| ordered.name == column)
    }

    /// The time of each row.
    pub(crate) fn times<'a>(&self, rows: &'a RecordBatch) -> &'a ScalarBuffer<i64> {
        rows.column(self.time).as_primitive::<TimestampMicrosecondType>().values()
    }

    /// Fits rows of an older file to the present schema: columns that it lacks are made of the
    /// properties, or NULL.
    pub(crate) fn align(&'static self, rows: RecordBatch) -> Result<RecordBatch, Error> {
        if rows.schema_ref().fields() == self.schema.fields() {
            return Ok(rows);
        }
        let column = |field: &Arc<Field>| -> ArrayRef {
            if let Some(column) = rows.column_by_name(field.name()) {
                return column.clone();
            }
            let later = LaterColumn::of(self, field.name());
            let properties = rows.column_by_name(LaterColumn::SOURCE);
            match later.zip(properties.and_then(|column| column.as_string_opt())) {
                Some((later, properties)) => later.of_properties(properties),
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
            assert!(table.order().map(|column| column.name).eq(rows.sorted_by().iter().copied()));
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
