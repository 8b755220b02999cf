//! The handle that everybody but the writer has: where the journal ends, who reads, who holds.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tracing::debug;

use crate::error::{Context, Error};
use crate::fs::Fs;
use crate::hold::{Hold, HoldStatus};
use crate::offset::{Cursor, JournalId, Offset};
use crate::options::Options;
use crate::reader::Reader;
use crate::recovery::remove_leftovers;
use crate::segments::{SegmentFile, Segments};
use crate::writer::Writer;
use crate::{open, segment};

/// A handle to an open journal; clones are the same journal.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    id: JournalId,
    segments: Mutex<Segments>,
    synced: watch::Sender<Offset>,
    /// Held while files are removed, so that they go strictly from the oldest on.
    trimming: Mutex<()>,
}

impl Journal {
    /// Opens the journal in `dir`, or begins one, and makes good what a crash left behind.
    ///
    /// All that is held is read and checked. A full disk or a spent budget does not prevent opening,
    /// since what is there must be drained.
    ///
    /// # Errors
    /// When something durable was lost or damaged, the format is newer, or the disk fails.
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: Options) -> Result<(Writer, Self), Error> {
        open::open(fs, dir, options)
    }

    /// Opens the journal in `dir` to read what is there; `None` where there is none.
    ///
    /// Nothing is written. The journal must not be open elsewhere.
    ///
    /// # Errors
    /// When something durable was lost or damaged, the format is newer, or the disk fails.
    pub fn open_read_only(fs: Arc<dyn Fs>, dir: &Path) -> Result<Option<Self>, Error> {
        open::open_read_only(fs, dir)
    }

    pub(crate) fn new(
        fs: Arc<dyn Fs>,
        dir: &Path,
        id: JournalId,
        segments: Segments,
        synced: Offset,
    ) -> Self {
        let shared = Shared {
            fs,
            dir: dir.to_path_buf(),
            id,
            segments: Mutex::new(segments),
            synced: watch::Sender::new(synced),
            trimming: Mutex::new(()),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the id that the journal has had since it was begun.
    pub fn id(&self) -> JournalId {
        self.shared.id
    }

    /// Returns the offset below which every row is durable.
    pub fn synced(&self) -> Offset {
        *self.shared.synced.borrow()
    }

    /// Returns a receiver that sees the synced offset grow.
    pub fn subscribe(&self) -> watch::Receiver<Offset> {
        self.shared.synced.subscribe()
    }

    /// Returns the offset of the oldest row still held.
    pub fn first(&self) -> Offset {
        self.segments().first()
    }

    /// Returns a cursor of this journal.
    pub fn cursor(&self, offset: Offset) -> Cursor {
        Cursor { journal_id: self.id(), offset }
    }

    /// Starts reading at a cursor.
    ///
    /// # Errors
    /// [`Error::Foreign`] and [`Error::PastEnd`] for a cursor that was never valid here,
    /// [`Error::Gone`] for one whose rows were trimmed, and what reading yields.
    pub fn reader(&self, from: Cursor) -> Result<Reader, Error> {
        if from.journal_id != self.id() {
            return Err(Error::Foreign { cursor: from, journal: self.id() });
        }
        let end = self.synced();
        if from.offset > end {
            return Err(Error::PastEnd { asked: from.offset, end, journal: self.id() });
        }
        Reader::new(self.clone(), from.offset)
    }

    /// Keeps every row from `at` on until the hold is advanced, parked or dropped.
    pub fn hold(&self, name: &str, at: Offset) -> Hold {
        Hold::new(self.clone(), name, at)
    }

    /// Returns all holds, in the order in which they were taken.
    pub fn holds(&self) -> Vec<HoldStatus> {
        self.segments().holds.statuses()
    }

    /// Removes the oldest segments that lie wholly below every hold, and returns how many.
    ///
    /// The segment that is being written stays. Where nobody holds anything, all others go: take
    /// the holds first.
    ///
    /// # Errors
    /// When a file cannot be removed; it is tried again next time.
    pub fn trim(&self) -> Result<usize, Error> {
        let _one_at_a_time = self.shared.trimming.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.segments().has_unneeded() {
            return Ok(0);
        }
        self.clear_leftovers()?;
        // A removal whose own sync failed must be durable before the next one.
        self.sync_dir()?;
        let mut removed = 0;
        while let Some(segment) = self.pop_unneeded() {
            if let Err(error) = self.fs().remove(&segment.path).context("remove", &segment.path) {
                self.segments().restore(segment);
                return Err(error.into());
            }
            debug!(segment.path = %segment.path.display(), "removed a segment that nobody needs");
            removed += 1;
            // One at a time: a crash must not leave an older segment and take a younger one.
            self.sync_dir()?;
        }
        Ok(removed)
    }

    /// Returns the segments' files, oldest first, each as far as its rows are durable: a copy of these bytes
    /// is a journal that ends there. Only a hold keeps files from being removed meanwhile.
    pub fn files(&self) -> Vec<SegmentFile> {
        self.segments().files()
    }

    /// Returns what the segments take on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.segments().disk_bytes()
    }

    /// Returns about how many bytes of records lie between `offset` and the end.
    pub fn lag_bytes(&self, offset: Offset) -> u64 {
        self.segments().bytes_from(offset)
    }

    pub(crate) fn fs(&self) -> &Arc<dyn Fs> {
        &self.shared.fs
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.shared.dir
    }

    pub(crate) fn segments(&self) -> MutexGuard<'_, Segments> {
        self.shared.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets everybody see what was synced.
    pub(crate) fn publish(&self, synced: Offset) {
        self.shared.synced.send_replace(synced);
    }

    /// Puts a segment behind the others; from here on it is the one that is written.
    pub(crate) fn push_segment(&self, segment: Arc<segment::Segment>) {
        self.segments().push(segment);
    }

    /// Removes the files of segments that turned out to hold nothing, durably.
    pub(crate) fn clear_leftovers(&self) -> Result<(), Error> {
        let leftovers = self.segments().leftovers();
        if leftovers.is_empty() {
            return Ok(());
        }
        remove_leftovers(&**self.fs(), self.dir(), &leftovers)?;
        self.segments().forget_leftovers(&leftovers);
        Ok(())
    }

    fn pop_unneeded(&self) -> Option<Arc<segment::Segment>> {
        self.segments().pop_unneeded()
    }

    fn sync_dir(&self) -> Result<(), Error> {
        Ok(self.fs().sync_dir(self.dir()).context("sync", self.dir())?)
    }
}
