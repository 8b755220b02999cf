//! What can go wrong with a question.

use std::time::Duration;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

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
    /// The engine or a file failed.
    #[error("the query failed: {0}")]
    Failed(String),
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
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
