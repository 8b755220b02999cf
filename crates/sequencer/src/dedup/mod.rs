//! The dedup window: which rows were stored lately, exactly, in little memory.
//!
//! ```text
//!   older                                                               newer
//!   ┌───────────────┬───────────────┬──────┬──────┬────┬──┬──┐  ┌───────┐  ┌────────┐
//!   │ run           │ run           │ run  │ run  │run │  │  │  │frozen │  │ active │
//!   └───────────────┴───────────────┴──────┴──────┴────┴──┴──┘  └───────┘  └────────┘
//!    files: sorted keys and offsets; in memory a filter          waiting    being
//!    and one number a page                                       to be      added to
//!                                                                written
//! ```
//!
//! Keys of the newest rows are in a map, which only the sequencer's thread touches. At a 512th of
//! the window it is frozen, and a background thread writes it to a *run*: a file of sorted keys. Eight
//! neighboring runs of a size are merged into one, so there are at most some thirty of them; the
//! oldest are dropped when they leave the window.
//!
//! Everything but the active map is immutable and shared as a [`view::View`]. Callers look their keys up
//! in it, in parallel, before they queue; the thread looks only at what is newer than the caller's
//! view. A look-up asks each run's filter, and where that cannot exclude the key reads one page, so
//! the answer is exact.
//!
//! Promises:
//! - A key is in the window before the next group is staged, and only when its row is stored.
//! - Nothing is lost by a crash: a hold named `dedup` keeps the journal's rows until their keys are
//!   in a run, and [`open`] reads those rows again. Runs outlive the journal's segments.
//! - A damaged run shortens the window; it never stops a start, and never yields a wrong answer.
//! - Memory is bounded. Where the disk takes runs too slowly a group waits for up to a second, and
//!   where it takes none the oldest waiting keys are forgotten and counted.
//!
//! [`header`] and [`page`] describe the files; they are named by the rows that they cover,
//! `{begin}-{end}.keys`, so that a merged run is recognized as covering its inputs.

mod active;
mod cursor;
mod filter;
mod header;
mod keeper;
mod key;
mod length;
mod load;
mod merge;
mod name;
mod page;
mod replay;
mod run;
mod run_writer;
mod shared;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tiers;
mod view;
mod window;

use std::path::Path;
use std::sync::Arc;

use journal::{Fs, Journal};

pub use self::header::newer_key_format;
pub(crate) use self::key::Key;
pub use self::length::WindowLength;
pub(crate) use self::shared::Lookup;
pub(crate) use self::window::Window;
use crate::error::Error;
use crate::options::DedupOptions;

/// Loads the runs of a journal, starts the background thread, and reads the rows not in runs yet.
pub(crate) fn open(
    fs: Arc<dyn Fs>,
    dir: &Path,
    journal: &Journal,
    options: DedupOptions,
) -> Result<Window, Error> {
    let view = load::load(&*fs, dir, journal)?;
    // Held before anything is read, so that no trim takes what is about to be read.
    let hold = journal.hold("dedup", view.end());
    let place = keeper::Place { fs, dir: dir.to_path_buf(), journal_id: journal.id() };
    // Rows that were trimmed without their keys in a run are a gap in the window.
    let begin = view.end().max(journal.first());
    let mut window = Window::start(place, hold, view, options, begin)?;
    replay::replay(&mut window, journal)?;
    Ok(window)
}
