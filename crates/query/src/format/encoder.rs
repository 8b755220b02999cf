//! Rows to bytes, batch by batch.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::csv;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{JsonArray, LineDelimited, Writer, WriterBuilder};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches_with_schema;

use super::Format;
use super::json_column::{JsonColumns, plain, plain_schema};
use crate::Error;

/// Widest cell of a table, in characters.
const CELL_CHARS: usize = 1_000;

/// Memory that the rows of a table may take: it is drawn when the widths of all are known.
const TABLE_BYTES: usize = 256 << 20;

/// Writes an answer, batch by batch.
pub(crate) struct Encoder {
    schema: SchemaRef,
    writer: Kind,
    bytes: Bytes,
}

enum Kind {
    Table {
        batches: Vec<RecordBatch>,
        bytes: usize,
    },
    Csv(Box<csv::Writer<Bytes>>),
    /// And whether there was a row.
    Json(Writer<Bytes, JsonArray>, bool),
    Ndjson(Writer<Bytes, LineDelimited>),
    Arrow(StreamWriter<Bytes>),
}

/// What was written and not yet taken.
#[derive(Clone, Default)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

/// Refuses columns of one name, of which readers of JSON would lose all but one.
fn check_names(schema: &SchemaRef) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        None => Ok(()),
        Some(field) => Err(Error::Invalid(format!(
            "several columns are called {}; AS gives one of them another name",
            field.name()
        ))),
    }
}

impl Encoder {
    /// For rows of these columns.
    ///
    /// # Errors
    /// When the format has no such columns.
    pub(crate) fn new(format: Format, schema: &SchemaRef) -> Result<Self, Error> {
        let (schema, bytes) = (plain_schema(schema), Bytes::default());
        if matches!(format, Format::Json | Format::Ndjson) {
            check_names(&schema)?;
        }
        let json = || {
            WriterBuilder::new()
                .with_explicit_nulls(true)
                .with_encoder_factory(Arc::new(JsonColumns))
        };
        let writer = match format {
            Format::Table => Kind::Table { batches: Vec::new(), bytes: 0 },
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().with_header(true).build(bytes.clone());
                writer.write(&RecordBatch::new_empty(Arc::clone(&schema)))?;
                Kind::Csv(Box::new(writer))
            }
            Format::Json => Kind::Json(json().build(bytes.clone()), false),
            Format::Ndjson => Kind::Ndjson(json().build(bytes.clone())),
            Format::Arrow => Kind::Arrow(StreamWriter::try_new(bytes.clone(), &schema)?),
        };
        Ok(Self { schema, writer, bytes })
    }

    /// Adds rows; gives what there is to send.
    ///
    /// # Errors
    /// When a value cannot be written, or a table is too large to be drawn.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, Error> {
        let batch = plain(batch, &self.schema)?;
        match &mut self.writer {
            Kind::Table { batches, bytes } => {
                let cut = cut_cells(&batch)?;
                *bytes += cut.get_array_memory_size();
                if *bytes > TABLE_BYTES {
                    return Err(Error::AnswerTooLarge { limit_bytes: TABLE_BYTES });
                }
                batches.push(cut);
            }
            Kind::Csv(writer) => writer.write(&batch)?,
            Kind::Json(writer, has_rows) => {
                *has_rows |= batch.num_rows() > 0;
                writer.write(&batch)?;
            }
            Kind::Ndjson(writer) => writer.write(&batch)?,
            Kind::Arrow(writer) => writer.write(&batch)?,
        }
        Ok(self.bytes.take())
    }

    /// Ends the answer; gives what there is still to send.
    ///
    /// # Errors
    /// When a table cannot be drawn.
    pub(crate) fn finish(self) -> Result<Vec<u8>, Error> {
        let Self { schema, writer, bytes } = self;
        match writer {
            Kind::Table { batches, .. } => {
                let schema = batches.first().map_or(schema, RecordBatch::schema);
                let table = pretty_format_batches_with_schema(schema, &batches)?;
                return Ok(format!("{table}\n").into_bytes());
            }
            Kind::Csv(writer) => drop(writer),
            Kind::Json(mut writer, has_rows) => {
                match has_rows {
                    true => writer.finish()?,
                    false => bytes.put(b"[]"),
                }
                bytes.put(b"\n");
            }
            Kind::Ndjson(mut writer) => writer.finish()?,
            Kind::Arrow(mut writer) => writer.finish()?,
        }
        Ok(bytes.take())
    }
}

impl Bytes {
    fn put(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format, batch: &RecordBatch, times: usize) -> Vec<u8> {
        let mut encoder = Encoder::new(format, &batch.schema()).unwrap();
        let mut all = Vec::new();
        for _ in 0..times {
            all.extend(encoder.write(batch).unwrap());
        }
        all.extend(encoder.finish().unwrap());
        all
    }

    #[test]
    fn a_huge_cell_is_cut_in_a_table_and_whole_elsewhere() {
        let huge: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(5_000_000)]));
        let batch = RecordBatch::try_from_iter([("huge", huge)]).unwrap();
        assert!(written(Format::Table, &batch, 1).len() < 10_000);
        assert!(written(Format::Ndjson, &batch, 1).len() > 5_000_000);
    }

    #[test]
    fn batches_make_one_answer() {
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        let batch = RecordBatch::try_from_iter([("name", names)]).unwrap();
        let text = |format, times| String::from_utf8(written(format, &batch, times)).unwrap();
        assert_eq!(text(Format::Csv, 2), "name\na\n\"\"\na\n\"\"\n");
        assert_eq!(text(Format::Csv, 0), "name\n");
        let one = r#"{"name":"a"},{"name":null}"#;
        assert_eq!(text(Format::Json, 2), format!("[{one},{one}]\n"));
        assert_eq!(text(Format::Json, 0), "[]\n");
        assert_eq!(text(Format::Ndjson, 1), "{\"name\":\"a\"}\n{\"name\":null}\n");
        let stream = written(Format::Arrow, &batch, 3);
        let reader = arrow::ipc::reader::StreamReader::try_new(stream.as_slice(), None).unwrap();
        let rows: usize = reader.map(|read| read.unwrap().num_rows()).sum();
        assert_eq!(rows, 6);
    }
}
