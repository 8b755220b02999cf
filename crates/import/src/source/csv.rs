//! Comma-separated values with names in the first line.

use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

use super::{MOST_ROW_BYTES, Row, Rows, inflate};
use crate::item::Reject;
use crate::progress::Bar;
use crate::record::{Cell, Record};

/// Names of columns; `None` where there are none.
pub(super) fn columns(path: &Path, delimiter: u8) -> anyhow::Result<Option<Vec<String>>> {
    let (mut reader, _) = reader(inflate::open(path, None)?, delimiter);
    let names = names(&mut reader)?;
    Ok(Some(names).filter(|names| names.iter().any(|name| !name.is_empty())))
}

/// Its rows from one on.
pub(super) fn rows(path: &Path, from: u64, delimiter: u8, bar: &Arc<Bar>) -> anyhow::Result<Rows> {
    let (mut reader, left) = reader(inflate::open(path, Some(bar))?, delimiter);
    let names = names(&mut reader)?;
    let mut next = move || -> anyhow::Result<Option<Row>> {
        left.store(MOST_ROW_BYTES, Ordering::Relaxed);
        let mut record = StringRecord::new();
        match reader.read_record(&mut record) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(Ok(named(&names, &record)))),
            // The reader stands behind the row, so the next one can be read.
            Err(error) => match error.kind() {
                ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    let detail = format!("{len} fields in place of {expected_len}");
                    let text = record.iter().collect::<Vec<_>>().join(",");
                    Ok(Some(Err((Reject::new("wrong_number_of_fields", detail), text))))
                }
                ErrorKind::Utf8 { .. } => {
                    Ok(Some(Err((Reject::new("not_utf8", error.to_string()), String::new()))))
                }
                _ => Err(error.into()),
            },
        }
    };
    for _ in 0..from {
        if next()?.is_none() {
            break;
        }
    }
    let mut is_over = false;
    Ok(Box::new(std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let row = next().transpose();
        is_over = !matches!(row, Some(Ok(_)));
        row
    })))
}

fn named(names: &[String], record: &StringRecord) -> Record {
    let cells = names.iter().zip(record).filter(|(_, text)| !text.is_empty());
    Record(cells.map(|(name, text)| (name.clone(), Cell::Text(text.to_owned()))).collect())
}

type Limited = Reader<WithinLimit>;

fn reader(file: Box<dyn BufRead>, delimiter: u8) -> (Limited, Arc<AtomicU64>) {
    let left = Arc::new(AtomicU64::new(MOST_ROW_BYTES));
    let file = WithinLimit { file, left: Arc::clone(&left) };
    (ReaderBuilder::new().delimiter(delimiter).from_reader(file), left)
}

fn names(reader: &mut Limited) -> anyhow::Result<Vec<String>> {
    let mark = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
    Ok(reader.headers()?.iter().map(mark).collect())
}

/// Ends where a row has no end.
struct WithinLimit {
    file: Box<dyn BufRead>,
    left: Arc<AtomicU64>,
}

impl Read for WithinLimit {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            let message = "a row of more than 32 MiB: a quotation mark is probably not closed";
            return Err(std::io::Error::other(message));
        }
        let read = self.file.read(buffer)?;
        self.left.store(left.saturating_sub(read as u64), Ordering::Relaxed);
        Ok(read)
    }
}
