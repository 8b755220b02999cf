//! How far an erasure is, for its receipt.

use event::Timestamp;
use uuid::Uuid;

/// How far an erasure is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureProgress {
    /// Its id.
    pub id: Uuid,
    /// What it removed so far, by table.
    pub rows: Vec<ErasedRows>,
    /// Files that are to be looked through.
    pub files_left: u64,
    /// When the lake read it; from then on queries show none of its rows.
    pub read_at: Timestamp,
    /// When no file of a table had such rows any more.
    pub rewritten_at: Option<Timestamp>,
    /// When Iceberg's metadata, with all of its snapshots, showed none.
    pub unlisted_at: Option<Timestamp>,
    /// When the last file that had some was deleted.
    pub gone_at: Option<Timestamp>,
    /// By when that will be, unless a query holds a file longer; known once they are unlisted.
    pub gone_by: Option<Timestamp>,
}

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedRows {
    /// The table's name.
    pub table: String,
    /// Rows that went.
    pub removed: u64,
    /// Rows that stayed under a pseudonym.
    pub anonymized: u64,
}
