//! The durable log: what is committed here survives the loss of power.
//!
//! One [`Writer`] appends groups of records and returns after one sync. Any number of [`Reader`]s
//! follow it up to the synced offset. [`Hold`]s keep segments until everybody who needs them has
//! passed; [`Journal::trim`] removes the others. Rows are opaque here.
//!
//! # Promises
//!
//! - What [`Writer::commit`] returned is read back exactly once, in order, with its bytes, whatever
//!   happens to the process, the power or the pages that were not synced yet.
//! - What it refused is never seen, and the next commit works when the cause is gone.
//! - Bytes that were durable and are not any more are an error that says where, never a shorter
//!   journal.
//! - No offset is given twice to rows that somebody may have seen.
//!
//! # On disk
//!
//! A journal is a directory of segment files, named by the offset of their first row:
//!
//! ```text
//!   00000000000000000000.segment    00000000000000052117.segment    00000000000000052200.segment
//!   +--------+----------------+     +--------+----------+~~~~~~+    +--------+-----------------+
//!   | header | records        |     | header | records  | torn |    | header | records | room  |
//!   | prev 0 | 0 .. 52117     |     | prev   | 52117 .. | never|    | prev   | 52200 ..| (zero)|
//!   |        |                |     | 52117  | 52190    | read |    | 52190  |         |       |
//!   +--------+----------------+     +--------+----------+~~~~~~+    +--------+-----------------+
//!                                                  gap 52190 .. 52200
//! ```
//!
//! A segment is preallocated, written once from front to back, and cut to its size when the next
//! one begins. Its header says at which offset the records before it end. That makes beginning a
//! segment the one way to cut a journal: behind a failed sync, behind a torn record, behind the end
//! that an earlier process left. Bytes behind the cut are never looked at again, so they cannot come
//! back. Within a segment the offsets of records follow each other; between two there may be a gap,
//! whose offsets no row ever had, and readers step over it.
//!
//! The module `segment::format` describes the header, `record` the records, and `recovery` how the
//! end is found after a crash. Everything goes through [`Fs`], and [`sim`] is a disk that does its
//! worst.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod active;
mod encode;
mod error;
mod failpoint;
mod fs;
mod hold;
mod journal;
mod metrics;
mod offset;
mod open;
mod options;
mod reader;
mod record;
mod recovery;
mod segment;
mod segments;
#[doc(hidden)]
pub mod sim;
mod window;
mod writer;

pub use encode::Batch;
pub use error::{CommitError, Damage, Error, IoError};
pub use failpoint::failpoint;
pub use fs::{File, Fs, RealFs, Space, read_file, write_atomically};
pub use hold::{Hold, HoldStatus};
pub use journal::Journal;
pub use offset::{Cursor, JournalId, Offset};
pub use options::Options;
pub use reader::{Reader, Record};
pub use recovery::check_format;
pub use segments::SegmentFile;
pub use writer::Writer;
