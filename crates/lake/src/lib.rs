//! The lake: journal records become rows of Iceberg tables in a local folder.
//!
//! ```text
//! records ─▶ batch ─▶ tail ──────────── commit ────────▶ Parquet files ─▶ compaction
//!                      │    (one SQLite transaction:          │
//!                      │     files in, files out, cursor)     │
//!                      └──────────▶ Version ◀─────────────────┘
//!                                     │                       └─▶ projection: Iceberg metadata
//!                                  queries
//! ```
//!
//! - **Exactly once.** A commit adds the files of all tables and moves the cursor in one transaction
//!   of `catalog.db`. Parquet files are durable before it; what a crash leaves behind before it is in no table and is
//!   put aside at the next start, and its rows come again from the journal.
//! - **Visible within seconds.** Rows are decoded once, and the decoded batches are what queries see
//!   until their files are committed. Files and batches change together, as one [`Version`] of all
//!   tables; a query holds one version from its first file to its last.
//! - **The latest.** Persons and groups come as versions, of which the highest of a key counts. Their
//!   tables have all of them until a merge drops those that later ones took the place of.
//! - **Open.** Each table's folder is an Iceberg table, kept up to date a few seconds behind the
//!   commits, and registered in `catalog.db` the way PyIceberg's `SqlCatalog` expects, from the first
//!   start on: whoever lists or joins tables finds an empty one rather than none.
//!
//! ```text
//! lake/
//!   catalog.db                                        the truth: file lists and cursors
//!   data/events/timestamp_day=2026-10-01/<uuid>.parquet   rows of one day
//!   data/events/shared/<uuid>.parquet                 rows of days that have few
//!   data/events/metadata/v7.metadata.json             Iceberg's view, rebuilt from catalog.db
//!   data/heatmaps/…                                   likewise, each table
//!   data/persons/all/<uuid>.parquet                   rows of a table that keeps the latest
//!   orphans/                                          files that no table knows, kept for a week
//! ```
//!
//! [`LakeSink`] is the only writer of rows, [`Lake`] the handle for everyone else. Only one process
//! may have the folder open for writing; the lock is the caller's.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backup;
mod batch;
mod blocking;
mod catalog;
mod commit;
mod compaction;
mod day;
mod disk;
mod erasure;
mod error;
mod expiry;
mod failpoint;
mod file;
mod lake;
mod later_column;
mod layout;
mod maintenance;
mod metrics;
mod options;
mod order;
mod overrides;
mod projection;
pub mod rest;
mod retention;
mod revision;
mod shared;
mod sink;
mod start;
mod stats;
mod table;
mod verify;
mod version;

#[cfg(test)]
mod tests;

pub use backup::{CatalogCopy, KeptFiles, files_of_copy};
pub use catalog::FORMAT_VERSION;
pub use compaction::Compacted;
pub use day::Day;
pub use erasure::{ErasedRows, Erasing, ErasureProgress};
pub use error::Error;
pub use expiry::Expired;
pub use lake::Lake;
pub use later_column::LaterColumn;
pub use options::Options;
pub use retention::Retention;
pub use sink::LakeSink;
pub use stats::{Stats, TableStats};
#[doc(hidden)]
pub use table::forget_columns;
pub use table::{Latest, Table};
pub use verify::{Problem, Verified, VerifiedTable, Verify};
pub use version::{DataFile, FilesByErasure, Remote, Version, VersionNumber};
