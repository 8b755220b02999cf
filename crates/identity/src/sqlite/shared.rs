//! What is published and not in the tables yet, and the thread that writes it there.
//!
//! ```text
//! publish ─▶ dirty ─▶ frozen ─▶ tables
//! ```
//!
//! The thread that folds adds whole groups to `dirty`. The one that writes takes all of it at once,
//! which is a cut between two groups, and writes it together with the offset where the last of them
//! ends; meanwhile it is `frozen`, and still found here. A write that fails is tried again. Whoever
//! looks for something looks here first and in the tables then: what has left this place was in them
//! before.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tracing::warn;
use uuid::Uuid;

use super::{Cursor, StoreOptions, checkpoint, connect};
use crate::{Error, Layer};

/// How long the thread that writes waits at least where there is nothing to write.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// What is published and not in the tables yet.
#[derive(Debug)]
pub(super) struct Shared {
    live: Mutex<Live>,
    changed: Condvar,
    options: StoreOptions,
}

#[derive(Debug, Default)]
pub(super) struct Live {
    /// Published since `frozen` was taken.
    pub(super) dirty: Layer,
    /// Being written.
    pub(super) frozen: Option<Arc<Layer>>,
    /// How often something left for the tables.
    pub(super) generation: u64,
    /// What the tables reflect.
    pub(super) cursor: Option<Cursor>,
    /// Where the last group ends, where there was one.
    end: Option<u64>,
    /// Why the last attempt to write failed.
    failure: Option<String>,
    /// How often a checkpoint was asked for, and how often there was one or need for none.
    asked: u64,
    answered: u64,
    is_stopping: bool,
}

impl Live {
    /// The first that is not `None`, from newest to oldest.
    pub(super) fn find<T>(&self, of: impl Fn(&Layer) -> Option<T>) -> Option<T> {
        of(&self.dirty).or_else(|| of(self.frozen.as_deref()?))
    }

    /// Dirty and frozen, as they are there.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.dirty).chain(self.frozen.as_deref())
    }

    fn bytes(&self) -> usize {
        self.layers().map(Layer::bytes).sum()
    }

    /// Whether there is something to write: persons that are made again from elsewhere come in
    /// many groups that all end at the same offset.
    fn is_behind(&self) -> bool {
        let is_at_end = self.end == self.cursor.map(|cursor| cursor.offset);
        self.end.is_some() && !(self.dirty.is_empty() && is_at_end)
    }
}

