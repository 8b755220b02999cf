//! The background thread: writes frozen maps, merges runs, drops what left the window.
//!
//! Writing comes first: a merge pauses every few milliseconds to write what waits. A failure is
//! logged and tried again; it never reaches the sequencer.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use journal::{Fs, Hold, JournalId};
use metrics::counter;
use tracing::{debug, warn};

use super::active::Frozen;
use super::cursor::RunCursor;
use super::load::move_aside;
use super::merge::{MergeError, merge};
use super::run::Run;
use super::run_writer::{RunWriter, Subject};
use super::shared::{Shared, Task, count_lost};
use super::tiers::Sizes;
use super::view::report_damage;
use crate::error::Error;
use crate::metrics::WRITE_FAILURES_TOTAL;
use crate::options::DedupOptions;

const THREAD_NAME: &str = "sequencer-dedup";

/// Where runs are kept.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) dir: PathBuf,
    pub(crate) journal_id: JournalId,
}

/// Keeps the background thread running; dropped, it stops the thread and waits for it.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(
        shared: Arc<Shared>,
        place: Place,
        hold: Hold,
        options: DedupOptions,
    ) -> Result<Self, Error> {
        let sizes = Sizes::of_window(options.max_keys);
        let work = Work { shared: Arc::clone(&shared), place, hold, options, sizes };
        let thread = thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || work.run())
            .map_err(|source| Error::Thread { name: THREAD_NAME, source })?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // A panic was already reported by the thread itself.
            thread.join().ok();
        }
    }
}

struct Work {
    shared: Arc<Shared>,
    place: Place,
    hold: Hold,
    options: DedupOptions,
    sizes: Sizes,
}

impl Drop for Work {
    fn drop(&mut self) {
        // Also after a panic, so that nobody waits for room that will not be made.
        self.shared.set_written_by_nobody();
    }
}

impl Work {
    fn run(self) {
        loop {
            let task = self.shared.wait_for_task();
            self.write_waiting();
            if task == Task::Stop {
                return;
            }
            self.remove_damaged();
            self.drop_expired();
            self.merge_all();
            self.shared.report();
        }
    }

    /// Writes frozen maps, the oldest first, until none waits or one fails.
    fn write_waiting(&self) {
        while let Some(frozen) = self.shared.begin_write() {
            let written = self.write(&frozen).map(Arc::new);
            let written = written.inspect_err(|error| failed("write", &self.place.dir, error)).ok();
            let is_written = written.is_some();
            self.shared.end_write(written);
            if !is_written {
                break;
            }
        }
        self.hold.advance(self.shared.releasable());
    }

    fn write(&self, frozen: &Frozen) -> io::Result<Run> {
        let keys = frozen.keys.len() as u64;
        let subject = Subject {
            journal_id: self.place.journal_id,
            begin: frozen.begin,
            end: frozen.end,
            received: frozen.received,
            max_keys: keys,
            filter_bits_per_key: self.filter_bits(keys),
        };
        let mut writer = RunWriter::create(&*self.place.fs, &self.place.dir, subject)?;
        let entries = frozen.sorted();
        let sorted_bytes = size_of_val(&entries[..]);
        let _working = self.shared.working(sorted_bytes + writer.memory_bytes());
        entries.into_iter().try_for_each(|(key, offset)| writer.push(key, offset))?;
        writer.finish()
    }

    fn filter_bits(&self, keys: u64) -> u32 {
        self.sizes.filter_bits(keys, self.options.filter_bits_per_key)
    }

    fn remove_damaged(&self) {
        let view = self.shared.view();
        for run in view.runs().filter(|run| run.is_damaged()) {
            self.shared.remove(run);
            count_lost(run.header.keys, "damaged");
            move_aside(&*self.place.fs, &run.path, "a page of it is damaged");
        }
    }

    /// Drops the oldest runs that are out of the window, in time or in number.
    fn drop_expired(&self) {
        let Some(latest) = self.shared.latest() else { return };
        let window_micros = i64::try_from(self.options.window.as_micros()).unwrap_or(i64::MAX);
        let view = self.shared.view();
        let mut keys = view.keys();
        for run in view.runs() {
            let is_old = latest.micros_since(run.header.received.newest) > window_micros;
            if !is_old && keys <= self.options.max_keys {
                return;
            }
            keys -= run.header.keys;
            self.shared.remove(run);
            self.remove_file(run);
        }
    }

    fn merge_all(&self) {
        loop {
            let runs: Vec<_> = self.shared.view().runs().cloned().collect();
            let keys: Vec<_> = runs.iter().map(|run| run.header.keys).collect();
            let chosen = self.sizes.choose(&keys).and_then(|chosen| runs.get(chosen));
            let Some(inputs) = chosen.filter(|inputs| self.has_space_for(inputs)) else { return };
            match self.merge(inputs) {
                Ok(()) => {}
                Err(MergeError::Interrupted) => return,
                Err(MergeError::Input { run, cause }) => {
                    report_damage(&run, &cause);
                    return self.remove_damaged();
                }
                Err(MergeError::Output(error)) => {
                    return failed("merge", &self.place.dir, &error);
                }
            }
        }
    }

    fn merge(&self, inputs: &[Arc<Run>]) -> Result<(), MergeError> {
        let Some(subject) = self.merged_subject(inputs) else { return Ok(()) };
        let mut writer = RunWriter::create(&*self.place.fs, &self.place.dir, subject)?;
        let cursor_bytes = inputs.len() * RunCursor::MEMORY_BYTES;
        let _working = self.shared.working(writer.memory_bytes() + cursor_bytes);
        merge(inputs, &mut writer, || self.pause())?;
        let run = Arc::new(writer.finish()?);
        debug!(dedup.keys = run.header.keys, dedup.inputs = inputs.len(), "merged key files");
        self.shared.put_merged(run);
        inputs.iter().for_each(|input| self.remove_file(input));
        Ok(())
    }

    fn merged_subject(&self, inputs: &[Arc<Run>]) -> Option<Subject> {
        let (first, last) = (inputs.first()?, inputs.last()?);
        let max_keys = inputs.iter().map(|run| run.header.keys).sum();
        Some(Subject {
            journal_id: self.place.journal_id,
            begin: first.header.begin,
            end: last.header.end,
            received: inputs.iter().map(|run| run.header.received).reduce(|a, b| a.union(b))?,
            max_keys,
            filter_bits_per_key: self.filter_bits(max_keys),
        })
    }

    /// What a merge lets happen in between.
    fn pause(&self) -> ControlFlow<()> {
        self.write_waiting();
        match self.shared.is_stopping() || self.shared.has_failed() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn has_space_for(&self, inputs: &[Arc<Run>]) -> bool {
        let bytes: u64 = inputs.iter().map(|run| run.header.file_bytes()).sum();
        let needed = bytes.saturating_add(self.options.merge_reserve_bytes);
        self.place.fs.space(&self.place.dir).is_ok_and(|space| space.free_bytes >= needed)
    }

    /// Removes a file that the window does not need; the next start finds it if that fails.
    fn remove_file(&self, run: &Run) {
        if let Err(error) = self.place.fs.remove(&run.path) {
            failed("remove", &run.path, &error);
        }
    }
}

fn failed(action: &str, path: &Path, error: &io::Error) {
    counter!(WRITE_FAILURES_TOTAL).increment(1);
    warn!(path = %path.display(), %error, "cannot {action} key files for deduplication");
}
