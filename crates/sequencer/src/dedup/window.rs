//! The window as the sequencer's thread has it: the active map on top of the shared view.

use std::sync::Arc;
use std::time::Duration;

use journal::{Hold, Offset};

use super::active::Active;
use super::keeper::{Keeper, Place};
use super::key::Key;
use super::shared::{Lookup, Shared};
use super::tiers::Sizes;
use super::view::View;
use crate::error::Error;
use crate::options::DedupOptions;
use crate::prepared::PreparedRow;
use crate::received::Received;

/// How long a group waits for a disk that is slow to take keys. It takes the journal just as slowly.
const PATIENCE: Duration = Duration::from_secs(1);

/// The same where nobody waits for an answer.
const PATIENCE_AT_START_AND_END: Duration = Duration::from_secs(60);

/// Admits rows, group by group.
#[derive(Debug)]
pub(crate) struct Window {
    shared: Arc<Shared>,
    active: Active,
    /// The view of the group.
    view: Arc<View>,
    options: DedupOptions,
    flush_keys: usize,
    /// Last, so that the background thread outlives what it may be asked for.
    _keeper: Keeper,
}

impl Window {
    /// Starts with the runs that were loaded; rows from the hold on are still to be added.
    pub(crate) fn start(
        place: Place,
        hold: Hold,
        view: View,
        options: DedupOptions,
        begin: Offset,
    ) -> Result<Self, Error> {
        let flush_keys = Sizes::of_window(options.max_keys).flush_keys;
        let flush_keys = usize::try_from(flush_keys).unwrap_or(usize::MAX);
        let shared = Arc::new(Shared::new(view));
        let keeper = Keeper::start(Arc::clone(&shared), place, hold, options.clone())?;
        let active = Active::new(begin, flush_keys);
        shared.set_active(&active, None);
        let view = shared.view();
        Ok(Self { shared, active, view, options, flush_keys, _keeper: keeper })
    }

    pub(crate) fn lookup(&self) -> Lookup {
        Lookup::new(Arc::clone(&self.shared))
    }

    /// The first row whose key is in the active map, or will be.
    pub(crate) fn begin(&self) -> Offset {
        self.active.begin()
    }

    /// Begins a group of at most so many rows.
    pub(crate) fn begin_group(&mut self, rows: usize) {
        if !self.active.has_room_for(rows) {
            self.freeze_when_possible(PATIENCE);
        }
        self.view = self.shared.view();
    }

    /// Returns the row that this one is a duplicate of, or takes it in at `offset`.
    pub(crate) fn admit(
        &mut self,
        row: &PreparedRow,
        looked_up_to: Offset,
        offset: Offset,
    ) -> Option<Offset> {
        let key = row.key?;
        row.original
            .or_else(|| self.view.find_newer(key, looked_up_to))
            .or_else(|| self.active.insert(key, offset))
    }

    /// Says where a row came to be that was taken in at another offset.
    pub(crate) fn place(&mut self, row: &PreparedRow, offset: Offset) {
        if let Some(key) = row.key {
            self.active.place(key, offset);
        }
    }

    /// Keeps what the group added: its rows, up to `end`, are stored.
    pub(crate) fn publish(&mut self, end: Offset, bytes: u64, received: Received) {
        self.publish_patiently(PATIENCE, end, bytes, received);
        self.shared.report();
    }

    /// Takes back what the group added: nothing of it is stored.
    pub(crate) fn discard(&mut self) {
        self.active.discard();
    }

    /// Lets go of the journal's rows as soon as possible, since the journal has no room left.
    ///
    /// Keys that cannot be written are forgotten for it: they must not stop ingestion.
    pub(crate) fn release_journal(&mut self) {
        self.shared.forget_unwritable();
        if !self.is_writing() {
            self.freeze();
        }
    }

    /// Lets go of the journal's rows without hurry: keys are written in the background, unless older
    /// ones are being written already.
    pub(crate) fn let_go_of_journal(&mut self) {
        if !self.is_writing() {
            self.freeze();
        }
    }

    /// Adds a row that is stored already.
    pub(crate) fn replay_key(&mut self, key: Key, offset: Offset) {
        self.active.insert(key, offset);
    }

    /// Like [`Window::publish`], but waits for the disk rather than forget keys.
    pub(crate) fn publish_replayed(&mut self, end: Offset, bytes: u64, received: Received) {
        self.publish_patiently(PATIENCE_AT_START_AND_END, end, bytes, received);
    }

    /// Writes everything out, so that the next start need not read the journal.
    pub(crate) fn close(mut self) {
        self.freeze_when_possible(PATIENCE_AT_START_AND_END);
    }

    fn publish_patiently(
        &mut self,
        patience: Duration,
        end: Offset,
        bytes: u64,
        received: Received,
    ) {
        self.active.publish(end, bytes, received);
        // Before the background thread is woken, since it drops what has expired by this time.
        self.shared.set_active(&self.active, Some(received.newest));
        if self.is_due() {
            self.freeze_when_possible(patience);
        }
    }

    /// Whether the active map is full, or has held the journal for long.
    ///
    /// What holds the journal can wait while another map does so too; only a full map may push
    /// others out.
    fn is_due(&self) -> bool {
        self.active.len() >= self.flush_keys || (self.is_overdue() && !self.is_writing())
    }

    fn is_overdue(&self) -> bool {
        let flush_micros = i64::try_from(self.options.flush_interval.as_micros());
        let span_micros = self.active.received().map_or(0, Received::span_micros);
        self.active.journal_bytes() >= self.options.flush_bytes
            || span_micros >= flush_micros.unwrap_or(i64::MAX)
    }

    fn is_writing(&self) -> bool {
        self.shared.view().frozen().next().is_some()
    }

    /// Freezes; waits a while before that makes the window forget keys.
    fn freeze_when_possible(&mut self, patience: Duration) {
        self.shared.wait_for_room(patience);
        self.freeze();
    }

    fn freeze(&mut self) {
        if let Some(frozen) = self.active.freeze(self.flush_keys) {
            self.shared.push_frozen(frozen);
            self.shared.set_active(&self.active, None);
        }
    }
}
