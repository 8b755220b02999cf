//! Where an optional sink finds rows that the journal no longer has.

use async_trait::async_trait;
use journal::{JournalId, Offset, Record};

use crate::Error;

/// A durable copy of the journal's rows; the lake is one.
#[async_trait]
pub trait Archive: Send + Sync + 'static {
    /// Everything of this journal below is in the archive.
    async fn end(&self, journal_id: JournalId) -> Result<Offset, Error>;

    /// The next rows from `from` on and below `end`, in order, as records of consecutive offsets.
    ///
    /// Not all at once; empty when there are no more. Changes whose place later ones took are not there,
    /// and of an erasure nobody knows any more who it was.
    async fn records(
        &self,
        journal_id: JournalId,
        from: Offset,
        end: Offset,
    ) -> Result<Vec<Record>, Error>;
}
