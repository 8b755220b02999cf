//! Rows as text.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::csv::WriterBuilder;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, LineDelimited, Writer, WriterBuilder as JsonWriterBuilder};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches_with_schema;

/// Widest cell of a table, in characters.
const CELL_CHARS: usize = 1_000;

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Columns in a box, for people.
    #[default]
    Table,
    /// With a header line.
    Csv,
    /// One array of objects; NULLs are there as `null`.
    Json,
    /// One object a line, likewise.
    Ndjson,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "table" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "ndjson" => Ok(Self::Ndjson),
            other => Err(format!("{other} is none of table, csv, json, ndjson")),
        }
    }
}

impl Format {
    /// The media type of the text.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Table => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// Writes all rows.
    ///
    /// # Errors
    /// When a value has no text form.
    pub fn write(self, schema: SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
        match self {
            Self::Table => table(schema, batches),
            Self::Csv => csv(&schema, batches),
            Self::Json => json(batches),
            Self::Ndjson => ndjson(batches),
        }
    }
}

fn table(schema: SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let cut: Vec<RecordBatch> = batches.iter().map(cut_cells).collect::<Result<_, _>>()?;
    let schema = cut.first().map_or(schema, RecordBatch::schema);
    Ok(format!("{}\n", pretty_format_batches_with_schema(schema, &cut)?).into_bytes())
}

/// Cuts long text: nobody reads a box wider than this, and drawing it takes ages.
fn cut_cells(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let options = FormatOptions::default().with_display_error(true);
    let columns = batch.columns().iter().zip(batch.schema_ref().fields()).map(|(column, field)| {
        let cells = ArrayFormatter::try_new(column, &options)?;
        let cells = (0..column.len()).map(|row| cut(&cells.value(row).to_string()));
        let cells: ArrayRef = Arc::new(StringArray::from_iter_values(cells));
        Ok((field.name().clone(), cells))
    });
    match batch.num_columns() {
        0 => Ok(batch.clone()),
        _ => RecordBatch::try_from_iter(columns.collect::<Result<Vec<_>, ArrowError>>()?),
    }
}

fn cut(cell: &str) -> String {
    match cell.char_indices().nth(CELL_CHARS) {
        None => cell.to_owned(),
        Some((end, _)) => format!("{}…", cell.get(..end).unwrap_or_default()),
    }
}

fn csv(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut text = Vec::new();
    let mut writer = WriterBuilder::new().with_header(true).build(&mut text);
    writer.write(&RecordBatch::new_empty(schema.clone()))?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    drop(writer);
    Ok(text)
}

fn json(batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut writer: Writer<_, JsonArray> =
        JsonWriterBuilder::new().with_explicit_nulls(true).build(Vec::new());
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    let mut text = writer.into_inner();
    if text.is_empty() {
        text.extend_from_slice(b"[]");
    }
    text.push(b'\n');
    Ok(text)
}

fn ndjson(batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut writer: Writer<_, LineDelimited> =
        JsonWriterBuilder::new().with_explicit_nulls(true).build(Vec::new());
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    Ok(writer.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_cell_is_cut_in_a_table_and_whole_elsewhere() {
        let huge: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(5_000_000)]));
        let batch = RecordBatch::try_from_iter([("huge", huge)]).unwrap();
        let written = |format: Format| {
            format.write(batch.schema(), std::slice::from_ref(&batch)).unwrap().len()
        };
        assert!(written(Format::Table) < 10_000);
        assert!(written(Format::Ndjson) > 5_000_000);
    }
}
