//! Sinks: where rows go from the journal.
//!
//! A [`Sink`] loads and commits its own cursor, because only it knows when rows are safe: the lake
//! commits files and cursor in one transaction, a pipeline when its answer is in. The [`Runner`]
//! does for each sink what all need: reads the journal from the cursor, hands rows over, asks for a
//! flush in time, retries with backoff and jitter, reports lag, and holds the journal's segments
//! until the sink is past them.
//!
//! An optional sink that falls too far behind is parked ([`Parking`]): it lets go of the journal, and
//! when it works again it catches up from an [`Archive`], the lake, before it returns to the journal.
//!
//! ```text
//! journal ──Reader──▶ Runner ──write──▶ Sink      rows are taken, perhaps buffered
//!    ▲                  │ ────flush──▶            rows are durable, the cursor with them
//!    └──Hold::advance───┘
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod archive;
mod backoff;
mod cursor_file;
mod dead_letters;
mod delivery;
pub mod erased;
mod error;
mod metrics;
pub mod pipelines;
pub mod posthog;
mod runner;
mod sink;
mod status;

pub use archive::Archive;
pub use backoff::Backoff;
pub use cursor_file::CursorFile;
pub use dead_letters::{DeadLetter, DeadLetters};
pub use delivery::{Delivery, Outcome};
pub use error::{Error, Retry};
pub use runner::{Parking, Runner};
pub use sink::{Importance, Sink};
pub use status::{Health, Status};
