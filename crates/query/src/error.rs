//! What can go wrong with a question.

use std::time::Duration;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use lake::rest;

/// No error has more of them, one in the other.
const MOST_CAUSES: usize = 32;

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The statement is not a read-only query.
    #[error("refused: {0}")]
    Refused(String),
    /// The statement is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The query ran too long.
    #[error("the query was stopped after {limit:?}, the limit of a query")]
    TimedOut {
        /// How long a query may run.
        limit: Duration,
    },
    /// The query needs more memory than a query may have.
    #[error("the query needs more memory than its limit: {0}")]
    OutOfMemory(String),
    /// The answer is larger than can be held.
    #[error("the answer is larger than {limit_bytes} bytes, ask for fewer columns or rows")]
    AnswerTooLarge {
        /// How much memory an answer may take.
        limit_bytes: usize,
    },
    /// There is nothing to ask yet.
    #[error("the catalog was not read yet: {0}")]
    NotReady(String),
    /// The engine or a file failed.
    #[error("the query failed: {0}")]
    Failed(String),
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The object store's error that is behind another.
fn of_storage(error: &DataFusionError) -> Option<&object_store::Error> {
    let causes =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.take(MOST_CAUSES).find_map(|cause| cause.downcast_ref())
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        if let Some(storage) = of_storage(&error) {
            // What a storage says is not for whoever asks.
            tracing::warn!(reason = rest::reason(storage), "a file of a table cannot be read");
            tracing::debug!(error = %storage, "what the storage said");
            let reason = match storage {
                object_store::Error::NotFound { .. } => "it was replaced meanwhile; ask again",
                other => rest::reason(other),
            };
            return Self::Failed(format!("a file cannot be read: {reason}"));
        }
        match error.find_root() {
            DataFusionError::ResourcesExhausted(message) => Self::OutOfMemory(message.clone()),
            DataFusionError::SQL(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::Execution(_)
            | DataFusionError::ArrowError(..) => Self::Invalid(error.strip_backtrace()),
            _ => match error {
                DataFusionError::Diagnostic(_, inner) => Self::from(*inner),
                other => Self::Failed(other.strip_backtrace()),
            },
        }
    }
}
