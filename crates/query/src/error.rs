//! What can go wrong with a question.

use std::time::Duration;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use lake::rest;

/// No error has more of them, one in the other.
const MOST_CAUSES: usize = 32;

/// How the engine begins to say that a pattern cannot be read.
const PATTERN: &str = "Regular expression";

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
        match error {
            ArrowError::ExternalError(inner) => match inner.downcast::<DataFusionError>() {
                Ok(inner) => Self::from(*inner),
                Err(inner) => Self::Failed(inner.to_string()),
            },
            error if is_of_values(&error) => Self::Invalid(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// Whether values are not what was asked of them, which whoever asked can mend.
const fn is_of_values(error: &ArrowError) -> bool {
    matches!(
        error,
        ArrowError::CastError(_)
            | ArrowError::ParseError(_)
            | ArrowError::ComputeError(_)
            | ArrowError::InvalidArgumentError(_)
            | ArrowError::DivideByZero
            | ArrowError::ArithmeticOverflow(_)
    )
}

/// What values are not, where that is behind another error.
fn of_values(error: &DataFusionError) -> Option<String> {
    let causes =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let of_arrow = |cause: &'_ (dyn std::error::Error + 'static)| {
        let error = cause.downcast_ref::<ArrowError>()?;
        is_of_values(error).then(|| error.to_string())
    };
    causes.take(MOST_CAUSES).find_map(of_arrow)
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
            // A pattern that is none is a fault of the engine's to the engine.
            DataFusionError::Internal(message) if message.contains(PATTERN) => {
                let reason = message.split_once(PATTERN).map_or("", |(_, reason)| reason);
                let reason =
                    reason.split("This issue was likely caused").next().unwrap_or_default();
                Self::Invalid(format!("{PATTERN}{}", reason.trim_end()))
            }
            DataFusionError::SQL(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::Execution(_)
            | DataFusionError::ArrowError(..) => Self::Invalid(error.strip_backtrace()),
            _ => match (of_values(&error), error) {
                (Some(message), _) => Self::Invalid(message),
                (None, DataFusionError::Diagnostic(_, inner)) => Self::from(*inner),
                (None, other) => Self::Failed(other.strip_backtrace()),
            },
        }
    }
}
