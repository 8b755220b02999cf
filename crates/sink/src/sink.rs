//! What a sink is.

use std::time::Duration;

use async_trait::async_trait;
use journal::{Cursor, Offset, Record};

use crate::Error;

/// Whether ingestion may stop for a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// The last durable copy: the journal keeps what it lacks, and when the journal is full
    /// ingestion answers 503.
    Required,
    /// A further copy: past its share of the journal's budget it is parked.
    Optional,
}

/// A place that rows go to.
///
/// The runner calls one method at a time. After an error it calls again with the same records (for
/// [`Sink::write`]) or just again (for [`Sink::flush`]), so both must be safe to repeat.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// The sink's name in logs, metrics and file names.
    fn name(&self) -> &'static str;

    /// Whether ingestion may stop for it.
    fn importance(&self) -> Importance;

    /// The position from which it has yet to keep rows, `None` when it never kept any.
    async fn load_cursor(&mut self) -> Result<Option<Cursor>, Error>;

    /// Takes records, in journal order and without gaps other than the journal's own.
    ///
    /// The first record may begin before the cursor; rows below it are the sink's to skip.
    async fn write(&mut self, records: Vec<Record>) -> Result<(), Error>;

    /// Makes everything written so far durable, and returns the offset up to which it is.
    async fn flush(&mut self) -> Result<Offset, Error>;

    /// How long rows may wait between [`Sink::write`] and [`Sink::flush`].
    fn flush_interval(&self) -> Duration;
}
