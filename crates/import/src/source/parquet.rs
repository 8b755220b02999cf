//! Parquet: PostHog's batch exports, and the files of our own lake.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use anyhow::Context;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use uuid::Uuid;

use super::{Reading, Row, Rows};
use crate::columns::Mapping;
use crate::progress::Bar;
use crate::record::{Cell, Record};
use crate::time::TimeReader;

/// Rows that are decoded at a time.
const ROWS_AT_ONCE: usize = 1_024;

/// Columns that are looked at, besides those that are mapped.
const KNOWN: &[&str] = &[
    "uuid",
    "event",
    "distinct_id",
    "timestamp",
    "created_at",
    "properties",
    "elements_chain",
    "elements",
    "set",
    "set_once",
    "ip",
    "context",
    "token",
    "person_id",
    "is_deleted",
];

/// Names of columns.
pub(super) fn columns(path: &Path) -> anyhow::Result<Option<Vec<String>>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let names = builder.schema().fields().iter().map(|field| field.name().clone());
    Ok(Some(names.collect()))
}

/// Its rows from one on.
pub(super) fn rows(
    path: &Path,
    from: u64,
    reading: &Reading,
    bar: &Arc<Bar>,
) -> anyhow::Result<Rows> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows())?;
    let wanted = builder.schema().fields().iter().enumerate();
    let wanted = wanted.filter(|(_, field)| is_wanted(field.name(), &reading.mapping));
    let wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let batches = builder
        .with_projection(mask)
        .with_batch_size(ROWS_AT_ONCE)
        .with_offset(usize::try_from(from)?)
        .build()?;
    let (times, bar) = (reading.times.clone(), Arc::clone(bar));
    bar.read(share(bytes, from, rows));
    let batches = batches.map(move |batch| {
        let batch = batch.context("cannot be decoded")?;
        bar.read(share(bytes, batch.num_rows() as u64, rows));
        decoded(&batch, &times)
    });
    Ok(Box::new(batches.flat_map(|batch| match batch {
        Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    })))
}

fn is_wanted(name: &str, mapping: &Mapping) -> bool {
    KNOWN.contains(&name) || mapping.names(name)
}

fn share(bytes: u64, rows: u64, of: u64) -> u64 {
    (u128::from(bytes) * u128::from(rows) / u128::from(of.max(1))) as u64
}

fn decoded(batch: &RecordBatch, times: &TimeReader) -> anyhow::Result<Vec<Row>> {
    let mut records: Vec<Record> = (0..batch.num_rows()).map(|_| Record::default()).collect();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let put = |row: usize, cell: Cell| records[row].0.push((field.name().clone(), cell));
        cells(column, times, put).with_context(|| format!("column {}", field.name()))?;
    }
    Ok(records.into_iter().map(Ok).collect())
}

fn cells(
    column: &ArrayRef,
    times: &TimeReader,
    mut put: impl FnMut(usize, Cell),
) -> anyhow::Result<()> {
    let there = (0..column.len()).filter(|row| column.is_valid(*row));
    match column.data_type() {
        DataType::Timestamp(_, zone) => {
            let micros = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            let micros = micros.as_primitive::<TimestampMicrosecondType>();
            for row in there {
                let value = micros.value(row);
                let value = match zone {
                    Some(_) => Some(value),
                    None => times.on_the_wall(value).map(event::Timestamp::as_micros),
                };
                put(row, value.map_or_else(|| Cell::Text(String::new()), Cell::Micros));
            }
        }
        DataType::FixedSizeBinary(16) => {
            let values = column.as_fixed_size_binary();
            for row in there {
                let uuid = Uuid::from_slice(values.value(row))?;
                put(row, Cell::Text(uuid.to_string()));
            }
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            there.for_each(|row| put(row, Cell::Text(values.value(row).to_owned())));
        }
        DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Dictionary(_, _)
        | DataType::Binary => {
            let values = cast(column, &DataType::Utf8)?;
            let values = values.as_string::<i32>();
            for row in there {
                let text = if values.is_valid(row) { values.value(row) } else { "" };
                put(row, Cell::Text(text.to_owned()));
            }
        }
        _ => {
            let options = FormatOptions::default();
            let values = ArrayFormatter::try_new(column, &options)?;
            there.for_each(|row| put(row, Cell::Text(values.value(row).to_string())));
        }
    }
    Ok(())
}
