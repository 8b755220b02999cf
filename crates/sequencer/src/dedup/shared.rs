//! What the sequencer's thread, the background thread and callers share of the window.
//!
//! The view is replaced as a whole under one lock; whoever has a version keeps it as long as needed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event::Timestamp;
use journal::Offset;
use metrics::{counter, gauge};
use tracing::warn;

use super::active::{Active, Frozen};
use super::length::WindowLength;
use super::run::Run;
use super::view::{Part, View};
use crate::metrics::{LOST_KEYS_TOTAL, MEMORY_BYTES, REASON, WINDOW_KEYS, WINDOW_SECONDS};
use crate::received::Received;

/// Frozen maps that may wait to be written. More would exceed the memory that is promised.
const MAX_WAITING: usize = 2;

/// The pause after a failed write.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// The window, as far as it is shared.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Work for the background thread, or room made by it.
    changed: Condvar,
    /// Memory that writing and merging take at the moment.
    working_bytes: AtomicUsize,
    peak_bytes: AtomicUsize,
}

#[derive(Debug)]
struct State {
    view: Arc<View>,
    active: ActiveStatus,
    /// Where the frozen map begins that is being written.
    writing: Option<Offset>,
    has_failed: bool,
    /// Whether the journal is held for keys that were forgotten.
    is_releasable: bool,
    is_stopping: bool,
    is_written_by_nobody: bool,
}

/// What others may know of the active map.
#[derive(Clone, Copy, Debug, Default)]
struct ActiveStatus {
    begin: Offset,
    keys: usize,
    memory_bytes: usize,
    received: Option<Received>,
    latest: Option<Timestamp>,
}

/// What the background thread is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Write what waits, and see to the runs.
    Work,
    /// Write what waits, and end.
    Stop,
}

