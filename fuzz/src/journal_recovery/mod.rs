//! Opening a journal whose folder is in any state.
//!
//! The input is a script. It writes a journal's files byte by byte from the description of their
//! format (an encoder of its own, so that recovery is not checked against itself), damages them, and
//! forges records and headers with checksums that are right. Then:
//!
//! - Opening never panics. It refuses only where something was damaged.
//! - Every row that is found was written, in its place and order; no damage makes one up.
//! - Records in front of the damage are found, or the journal refuses.
//! - Where an undamaged file says that more had been synced than is found, the journal refuses.
//! - What was found once is found again after the power went, and the next commit comes after it.

mod folder;
mod format;
mod script;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use journal::sim::SimFs;
use journal::{Batch, Error, Journal, Offset, Options, Record, Writer};

use self::folder::Folder;
use self::script::Script;

/// Where the simulated journal lives.
const DIR: &str = "/journal";
/// Offsets beyond this are forged; a journal there may be out of numbers.
const LARGEST_OFFSET: u64 = 1 << 62;

/// Opens the journal that a script describes.
pub fn journal_recovery(input: &[u8]) {
    let mut script = Script::new(input);
    let seen = u64::from(script.byte() & 0x7f);
    let mut folder = Folder::default();
    while let Some(operation) = script.operation() {
        folder.apply(operation, &mut script);
    }
    let written = folder.finish();
    let fs = SimFs::new(input.len() as u64);
    written.store(&fs, Path::new(DIR));
    let at_least = Offset::new(seen);
    let (mut writer, journal) = match open(&fs, at_least) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(!matches!(error, Error::Io(_)), "the disk did not fail: {error}");
            assert!(written.is_changed(), "refused what nobody damaged: {error}");
            return;
        }
    };
    let found = read(&journal);
    if !written.is_forged() {
        written.check(&found);
    }
    let end = found.last().map_or(Offset::ZERO, Record::end);
    assert!(writer.next_offset() >= end.max(at_least), "{} was given", writer.next_offset());
    // As much work as all before, so not for every script.
    let sum: usize = input.iter().map(|byte| usize::from(*byte)).sum();
    if sum.is_multiple_of(4) && writer.next_offset().get() < LARGEST_OFFSET {
        goes_on(&fs, &mut writer, &found);
    }
}

fn open(fs: &SimFs, at_least: Offset) -> Result<(Writer, Journal), Error> {
    let options = Options {
        segment_bytes: 16 << 10,
        budget_bytes: 1 << 40,
        reserve_bytes: 0,
        max_record_bytes: 8 << 10,
        at_least,
        ..Options::default()
    };
    Journal::open(Arc::new(fs.clone()), Path::new(DIR), options)
}

fn read(journal: &Journal) -> Vec<Record> {
    let start = journal.cursor(journal.first());
    let mut reader = journal.reader(start).expect("the first offset can be read");
    let mut found: Vec<Record> = Vec::new();
    loop {
        let some = reader.read(4096).expect("what was opened can be read");
        match some.is_empty() {
            true => return found,
            false => found.extend(some),
        }
    }
}

/// Commits one record more, cuts the power, and reads everything again.
fn goes_on(fs: &SimFs, writer: &mut Writer, found: &[Record]) {
    let payload = Bytes::from_static(b"one more");
    let batch = Batch { rows: 1, payload: payload.clone() };
    let range = writer.commit(&[batch]).expect("the disk has room");
    let fs = fs.power_loss();
    let (_writer, journal) = open(&fs, Offset::ZERO).expect("it was opened before");
    let again = read(&journal);
    let last = Record { first: range.start, rows: 1, payload };
    let (first, rest) = again.split_at(found.len().min(again.len()));
    assert_eq!(first, found, "what was found is lost");
    assert_eq!(rest, [last], "what was committed");
}
