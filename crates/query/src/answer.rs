//! An answer on its way.

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::time::Instant;

use crate::Error;

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
    /// The first that a batch has.
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>, Error> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema()).finish_non_exhaustive()
    }
}
