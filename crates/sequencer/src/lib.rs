//! The only writer of the journal: deduplicates, settles identity, appends, syncs, and answers.
//!
//! ```text
//!  caller's task (parallel)                    the sequencer's thread (in order)
//!  ────────────────────────                    ─────────────────────────────────
//!  encode rows, hash keys,                     take what is queued as one group
//!  look in the frozen part      ── queue ──▶   duplicate? else next offset
//!  of the dedup window                         one commit: append + fdatasync
//!        ▲                                     stored: publish the group's keys
//!        └───────────── answer ─────────────   failed: forget them, reject all
//! ```
//!
//! Promises:
//! - An answer follows the sync of every row it speaks of, a duplicate's original included.
//! - What a group changed is seen by no one before the group is stored, and is undone when it is
//!   not. So the retry of a failed request is stored, not mistaken for a duplicate.
//! - A row that the client identified (token, event, distinct id, uuid) is stored once within the
//!   window of [`DedupOptions`], across restarts and crashes.
//! - A background thread writes and merges the dedup files; the sequencer's thread touches none.
//!
//! [`start`] runs the events' sequencer; [`start_recordings`] runs the same group commit, without
//! deduplication, for the journal of session recordings.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod dedup;
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

pub use dedup::WindowLength;
pub use error::{Error, Panicked, Rejected};
pub use guard::JoinGuard;
pub use handle::{Handle, Submitted, start};
pub use options::{DedupOptions, Options, QueueOptions};
pub use receipt::{Offsets, Receipt};
pub use recordings::{Appender, start_recordings};
