//! Small tables, made column by column.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Int16Array, Int32Array, StringArray,
};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::MemTable;
use datafusion::error::Result;

/// A table of so many rows.
pub(super) struct Builder {
    rows: usize,
    fields: Vec<Field>,
    columns: Vec<ArrayRef>,
}

impl Builder {
    pub(super) fn new(rows: usize) -> Self {
        Self { rows, fields: Vec::new(), columns: Vec::new() }
    }

    fn column(mut self, name: &str, values: ArrayRef) -> Self {
        self.fields.push(Field::new(name, values.data_type().clone(), true));
        self.columns.push(values);
        self
    }

    /// Text in each row.
    pub(super) fn texts<T: AsRef<str>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.column(name, Arc::new(StringArray::from_iter_values(values)))
    }

    /// Text in some rows.
    pub(super) fn some_texts<T: AsRef<str>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Self {
        self.column(name, Arc::new(values.into_iter().collect::<StringArray>()))
    }

    /// The same text in every row.
    pub(super) fn text(self, name: &str, value: &str) -> Self {
        let rows = self.rows;
        self.texts(name, std::iter::repeat_n(value, rows))
    }

    /// No text in any row.
    pub(super) fn no_text(self, names: &[&str]) -> Self {
        let rows = self.rows;
        names.iter().fold(self, |builder, name| {
            builder.some_texts(name, std::iter::repeat_n(None::<&str>, rows))
        })
    }

    pub(super) fn ints(self, name: &str, values: impl IntoIterator<Item = i32>) -> Self {
        self.column(name, Arc::new(Int32Array::from_iter_values(values)))
    }

    pub(super) fn some_ints(
        self,
        name: &str,
        values: impl IntoIterator<Item = Option<i32>>,
    ) -> Self {
        self.column(name, Arc::new(values.into_iter().collect::<Int32Array>()))
    }

    pub(super) fn int(self, name: &str, value: i32) -> Self {
        let rows = self.rows;
        self.ints(name, std::iter::repeat_n(value, rows))
    }

    pub(super) fn shorts(self, name: &str, values: impl IntoIterator<Item = i16>) -> Self {
        self.column(name, Arc::new(Int16Array::from_iter_values(values)))
    }

    pub(super) fn short(self, name: &str, value: i16) -> Self {
        let rows = self.rows;
        self.shorts(name, std::iter::repeat_n(value, rows))
    }

    pub(super) fn float(self, name: &str, value: f32) -> Self {
        let values = Float32Array::from_iter_values(std::iter::repeat_n(value, self.rows));
        self.column(name, Arc::new(values))
    }

    pub(super) fn bools(self, name: &str, values: impl IntoIterator<Item = bool>) -> Self {
        let values: Vec<bool> = values.into_iter().collect();
        self.column(name, Arc::new(BooleanArray::from(values)))
    }

    /// The same in every row, for each of these columns.
    pub(super) fn all(self, value: bool, names: &[&str]) -> Self {
        let rows = self.rows;
        names
            .iter()
            .fold(self, |builder, name| builder.bools(name, std::iter::repeat_n(value, rows)))
    }

    pub(super) fn build(self) -> Result<Arc<MemTable>> {
        let schema = Arc::new(Schema::new(self.fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), self.columns)?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}