impl Shared {
    pub(super) fn new(cursor: Option<Cursor>, options: StoreOptions) -> Self {
        let live = Mutex::new(Live { cursor, ..Live::default() });
        Self { live, changed: Condvar::new(), options }
    }

    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, live: MutexGuard<'a, Live>) -> MutexGuard<'a, Live> {
        self.changed.wait(live).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for what may change.
    pub(super) fn admit(&self) -> Result<(), Error> {
        let mut live = self.live();
        while live.bytes() > self.options.unwritten_bytes {
            if let Some(failure) = &live.failure {
                return Err(Error::Behind(failure.clone()));
            }
            self.changed.notify_all();
            live = self.wait(live);
        }
        Ok(())
    }

    /// Adds a group.
    pub(super) fn publish(&self, group: Layer, end: u64) {
        let mut live = self.live();
        live.dirty.absorb(group);
        live.end = Some(end);
        if live.dirty.bytes() >= self.options.checkpoint_bytes {
            self.changed.notify_all();
        }
    }

    /// Waits until all that is published is in the tables.
    pub(super) fn flush(&self) -> Result<(), Error> {
        let mut live = self.live();
        live.asked += 1;
        let asked = live.asked;
        live.failure = None;
        self.changed.notify_all();
        while live.answered < asked {
            if let Some(failure) = &live.failure {
                return Err(Error::Behind(failure.clone()));
            }
            live = self.wait(live);
        }
        Ok(())
    }

    /// Has what is published written now, and waits for it, but not long.
    pub(super) fn hurry(&self, patience: Duration) {
        let mut live = self.live();
        live.asked += 1;
        let (asked, deadline) = (live.asked, Instant::now() + patience);
        self.changed.notify_all();
        while live.answered < asked && live.failure.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(live, left);
            live = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn stop(&self) {
        self.live().is_stopping = true;
        self.changed.notify_all();
    }

    /// The next cut to write, once it is time; `None` when it is time to stop.
    fn next(&self, last: Instant) -> Option<(Arc<Layer>, u64, u64)> {
        let mut live = self.live();
        loop {
            if live.is_stopping {
                return None;
            }
            let rest = self.options.checkpoint_interval.saturating_sub(last.elapsed());
            let is_due = rest.is_zero()
                || live.asked > live.answered
                || live.dirty.bytes() >= self.options.checkpoint_bytes;
            let end = live.end.filter(|_| is_due && live.is_behind());
            if let Some(end) = end {
                let layer = Arc::new(std::mem::take(&mut live.dirty));
                live.frozen = Some(Arc::clone(&layer));
                return Some((layer, end, live.asked));
            }
            if live.asked > live.answered {
                live.answered = live.asked;
                self.changed.notify_all();
            }
            let rest = if rest.is_zero() { self.options.checkpoint_interval } else { rest };
            let waited = self.changed.wait_timeout(live, rest.max(SHORTEST_WAIT));
            live = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn written(&self, cursor: Cursor, asked: u64) {
        let mut live = self.live();
        let frozen = live.frozen.take();
        live.generation += 1;
        live.cursor = Some(cursor);
        live.failure = None;
        live.answered = live.answered.max(asked);
        drop(live);
        self.changed.notify_all();
        // Outside the lock: it may be the last to hold it, and it may be much.
        drop(frozen);
    }

    /// Notes a failure and waits a little; says whether to go on.
    fn failed(&self, failure: String) -> bool {
        let mut live = self.live();
        live.failure = Some(failure);
        self.changed.notify_all();
        let asked = live.asked;
        let until = Instant::now() + self.options.retry_interval;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            if live.is_stopping || rest.is_zero() || live.asked > asked {
                return !live.is_stopping;
            }
            let waited = self.changed.wait_timeout(live, rest);
            live = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The thread that writes checkpoints; it is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        shared: &Arc<Shared>,
        connection: Connection,
        journal_id: Uuid,
    ) -> Result<Self, Error> {
        let work = Work { shared: Arc::clone(shared), connection, journal_id };
        let thread = thread::Builder::new()
            .name("persons-checkpoint".to_owned())
            .spawn(move || work.run())
            .map_err(Error::Thread)?;
        Ok(Self { shared: Arc::clone(shared), thread: Some(thread) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.stop();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            warn!(
                "the thread that writes persons panicked; the journal has what it had not written"
            );
        }
    }
}

struct Work {
    shared: Arc<Shared>,
    connection: Connection,
    journal_id: Uuid,
}

impl Work {
    fn run(mut self) {
        let _ended = Ended(Arc::clone(&self.shared));
        let mut last = Instant::now();
        while let Some((layer, offset, asked)) = self.shared.next(last) {
            let cursor = Cursor { journal_id: self.journal_id, offset };
            while let Err(error) = checkpoint::write(&mut self.connection, &layer, cursor) {
                warn!(%error, "persons could not be written, trying again");
                if !self.shared.failed(error.to_string()) {
                    return;
                }
            }
            self.shared.written(cursor, asked);
            checkpoint::cut_log(&self.connection);
            last = Instant::now();
        }
    }
}

/// Makes the end of the thread visible, however it comes: nobody waits for room for ever.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.live().failure = Some("nothing is written any more".to_owned());
        self.0.changed.notify_all();
    }
}

/// Opens the file for the thread that writes, with its tables.
pub(super) fn prepared(path: &Path) -> Result<Connection, Error> {
    let mut connection = connect::writer(path)?;
    super::schema::migrate(&mut connection, path)?;
    Ok(connection)
}
