//! The lake as a sink of the journal.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use journal::{Cursor, JournalId, Offset, Record};
use sink::{Importance, Sink};

use crate::shared::Shared;
use crate::version::TailBatch;
use crate::{Error, batch, blocking, metrics};

/// Payload that is decoded at a time; a record may be as large by itself.
const DECODE_BYTES: usize = 8 << 20;

/// Writes rows: first to the tail, where queries see them, then to files.
///
/// The tail never takes more memory than the options allow, plus what is decoded at a time: when
/// it is full, [`Sink::write`] commits before it takes more, and a commit that fails fails the
/// write. Rows that are in the tail or committed already are skipped, so records may come again.
#[derive(Debug)]
pub struct LakeSink {
    shared: Arc<Shared>,
    journal_id: JournalId,
    commit_interval: Duration,
    tail_bytes: usize,
}

impl LakeSink {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self, Error> {
        let options = shared.options()?;
        let (journal_id, commit_interval) = (options.journal_id, options.commit_interval);
        let tail_bytes = options.tail_bytes;
        Ok(Self { shared, journal_id, commit_interval, tail_bytes })
    }

    async fn append(&self, records: Vec<Record>) -> Result<(), Error> {
        let (journal_id, from) = (self.journal_id, self.end());
        let decoded = blocking::run(move || batch::decode(&records, journal_id, from)).await?;
        if let Some(batch) = decoded {
            self.make_room(&batch).await?;
            let shared = self.shared.clone();
            blocking::run(move || shared.publish_tail(batch)).await?;
        }
        Ok(())
    }

    /// Commits early where the tail would grow too large.
    async fn make_room(&self, batch: &TailBatch) -> Result<(), Error> {
        let tail_bytes = self.shared.current.get().tail_bytes();
        if tail_bytes > 0 && tail_bytes + batch.bytes > self.tail_bytes {
            ::metrics::counter!(metrics::EARLY_COMMITS_TOTAL).increment(1);
            self.commit().await?;
        }
        Ok(())
    }

    async fn commit(&self) -> Result<Offset, Error> {
        let (shared, journal_id) = (self.shared.clone(), self.journal_id);
        blocking::run(move || shared.commit_tail(journal_id)).await
    }

    /// Up to where rows are in the tail or committed.
    fn end(&self) -> Offset {
        self.shared.current.get().end(self.journal_id)
    }
}

#[async_trait]
impl Sink for LakeSink {
    fn name(&self) -> &'static str {
        "lake"
    }

    fn importance(&self) -> Importance {
        Importance::Required
    }

    async fn load_cursor(&mut self) -> Result<Option<Cursor>, sink::Error> {
        Ok(self.shared.current.get().cursor(self.journal_id))
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<(), sink::Error> {
        for some in portions(records) {
            self.append(some).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<Offset, sink::Error> {
        Ok(self.commit().await?)
    }

    fn flush_interval(&self) -> Duration {
        self.commit_interval
    }
}

/// Splits records so that no portion takes too much memory.
pub(crate) fn portions(records: Vec<Record>) -> Vec<Vec<Record>> {
    let mut portions: Vec<Vec<Record>> = Vec::new();
    let mut bytes = usize::MAX;
    for record in records {
        bytes = bytes.saturating_add(record.payload.len());
        match portions.last_mut() {
            Some(portion) if bytes <= DECODE_BYTES => portion.push(record),
            _ => {
                bytes = record.payload.len();
                portions.push(vec![record]);
            }
        }
    }
    portions
}
