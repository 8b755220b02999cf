//! What the rows of a record are.

use event::{Row, decode_rows};
use journal::{Offset, Record};

use crate::Error;

/// Reads a journal's records as rows for the pipeline.
pub trait RowSource: Send + Sync + 'static {
    /// The rows of a record with their offsets; one offset may give several rows.
    ///
    /// # Errors
    /// When the record is not what this source reads; a sink never skips such a record.
    fn rows(&self, record: &Record) -> Result<Vec<(Offset, Row)>, Error>;
}

/// Records of events.
#[derive(Clone, Copy, Debug)]
pub struct EventRows;

impl RowSource for EventRows {
    fn rows(&self, record: &Record) -> Result<Vec<(Offset, Row)>, Error> {
        let rows = decode_rows(record.payload.clone()).map_err(|error| {
            Error::paused(format!("record at offset {}: {error}", record.first))
        })?;
        Ok((record.first.get()..).map(Offset::new).zip(rows).collect())
    }
}
