//! An answer on its way.

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::time::Instant;

use crate::Error;

/// Memory that a collected answer may take; the engine's own limit is for what it works with.
const COLLECTED_BYTES: usize = 256 << 20;

/// The rows of an answer, batch by batch. Dropping it ends the query.
pub struct Answer {
    stream: SendableRecordBatchStream,
    deadline: Instant,
    limit: Duration,
}

impl Answer {
    pub(crate) fn new(
        stream: SendableRecordBatchStream,
        deadline: Instant,
        limit: Duration,
    ) -> Self {
        Self { stream, deadline, limit }
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }

    /// The next rows; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        match tokio::time::timeout_at(self.deadline, self.stream.next()).await {
            Ok(batch) => batch.map(|batch| batch.map_err(Error::from)),
            Err(_) => Some(Err(Error::TimedOut { limit: self.limit })),
        }
    }

    /// All rows.
    ///
    /// # Errors
    /// The first that a batch has, and when all rows together are too large to hold.
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>, Error> {
        let (mut batches, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = self.next().await {
            let batch = batch?;
            bytes += batch.get_array_memory_size();
            if bytes > COLLECTED_BYTES {
                return Err(Error::AnswerTooLarge { limit_bytes: COLLECTED_BYTES });
            }
            batches.push(batch);
        }
        Ok(batches)
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema()).finish_non_exhaustive()
    }
}
