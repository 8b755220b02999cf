//! Finding out, after any kind of stop, what the journal holds.
//!
//! The last segment may end in anything: a torn record, a page that was written before the one in
//! front of it, a whole group that was answered with an error. The rule that tells loss from the
//! natural end:
//!
//! ```text
//!   record a     record b     record c      ?????       record e        zeros
//!   synced=0     synced=2     synced=2     (bad)        synced=N
//!   |------------|------------|------------|------------|---------------|------
//!   0            2            3            5
//!
//!   N <= 5: nobody was ever told that offset 5 is durable. The journal ends at 5; record e is
//!           of the same group as the bad one, or of none that was acknowledged, and is cut off.
//!   N >  5: offset 5 had been synced before e was written. Something durable was destroyed, and
//!           the journal refuses to open rather than forget it.
//! ```
//!
//! In an older segment there is no natural end: its successor says where it ends, and everything
//! up to there must be valid.
//!
//! [`recover`] only reads. What must be written before the journal may go on is in [`repair()`].

mod inventory;
mod repair;
mod scan;

use std::path::{Path, PathBuf};

pub use self::inventory::check_format;
pub(crate) use self::repair::{remove_leftovers, repair};
use self::scan::{Remainder, Scanner};
use crate::error::{Context, Damage, Error};
use crate::fs::Fs;
use crate::offset::{JournalId, Offset};
use crate::segment::{RECORDS_START, Segment};

/// What the files of a journal hold.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) journal_id: JournalId,
    /// The segments, oldest first and never none; extents cover what is valid.
    pub(crate) segments: Vec<Segment>,
    /// Files that provably hold nothing that was ever acknowledged.
    pub(crate) leftovers: Vec<PathBuf>,
    pub(crate) tail: Tail,
}

/// How the last segment ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    /// The offset after the last valid row, and after any gap.
    pub(crate) end: Offset,
    /// From here on nothing proves that the records were synced.
    pub(crate) unproven_position: u64,
    /// The position after the last valid record, a closing one included.
    pub(crate) end_position: u64,
    /// Whether nothing at all stands behind the end.
    pub(crate) is_clean: bool,
}

/// Examines the journal in `dir` without changing anything; `None` where there is none.
pub(crate) fn recover(fs: &dyn Fs, dir: &Path) -> Result<Option<Recovered>, Error> {
    let inventory = inventory::take(fs, dir)?;
    let Some(journal_id) = inventory.journal_id() else {
        return Ok(None);
    };
    let mut ends = inventory.segments.iter().skip(1).map(|segment| segment.header.previous_end);
    let mut tail = None;
    for segment in &inventory.segments {
        match ends.next() {
            Some(end) => verify_sealed(fs, segment, end)?,
            None => tail = Some(examine_last(fs, segment)?),
        }
    }
    Ok(tail.map(|tail| Recovered {
        journal_id,
        segments: inventory.segments,
        leftovers: inventory.leftovers,
        tail,
    }))
}

/// Removes what is left in a directory that holds no journal: a blank segment would look damaged as
/// soon as there is a newer one.
pub(crate) fn clear(fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
    let leftovers = inventory::take(fs, dir)?.leftovers;
    Ok(remove_leftovers(fs, dir, &leftovers)?)
}

/// Checks that a segment holds every row up to where its successor says that it ends.
fn verify_sealed(fs: &dyn Fs, segment: &Segment, end: Offset) -> Result<(), Error> {
    let file = fs.open_read(&segment.path).context("open", &segment.path)?;
    let mut scanner = Scanner::new(&*file, segment)?;
    while scanner.expected() < end {
        let found = scanner.advance().context("read", &segment.path)?;
        // A closing record is the last one of its segment, and no row comes after it.
        if found.is_none_or(|record| record.rows == 0 || record.end() > end) {
            let is_blank = scanner.remainder().context("read", &segment.path)?.is_blank;
            let damage = if is_blank { Damage::Missing { until: end } } else { Damage::Record };
            return Err(corrupt(segment, &scanner, damage));
        }
        segment.extend(scanner.expected(), scanner.position());
    }
    segment.seal();
    Ok(())
}

/// Finds the end of the last segment, by the rule above.
fn examine_last(fs: &dyn Fs, segment: &Segment) -> Result<Tail, Error> {
    let file = fs.open_read(&segment.path).context("open", &segment.path)?;
    let mut scanner = Scanner::new(&*file, segment)?;
    // The segment was begun when everything before its first offset was durable.
    let mut synced = segment.first();
    let mut unproven_position = RECORDS_START;
    loop {
        let position = scanner.position();
        let Some(record) = scanner.advance().context("read", &segment.path)? else {
            break;
        };
        if record.synced > synced {
            synced = record.synced;
            unproven_position = position;
        }
        if record.rows == 0 {
            break;
        }
        segment.extend(scanner.expected(), scanner.position());
    }
    let Remainder { is_blank, highest_synced } =
        scanner.remainder().context("read", &segment.path)?;
    if highest_synced.is_some_and(|claimed| claimed > scanner.expected()) {
        return Err(corrupt(segment, &scanner, Damage::Record));
    }
    Ok(Tail {
        end: scanner.expected(),
        unproven_position,
        end_position: scanner.position(),
        is_clean: is_blank,
    })
}

fn corrupt(segment: &Segment, scanner: &Scanner<'_>, damage: Damage) -> Error {
    Error::Corrupt {
        file: segment.path.clone(),
        position: scanner.position(),
        offset: scanner.expected(),
        damage,
    }
}
