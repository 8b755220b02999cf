//! Data files: how Parquet is written, and what is remembered of a file.

mod metrics;
mod properties;
mod writer;

pub(crate) use metrics::{Bound, FileMetrics};
pub(crate) use properties::Effort;
pub(crate) use writer::{FileWriter, NewFile, begin};
