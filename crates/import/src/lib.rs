//! History from elsewhere: files and PostHog's API become events of a server that runs.
//!
//! ```text
//! files ─┐                                                    ┌─▶ /api/import ─▶ journal
//!        ├─▶ record ─▶ event or person ─▶ batch ─▶ in flight ─┤
//! API ───┘      │                                             └─▶ ledger, behind what was acknowledged
//!               └─▶ rejects
//! ```
//!
//! Rows go in by the server's own door, so that dedup, persons and the journal are what they are for any
//! event. The ledger knows how far each source is: a second run of a source imports nothing, and a run
//! that was killed goes on where the ledger stands. What was sent behind that is sent again, and the
//! server knows it by its uuid.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod batch;
mod columns;
mod day;
mod files;
mod import;
mod item;
mod ledger;
mod pace;
mod posthog;
mod progress;
mod record;
mod rejects;
mod sender;
mod source;
mod summary;
mod target;
mod time;

pub use columns::Mapping;
pub use files::{FilesOptions, import_files};
pub use import::Options;
pub use posthog::{PostHogOptions, import_posthog};
pub use summary::Outcome;
pub use target::Target;
pub use time::TimeReader;
