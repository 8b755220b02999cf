//! Files as records: found out what they are by their first bytes, inflated, and read a row at a time.

mod csv;
mod inflate;
mod json_lines;
mod parquet;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use xxhash_rust::xxh3::Xxh3;

use crate::columns::{Kind, Mapping};
use crate::item::Reject;
use crate::progress::Bar;
use crate::record::Record;
use crate::time::TimeReader;

/// Largest row of a text file: one quotation mark too many must not swallow a file.
const MOST_ROW_BYTES: u64 = 32 << 20;

/// A row, or why it is none and what stands there.
pub(crate) type Row = Result<Record, (Reject, String)>;

/// Rows of a file; an error is the end.
pub(crate) type Rows = Box<dyn Iterator<Item = anyhow::Result<Row>>>;

/// How files are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) mapping: Mapping,
    pub(crate) times: TimeReader,
    pub(crate) delimiter: Option<u8>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Parquet,
    JsonLines,
    Csv { delimiter: u8 },
}

/// A file that has events or persons.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// Of all that is in it.
    pub(crate) fingerprint: String,
    pub(crate) kind: Kind,
    format: Format,
}

impl SourceFile {
    /// Looks into a file.
    ///
    /// # Errors
    /// When it cannot be read, or has nothing that can be brought; `None` where it is empty.
    pub(crate) fn inspect(path: &Path, reading: &Reading) -> anyhow::Result<Option<Self>> {
        let of_file = || format!("{}", path.display());
        let (bytes, fingerprint) = fingerprint(path).with_context(of_file)?;
        let Some(format) = format_of(path, reading).with_context(of_file)? else { return Ok(None) };
        let columns = match format {
            Format::Parquet => parquet::columns(path),
            Format::JsonLines => json_lines::columns(path),
            Format::Csv { delimiter } => csv::columns(path, delimiter),
        };
        let Some(columns) = columns.with_context(of_file)? else { return Ok(None) };
        if let Some(missing) = reading.mapping.missing(&columns) {
            bail!("{}: no column {missing}; there are {}", path.display(), columns.join(", "));
        }
        let none = Record(
            columns
                .iter()
                .map(|name| (name.clone(), crate::record::Cell::Text(String::new())))
                .collect(),
        );
        let named: Vec<String> =
            reading.mapping.apply(none).0.into_iter().map(|(name, _)| name).collect();
        let Some(kind) = Kind::of(&named) else {
            bail!(
                "{}: neither events nor persons: there are the columns {}; say what they are with --map column=field",
                path.display(),
                columns.join(", ")
            )
        };
        Ok(Some(Self { path: path.to_owned(), bytes, fingerprint, kind, format }))
    }

    /// Its rows from one on.
    pub(crate) fn rows(
        &self,
        from: u64,
        reading: &Reading,
        bar: &Arc<Bar>,
    ) -> anyhow::Result<Rows> {
        let rows = match self.format {
            Format::Parquet => parquet::rows(&self.path, from, reading, bar),
            Format::JsonLines => json_lines::rows(&self.path, from, bar),
            Format::Csv { delimiter } => csv::rows(&self.path, from, delimiter, bar),
        };
        rows.with_context(|| format!("{}", self.path.display()))
    }
}

/// What is in the file, in a hundred and twenty-eight bits.
fn fingerprint(path: &Path) -> anyhow::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let (mut hasher, mut bytes) = (Xxh3::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, format!("{:032x}", hasher.digest128())));
        }
        bytes += read as u64;
        hasher.update(&buffer[..read]);
    }
}

fn format_of(path: &Path, reading: &Reading) -> anyhow::Result<Option<Format>> {
    let mut head = [0; 4];
    let read = std::fs::File::open(path)?.read(&mut head)?;
    if read == 0 {
        return Ok(None);
    }
    if head == *b"PAR1" {
        return Ok(Some(Format::Parquet));
    }
    ensure!(
        !inflate::is_unknown(head),
        "compressed in a way that is not known here (gzip, zstd and brotli are)"
    );
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let name = [".gz", ".zst", ".zstd", ".br"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(&name);
    let csv = |delimiter| Format::Csv { delimiter: reading.delimiter.unwrap_or(delimiter) };
    if name.ends_with(".tsv") {
        return Ok(Some(csv(b'\t')));
    }
    if name.ends_with(".csv") {
        return Ok(Some(csv(b',')));
    }
    ensure!(!name.ends_with(".parquet"), "called Parquet, and is not");
    let mut first = [0];
    let mut inflated = inflate::open(path, None)?;
    while inflated.read(&mut first)? == 1 {
        if !first[0].is_ascii_whitespace() {
            let is_json = first[0] == b'{' || name.ends_with("jsonl") || name.ends_with("ndjson");
            return Ok(Some(if is_json { Format::JsonLines } else { csv(b',') }));
        }
    }
    Ok(None)
}
