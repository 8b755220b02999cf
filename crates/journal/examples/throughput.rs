//! Measures the journal on the disk of a directory: commits, reading, and opening after a kill.
//!
//! ```text
//! cargo run --release -p hogflare-journal --example throughput -- [DIR] [BATCHES] [ROWS] [ROW_BYTES]
//! ```
//!
//! A group has `BATCHES` batches of `ROWS` rows; the defaults are 16 batches of 50 rows of 700 bytes.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hogflare_journal::{Batch, Journal, Offset, Options, RealFs};

const COMMITTING: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (batches, rows, row_bytes) = (number(16)?, number(50)?, number(700)?);

    let dir = dir.join(format!("hogflare-journal-{}", std::process::id()));
    let measured = measure(&dir, batches, u32::try_from(rows)?, row_bytes);
    std::fs::remove_dir_all(&dir)?;
    measured
}

fn measure(dir: &Path, batches: usize, rows: u32, row_bytes: usize) -> Result<(), Box<dyn Error>> {
    let options = Options { budget_bytes: 4 << 30, ..Options::default() };
    let (mut writer, journal) = Journal::open(Arc::new(RealFs), dir, options.clone())?;
    let payload = vec![b'x'; rows as usize * row_bytes];
    let group = vec![Batch { rows, payload: payload.into() }; batches];

    let mut latencies = Vec::new();
    let started = Instant::now();
    while started.elapsed() < COMMITTING {
        let commit = Instant::now();
        writer.commit(&group)?;
        latencies.push(commit.elapsed());
        if journal.disk_bytes() > 2 << 30 {
            journal.trim()?;
        }
    }
    report("committed", &journal, journal.synced().get(), row_bytes, started.elapsed());
    latencies.sort();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied();
    println!("  {} commits, p50 {:?}, p99 {:?}", latencies.len(), at(50), at(99));

    let held = journal.synced().rows_since(journal.first());
    let started = Instant::now();
    let mut reader = journal.reader(journal.cursor(journal.first()))?;
    while !reader.read(1 << 20)?.is_empty() {}
    report("read", &journal, held, row_bytes, started.elapsed());

    // As after a kill: without a closing record.
    std::mem::forget(writer);
    let started = Instant::now();
    let (_writer, journal) = Journal::open(Arc::new(RealFs), dir, options)?;
    report("opened", &journal, held, row_bytes, started.elapsed());
    assert!(journal.synced() > Offset::ZERO);
    Ok(())
}

fn report(what: &str, journal: &Journal, rows: u64, row_bytes: usize, took: Duration) {
    let seconds = took.as_secs_f64();
    let (rows, bytes) = (rows as f64, rows as f64 * row_bytes as f64);
    println!(
        "{what:>9}: {rows} rows in {seconds:.2} s, {:.0} rows/s, {:.0} MB/s ({} MB on disk)",
        rows / seconds,
        bytes / seconds / 1e6,
        journal.disk_bytes() / 1_000_000
    );
}
