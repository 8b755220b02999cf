//! The only writer of the journal: deduplicates, settles identity, appends, syncs, and answers.
//!
//! ```text
//!  caller's task (parallel)                    the sequencer's thread (in order)
//!  ────────────────────────                    ─────────────────────────────────
//!  encode rows, hash keys,                     take what is queued as one group
//!  read what events say of      ── queue ──▶   duplicate? else next offset, whose is it?
//!  persons, look in the frozen                 one commit: append + fdatasync
//!  part of the dedup window                    stored: publish the group's keys and persons
//!        ▲                                     failed: forget them, reject all
//!        └───────────── answer ─────────────
//! ```
//!
//! Promises:
//! - An answer follows the sync of every row it speaks of, a duplicate's original included.
//! - What a group changed is seen by no one before the group is stored, and is undone when it is
//!   not. So the retry of a failed request is stored, not mistaken for a duplicate.
//! - A row that the client identified (token, event, distinct id, uuid) is stored once within the
//!   window of [`DedupOptions`], across restarts and crashes.
//! - What events change of persons stands behind them, in the same record.
//! - Whoever is erased is known to be before that is answered, and events behind it are a new person's.
//! - Background threads write dedup files and persons; the sequencer's thread reads at most.
//!
//! [`start`] runs the events' sequencer; [`start_recordings`] runs the same group commit, without
//! deduplication, for the journal of session recordings.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod dedup;
mod erasure;
mod error;
mod events;
mod group;
mod guard;
mod handle;
mod identity;
pub mod metrics;
mod options;
mod prepared;
mod queue;
mod receipt;
mod received;
mod recordings;
mod records;
mod tee;

pub use dedup::{WindowLength, newer_key_format};
pub use erasure::Erase;
pub use error::{Error, Panicked, Rejected};
pub use guard::JoinGuard;
pub use handle::{Erased, Handle, Submitted, start};
pub use options::{DedupOptions, Options, QueueOptions};
pub use receipt::{Offsets, Receipt};
pub use recordings::{Appender, start_recordings};
pub use tee::{TeeAppender, start_tee};
