//! `catalog.db`: which files are the tables, and how far each journal is in them.
//!
//! A SQLite database in WAL mode with `synchronous=FULL`: a transaction that was answered is on the
//! disk. Everything about the tables follows from it; Iceberg's metadata is only a projection of it.
//!
//! | table | a row is |
//! |---|---|
//! | `tables` | a table of the lake: its Iceberg `table_uuid`; `generation`, which grows with every change of its file list; and of the projection: where it believed the folder to be (`root`), the generation that it shows, the number of its metadata file, its last sequence number; `erased_generation`, before which snapshots show what is erased |
//! | `cursors` | a journal, and the offset below which its rows are in `files`, whatever their table |
//! | `files` | a data file of a table: `day` (since 1970, NULL where days share it), counts, bounds, column metrics; the generation that added it, and the snapshot that first showed it (NULL before); the last erasure whose rows it has not (`free_of`) |
//! | `partitions` | a day on which a table has files, or NULL for shared ones: the generation that last changed it, and its manifest with the generation that it shows |
//! | `snapshots` | a snapshot in a table's Iceberg metadata, and the generation that it shows |
//! | `removed_files` | a file that is on disk and no longer needed: the `generation` that removed it, and since when (`unlisted_at`, microseconds) the newest metadata does without it |
//! | `erasures` | an erasure by its number: where it stands in its journal, how far it is, and who is erased (`record`, NULL once no file has rows of them) |
//! | `erased_rows` | how many rows of a table an erasure concerned |
//! | `iceberg_tables`, `iceberg_namespace_properties` | what PyIceberg's `SqlCatalog` reads |
//!
//! Paths are relative to the lake's folder, except in `iceberg_tables`. Generations count for each table
//! alone. Tables that this program does not know are left as they are.
//!
//! A snapshot of generation *g* needs a file that was added at or before *g* and removed after it.
//! So a removed file may be deleted when every snapshot is of its removal's generation or a later
//! one, it was unlisted for long enough, and no query holds it.
//!
//! What is deleted from the database is overwritten in its file, since rows of persons have bounds
//! here that name them.

mod cleanup;
mod commit;
mod erasures;
mod file_list;
mod inspection;
mod migration;
mod open;
mod projection;
mod tables;

use std::path::PathBuf;

use rusqlite::Connection;

use crate::layout::Layout;

pub(crate) use cleanup::Kept;
pub(crate) use commit::{Advance, LeftOut};
pub(crate) use erasures::NewErasures;
pub(crate) use inspection::Inspected;
pub use tables::FORMAT_VERSION;

pub(crate) use projection::{
    Listing, ManifestState, Pending, Projection, Rewrite, SnapshotState, Totals,
};

/// Counts changes of a table's file list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(pub(crate) u64);

/// The open catalog.
#[derive(Debug)]
pub(crate) struct Catalog {
    connection: Connection,
    layout: Layout,
}

impl Catalog {
    fn path(&self) -> PathBuf {
        self.layout.catalog()
    }
}
