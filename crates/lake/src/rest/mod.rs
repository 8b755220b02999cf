//! Tables of an Iceberg REST catalog, on S3 or R2: those of the lake, elsewhere.
//!
//! ```text
//! records ─▶ rows of each table ─▶ Parquet ─▶ manifest ─▶ commit ─▶ the catalog
//!                                 └───── objects ─────┘   (snapshot and cursor, or neither)
//! ```
//!
//! - **Exactly once.** Each table has a property `hogflare.cursor.<journal_id>`: below this offset it has
//!   all its rows of that journal. The commit that adds files sets it, and demands that the table still
//!   be at the snapshot that it was read with. So one of two commits that meet fails, looks again, and
//!   goes on top of the other.
//! - **Nobody guesses.** Where no answer comes, or one that leaves it open, the table is loaded again: its
//!   cursor says whether the commit took place. Files, manifest and snapshot id stay the same from try
//!   to try, so whichever arrives is the one.
//! - **Several writers.** Nodes have journals, and so cursors, of their own.
//! - **Small metadata.** Manifests are merged when there are many, and snapshots that this program made
//!   are dropped when they are old, as far as no data file hangs on them.
//!
//! What the lake does besides, merging files, erasing persons, dropping old rows, is the catalog's here.

mod attached;
mod client;
mod commit;
mod config;
mod expiry;
mod manifests;
mod metrics;
mod parquet;
mod probe;
mod shape;
mod sink;
mod storage;
mod table;

pub use attached::{Attached, Found};
pub use config::{Access, Config, StaticStorage, TableNames};
pub use probe::probe;
pub use sink::{CatalogSink, Context};
pub use storage::reason;

/// Adds to a result of the library what was tried.
fn iceberg<T>(result: ::iceberg::Result<T>, action: &str) -> Result<T, ::sink::Error> {
    result.map_err(|error| ::sink::Error::transient(format!("cannot {action}: {error}")))
}
