//! Rows as text.

use std::str::FromStr;

use arrow::csv::WriterBuilder;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, LineDelimited, Writer, WriterBuilder as JsonWriterBuilder};
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches_with_schema;

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
    Ok(format!("{}\n", pretty_format_batches_with_schema(schema, batches)?).into_bytes())
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
    let text = writer.into_inner();
    Ok(if text.is_empty() { b"[]".to_vec() } else { text })
}

fn ndjson(batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut writer: Writer<_, LineDelimited> =
        JsonWriterBuilder::new().with_explicit_nulls(true).build(Vec::new());
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    Ok(writer.into_inner())
}
