//! The words of Hogflare: what an event is, and what becomes of it in the lake.
//!
//! [`Event`] is what the wire protocol yields: decoded, normalized, with its time settled.
//! [`Row`] is what is stored: the event with its project and its person. What the event changes of
//! its person or of groups is a [`Change`], and a row, too. The journal holds rows, and every sink
//! reads them through the columns of their [`Table`], its one description.
//!
//! Nothing here does I/O.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod belonging;
mod change;
mod column;
mod dedup;
pub mod erasure;
mod event;
mod ids;
pub mod limits;
mod promoted;
mod recording;
mod row;
mod rows;
mod tables;
mod timestamp;

pub use belonging::{Belonging, encode_row_body, encode_row_of};
pub use change::Change;
pub use column::{Column, Kind, StoredRow, Value};
pub use dedup::{DedupKey, DedupSeed};
pub use erasure::{
    Erased, Erasure, ErasureFields, ErasureKind, Erasures, Fate, Place, Placed, Pseudonym,
};
pub use event::{BROUGHT_PERSON, Event, UuidOrigin};
pub use ids::{DistinctId, PersonId, TeamId, Token};
pub use promoted::Promoted;
pub use recording::{Recording, decode_recordings, encode_recording};
pub use row::{ChangeFields, PersonMode, Row};
pub use rows::{RowsError, decode_rows, encode_row};
pub use tables::{COLUMNS, Table};
pub use timestamp::Timestamp;