impl Shared {
    pub(crate) fn new(view: View) -> Self {
        let state = State {
            view: Arc::new(view),
            active: ActiveStatus::default(),
            writing: None,
            has_failed: false,
            is_releasable: false,
            is_stopping: false,
            is_written_by_nobody: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            working_bytes: AtomicUsize::new(0),
            peak_bytes: AtomicUsize::new(0),
        }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&self.state().view)
    }

    /// Hands a frozen map over to be written; never waits.
    ///
    /// Where too many wait already, the oldest is forgotten.
    pub(crate) fn push_frozen(&self, frozen: Frozen) {
        let mut state = self.state();
        if state.view.frozen().count() >= MAX_WAITING {
            state.forget_oldest_waiting();
        }
        state.active =
            ActiveStatus { begin: frozen.end, latest: state.active.latest, ..Default::default() };
        state.view = Arc::new(state.view.with(Part::Frozen(Arc::new(frozen))));
        drop(state);
        self.changed.notify_all();
    }

    /// Forgets the maps that wait, where writing them has failed.
    pub(crate) fn forget_unwritable(&self) {
        let mut state = self.state();
        if state.has_failed {
            while state.forget_oldest_waiting() {}
            // The next map is tried at once, and these hold the journal no more.
            state.has_failed = false;
            state.is_releasable = true;
            self.changed.notify_all();
        }
    }

    /// Waits until a frozen map may be pushed without forgetting another, if that can be hoped for.
    ///
    /// A disk that fails is not waited for.
    pub(crate) fn wait_for_room(&self, patience: Duration) {
        let is_full = |state: &mut State| {
            state.view.frozen().count() >= MAX_WAITING
                && !state.has_failed
                && !state.is_written_by_nobody
        };
        let waited = self.changed.wait_timeout_while(self.state(), patience, is_full);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until there is something to do.
    pub(crate) fn wait_for_task(&self) -> Task {
        let mut state = self.state();
        if state.has_failed && !state.is_stopping {
            let waited = self
                .changed
                .wait_timeout_while(state, RETRY_INTERVAL, |state| {
                    state.has_failed && !state.is_stopping
                })
                .unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
        }
        state = self
            .changed
            .wait_while(state, |state| !state.has_work() && !state.is_stopping)
            .unwrap_or_else(PoisonError::into_inner);
        match state.is_stopping {
            true => Task::Stop,
            false => Task::Work,
        }
    }

    /// Returns the oldest frozen map, and remembers that it is being written.
    pub(crate) fn begin_write(&self) -> Option<Arc<Frozen>> {
        let mut state = self.state();
        let frozen = state.view.frozen().next().cloned();
        state.writing = frozen.as_ref().map(|frozen| frozen.begin);
        frozen
    }

    /// Notes whether the map of [`Shared::begin_write`] was written.
    pub(crate) fn end_write(&self, written: Option<Arc<Run>>) {
        let mut state = self.state();
        state.writing = None;
        state.has_failed = written.is_none();
        if let Some(run) = written {
            state.view = Arc::new(state.view.with(Part::Run(run)));
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Returns the offset below which the window needs the journal no more.
    pub(crate) fn releasable(&self) -> Offset {
        let mut state = self.state();
        state.is_releasable = false;
        state.view.unwritten_from(state.active.begin)
    }

    /// Puts a merged run in the place of its inputs.
    pub(crate) fn put_merged(&self, run: Arc<Run>) {
        let mut state = self.state();
        state.view = Arc::new(state.view.with(Part::Run(run)));
    }

    /// Takes a run out of the window.
    pub(crate) fn remove(&self, run: &Run) {
        let mut state = self.state();
        state.view = Arc::new(state.view.without(run.header.begin));
    }

    pub(crate) fn stop(&self) {
        self.state().is_stopping = true;
        self.changed.notify_all();
    }

    /// Whether the last attempt to write keys failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.state().has_failed
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.state().is_stopping
    }

    /// Notes that there is no background thread any more.
    pub(crate) fn set_written_by_nobody(&self) {
        self.state().is_written_by_nobody = true;
        self.changed.notify_all();
    }

    /// Notes what is in the active map; `latest` is the receipt time of the newest group.
    pub(crate) fn set_active(&self, active: &Active, latest: Option<Timestamp>) {
        let mut state = self.state();
        state.active = ActiveStatus {
            begin: active.begin(),
            keys: active.len(),
            memory_bytes: active.memory_bytes(),
            received: active.received(),
            latest: latest.or(state.active.latest),
        };
    }

    /// The receipt time of the newest group.
    pub(crate) fn latest(&self) -> Option<Timestamp> {
        self.state().active.latest
    }

    /// Counts memory that the background thread takes, until the answer is dropped.
    pub(crate) fn working(&self, bytes: usize) -> Working<'_> {
        self.working_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.report();
        Working { shared: self, bytes }
    }

    /// Computes the window's length and reports it as metrics.
    pub(crate) fn report(&self) -> WindowLength {
        let length = self.length();
        gauge!(WINDOW_SECONDS).set(length.duration.as_secs_f64());
        gauge!(WINDOW_KEYS).set(length.keys as f64);
        gauge!(MEMORY_BYTES).set(length.memory_bytes as f64);
        length
    }

    pub(crate) fn length(&self) -> WindowLength {
        let (view, active) = {
            let state = self.state();
            (Arc::clone(&state.view), state.active)
        };
        let memory_bytes =
            view.memory_bytes() + active.memory_bytes + self.working_bytes.load(Ordering::Relaxed);
        self.peak_bytes.fetch_max(memory_bytes, Ordering::Relaxed);
        WindowLength {
            duration: duration(&view, active),
            keys: view.keys() + active.keys as u64,
            memory_bytes,
            peak_memory_bytes: self.peak_bytes.load(Ordering::Relaxed),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Shared::working`].
#[derive(Debug)]
pub(crate) struct Working<'a> {
    shared: &'a Shared,
    bytes: usize,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.shared.working_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl State {
    fn has_work(&self) -> bool {
        self.is_releasable
            || self.view.frozen().next().is_some()
            || self.view.runs().any(|run| run.is_damaged())
    }

    /// Forgets the oldest map that is not being written; false where there is none.
    fn forget_oldest_waiting(&mut self) -> bool {
        let waiting = self.view.frozen().find(|frozen| Some(frozen.begin) != self.writing);
        let Some(frozen) = waiting.cloned() else { return false };
        self.view = Arc::new(self.view.without(frozen.begin));
        let keys = frozen.keys.len() as u64;
        warn!(dedup.keys = keys, "keys cannot be written, so retries of them are not recognized");
        count_lost(keys, "not_written");
        true
    }
}

/// Counts keys that are forgotten before their time.
pub(crate) fn count_lost(keys: u64, reason: &'static str) {
    counter!(LOST_KEYS_TOTAL, REASON => reason).increment(keys);
}

fn duration(view: &View, active: ActiveStatus) -> Duration {
    let frozen = view.received_without_gap(active.begin);
    let received = match (active.received, frozen) {
        (Some(active), frozen) => Some(active.union_with(frozen)),
        (None, frozen) => frozen,
    };
    let micros = received.map_or(0, Received::span_micros);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// What callers do with the window: look keys up among older rows.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    shared: Arc<Shared>,
}

impl Lookup {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.shared.view()
    }

    pub(crate) fn length(&self) -> WindowLength {
        self.shared.length()
    }
}
