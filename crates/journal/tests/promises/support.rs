//! What many tests need.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hogflare_journal::sim::SimFs;
use hogflare_journal::{Batch, Error, Fs, Journal, Offset, Options, Reader, Record, Writer};

/// Where simulated journals live.
pub const DIR: &str = "/data/journal";

/// Small segments, so that tests meet many of them.
pub fn small() -> Options {
    Options {
        segment_bytes: 24 << 10,
        budget_bytes: 1 << 20,
        reserve_bytes: 0,
        max_record_bytes: 16 << 10,
        ..Options::default()
    }
}

pub fn try_open(fs: &SimFs, options: Options) -> Result<(Writer, Journal), Error> {
    Journal::open(Arc::new(fs.clone()), Path::new(DIR), options)
}

pub fn open(fs: &SimFs) -> (Writer, Journal) {
    try_open(fs, small()).unwrap()
}

/// A batch of one row.
pub fn batch(payload: impl AsRef<[u8]>) -> Batch {
    Batch { rows: 1, payload: payload.as_ref().to_vec().into() }
}

/// Batches of one row each.
pub fn batches<const N: usize>(payloads: [&str; N]) -> [Batch; N] {
    payloads.map(batch)
}

/// A batch that takes up so much room.
pub fn large(bytes: usize) -> Batch {
    Batch { rows: 3, payload: vec![b'x'; bytes].into() }
}

/// Everything that a reader has not read yet.
pub fn drain(reader: &mut Reader) -> Result<Vec<Record>, Error> {
    let mut all = Vec::new();
    loop {
        let some = reader.read(4096)?;
        if some.is_empty() {
            return Ok(all);
        }
        all.extend(some);
    }
}

/// Everything that a journal holds.
pub fn read_all(journal: &Journal) -> Result<Vec<Record>, Error> {
    drain(&mut journal.reader(journal.cursor(journal.first()))?)
}

/// The payloads that a journal holds, as text.
pub fn payloads(journal: &Journal) -> Vec<String> {
    let records = read_all(journal).unwrap();
    records.iter().map(|record| String::from_utf8_lossy(&record.payload).into_owned()).collect()
}

pub fn offset(rows: u64) -> Offset {
    Offset::new(rows)
}

/// The paths of all segment files, oldest first.
pub fn segment_paths(fs: &dyn Fs, dir: &Path) -> Vec<PathBuf> {
    let mut names = fs.read_dir(dir).unwrap();
    names.sort();
    let paths = names.into_iter().map(|name| dir.join(name));
    paths.filter(|path| path.extension().is_some_and(|suffix| suffix == "segment")).collect()
}

/// Leaves a journal as a killed process does: without a closing record.
pub fn abandon(writer: Writer) {
    std::mem::forget(writer);
}
