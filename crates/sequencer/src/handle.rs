//! Where requests hand in their events.

use std::path::Path;
use std::sync::Arc;

use event::{Change, DedupSeed, Event, Placed, TeamId, Timestamp};
use identity::{Keeper, NotErased};
use journal::{Fs, Journal, Writer};
use tokio::task;

use crate::dedup::{self, Lookup, WindowLength};
use crate::erasure::Erase;
use crate::error::{Error, Rejected};
use crate::events::{EventLane, Outcome, Submission};
use crate::group::{self, Submitter};
use crate::guard::JoinGuard;
use crate::identity::Identity;
use crate::options::Options;
use crate::prepared::{Prepared, estimated_bytes};
use crate::queue::Weight;
use crate::receipt::{Offsets, Receipt};

/// What is encoded within a fraction of a millisecond.
const INLINE_BYTES: usize = 128 << 10;

/// Starts the sequencer of a journal of events.
///
/// Loads the dedup window from `dedup_dir` and reads the journal's rows that are not in it yet,
/// which takes a moment; a damaged key file is moved aside and shortens the window. Holds the
/// journal under the name `dedup`. What the journal has of persons that `keeper` does not is taken
/// over; the journal is held for it, too. This blocks.
///
/// # Errors
/// When the directory cannot be used, the journal cannot be read, or no thread can be started.
pub fn start(
    writer: Writer,
    journal: Journal,
    fs: Arc<dyn Fs>,
    dedup_dir: &Path,
    keeper: Box<dyn Keeper>,
    options: Options,
) -> Result<(Handle, JoinGuard), Error> {
    let seed = DedupSeed::of_journal(journal.id().as_uuid());
    let window = dedup::open(fs, dedup_dir, &journal, options.dedup)?;
    let lookup = window.lookup();
    let identity = Identity::open(keeper, &journal)?;
    let lane = EventLane::new(journal.id().as_uuid(), window, identity, options.erasures);
    let (submitter, guard) = group::start(lane, writer, options.queue)?;
    Ok((Handle { submitter, lookup, seed }, guard))
}

/// The erasure in its place, or why nobody was erased.
pub type Erased = Result<Placed, NotErased>;

/// An event with its project, as the edge hands it in.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The event.
    pub event: Event,
    /// The project of its token.
    pub team: TeamId,
}

/// Hands events to the sequencer; clones are the same sequencer.
#[derive(Clone, Debug)]
pub struct Handle {
    submitter: Submitter<EventLane>,
    lookup: Lookup,
    seed: DedupSeed,
}

impl Handle {
    /// Stores events and answers once all of them are durable, duplicates through their originals.
    ///
    /// All or nothing: a rejected submission left no row. Must be called within a Tokio runtime.
    /// A caller that stops waiting does not withdraw its events.
    ///
    /// # Errors
    /// When none of them was stored.
    pub async fn submit(&self, events: Vec<Submitted>) -> Result<Receipt, Rejected> {
        self.try_submit(events).await.inspect_err(group::count_rejection::<EventLane>)
    }

    /// Forgets somebody, in order with the events, and answers once that is durable.
    ///
    /// Events that were stored before are erased by whoever reads them; [`Options::erasures`] knows
    /// by then. The journal goes on in a new segment, so that the one that has them can go as soon
    /// as nobody needs it. A caller that stops waiting does not withdraw it.
    ///
    /// # Errors
    /// When it was not stored. A refusal says that there was nobody, or too much, to forget.
    pub async fn submit_erasure(&self, erase: Erase) -> Result<Erased, Rejected> {
        self.try_submit_erasure(erase).await.inspect_err(group::count_rejection::<EventLane>)
    }

    /// Stores changes of persons that were settled elsewhere, and answers once they are durable.
    ///
    /// They are rows alone: whoever keeps persons for this sequencer knows them already, or never
    /// reads the journal.
    ///
    /// # Errors
    /// When none of them was stored.
    pub async fn submit_changes(
        &self,
        changes: Vec<Change>,
        received_at: Timestamp,
    ) -> Result<Receipt, Rejected> {
        let prepared = elsewhere(move || Prepared::of_changes(changes, received_at)).await;
        let stored = match prepared {
            Ok(prepared) => {
                let weight = prepared.weight();
                self.submit_prepared(prepared, weight).await
            }
            Err(rejected) => Err(rejected),
        };
        stored.inspect_err(group::count_rejection::<EventLane>)
    }

    /// Returns how far back duplicates are recognized.
    pub fn dedup_window(&self) -> WindowLength {
        self.lookup.length()
    }

    /// Says whether submissions are taken.
    pub fn is_running(&self) -> bool {
        self.submitter.is_running()
    }

    async fn try_submit(&self, events: Vec<Submitted>) -> Result<Receipt, Rejected> {
        let Some(prepared) = self.prepare(events).await? else {
            return Ok(Receipt { appended: 0, duplicates: 0, resolve_by: Offsets::default() });
        };
        let prepared = self.look_up(prepared).await?;
        let weight = prepared.weight();
        self.submit_prepared(prepared, weight).await
    }

    async fn submit_prepared(
        &self,
        prepared: Prepared,
        weight: Weight,
    ) -> Result<Receipt, Rejected> {
        match self.submitter.submit(Submission::Events(prepared), weight).await? {
            Outcome::Stored(receipt) => Ok(receipt),
            Outcome::Erased(_) => Err(another_answer()),
        }
    }

    async fn try_submit_erasure(&self, erase: Erase) -> Result<Erased, Rejected> {
        let weight = erase.weight();
        match self.submitter.submit(Submission::Erase(Box::new(erase)), weight).await? {
            Outcome::Erased(erased) => Ok(erased),
            Outcome::Stored(_) => Err(another_answer()),
        }
    }

    /// Encodes the events; many of them not on the async threads.
    async fn prepare(&self, events: Vec<Submitted>) -> Result<Option<Prepared>, Rejected> {
        let seed = self.seed;
        match estimated_bytes(&events) <= INLINE_BYTES {
            true => Prepared::new(events, seed),
            false => elsewhere(move || Prepared::new(events, seed)).await?,
        }
    }

    /// Looks for duplicates among older rows, so that the thread need not.
    ///
    /// Only what the filters cannot exclude is looked for on disk, and not on the async threads.
    async fn look_up(&self, mut prepared: Prepared) -> Result<Prepared, Rejected> {
        let view = self.lookup.view();
        prepared.looked_up_to = view.end();
        let is_suspect = |key| view.may_contain(key);
        if !prepared.rows.iter().filter_map(|row| row.key).any(is_suspect) {
            return Ok(prepared);
        }
        elsewhere(move || {
            for row in &mut prepared.rows {
                row.original = row.key.and_then(|key| view.find(key));
            }
            prepared
        })
        .await
    }
}

/// A submission is always answered in its own kind.
fn another_answer() -> Rejected {
    Rejected::Failed("the sequencer gave the answer to another question".to_owned())
}

/// Does work that takes longer than an async thread may be kept.
async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Rejected> {
    task::spawn_blocking(work).await.map_err(|error| match error.is_panic() {
        true => Rejected::Failed("preparing the events failed by a defect".to_owned()),
        false => Rejected::Stopped,
    })
}
