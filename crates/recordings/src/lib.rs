//! Session recordings: from their own journal to plain objects, and to the pipeline.
//!
//! ```text
//! recordings/{token}/{day}/{session}/{offset}.zst      one object for each request to /s/
//! ```
//!
//! An object's name comes from its place in the journal, so writing it again after a crash replaces
//! it: a recording is there once. Its content is one JSON object, compressed with zstd.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod erase;
mod object;
mod objects_sink;
mod retention;
mod snapshot_rows;

pub use erase::erase;
pub use objects_sink::ObjectsSink;
pub use retention::Retention;
pub use snapshot_rows::SnapshotRows;
