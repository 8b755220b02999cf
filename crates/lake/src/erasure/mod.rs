//! Erasures in the lake: rows of somebody who is to be forgotten go, or lose what says whose they are.
//!
//! ```text
//! the sink reads an erasure ─▶ batches of the tail lose the rows, at once
//!                          ├─▶ queries read files without them, at once
//!                          └─▶ commit: the erasure is in catalog.db, in the cursor's transaction
//!                                └─▶ pass: files that hold such rows are written anew, one by one
//!                                      └─▶ projection: no snapshot shows the old ones
//!                                            └─▶ after the grace the old files are deleted
//! ```
//!
//! - **Numbers.** Erasures count from 1 in the order in which the lake read them, and each file knows
//!   the last one that its rows are free of: a new file all of those read until then, since the tail
//!   is; a merged file all that the merge took out of its inputs; a file that the pass looked at and
//!   found nothing in, all that it looked for. What is left to do is in the file list, so a crash costs
//!   one file's work at most.
//! - **One function.** Tail, pass, merge and query all take out rows by [`Erasing::apply`], and what
//!   an anonymous row has is what [`event::Row::anonymize`] leaves of it, as every sink sees it.
//! - **Tables of versions.** What a person was goes; that the person is gone comes as rows behind the
//!   erasure, which stay, whatever is erased later.
//! - **The catalog** forgets who was erased as soon as no file has rows of them, and overwrites what it
//!   forgets.

mod anonymous;
mod apply;
mod counts;
mod pass;
mod pending;
mod progress;

pub use apply::Erasing;
pub(crate) use counts::Counts;
pub(crate) use pending::{Number, Numbered, Pending};
pub use progress::{ErasedRows, ErasureProgress};
