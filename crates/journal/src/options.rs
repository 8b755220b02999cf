//! Limits of a journal.

use std::io;
use std::path::Path;

use crate::fs::Fs;
use crate::offset::Offset;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The budget where nobody chose one, on a disk that is large enough for it.
const DEFAULT_BUDGET_BYTES: u64 = 10 * GIB;

/// The part of a small disk that the journal may take: a fifth.
const DEFAULT_BUDGET_DISK_SHARE: u64 = 5;

/// The limits of a journal, chosen when it is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Tells journals apart in metrics and logs.
    pub name: &'static str,
    /// The size at which a segment is preallocated; at most half of the budget is used.
    ///
    /// A group that is larger gets a segment of its own size, since a group is never split.
    pub segment_bytes: u64,
    /// The most that all segments together may take on disk.
    pub budget_bytes: u64,
    /// What is left free on the volume for lake commits, SQLite and dead letters.
    pub reserve_bytes: u64,
    /// The largest payload of one record.
    pub max_record_bytes: usize,
    /// The highest offset that anybody may have seen. No row is written below it, not even when
    /// the journal's own end was lost.
    pub at_least: Offset,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "events",
            segment_bytes: 64 * MIB,
            budget_bytes: DEFAULT_BUDGET_BYTES,
            reserve_bytes: GIB,
            max_record_bytes: 8 << 20,
            at_least: Offset::ZERO,
        }
    }
}

impl Options {
    /// Computes the budget where nobody chose one: 10 GiB, or a fifth of a smaller disk.
    ///
    /// # Errors
    /// When the volume of `dir` cannot be examined.
    pub fn default_budget_bytes(fs: &dyn Fs, dir: &Path) -> io::Result<u64> {
        let share = fs.space(dir)?.total_bytes / DEFAULT_BUDGET_DISK_SHARE;
        Ok(share.min(DEFAULT_BUDGET_BYTES))
    }

    /// A segment larger than half of the budget would leave no room for its successor.
    pub(crate) fn segment_target_bytes(&self) -> u64 {
        self.segment_bytes.min(self.budget_bytes / 2)
    }
}
