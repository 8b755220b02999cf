//! PostHog's wire protocol: bytes become events, and answers become bytes.
//!
//! A request passes through layers, one file each:
//!
//! ```text
//! query ─ payload (form, gzip, deflate, base64 in any order) ─ text (UTF-8, CESU-8) ─ repair
//!   ─ document (one parse: items, and spans of their members) ─ shape (what each item means)
//!   ─ token ─ distinct id ─ time ─ properties (spans spliced, never re-serialized) ─ event
//! ```
//!
//! Nothing here does I/O or reads a clock: the receipt time comes with the request. What PostHog
//! refuses only because its parser is strict is understood here wherever the meaning is plain, and
//! whatever is dropped or changed on the way is counted in [`Notes`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod ai;
mod answer;
mod builder;
mod depth;
mod distinct_id;
mod document;
mod elements;
mod encoding;
mod error;
mod events;
pub mod flags;
mod form;
mod json;
mod lane;
mod memory;
mod notes;
pub mod otlp;
mod parse;
mod payload;
mod placement;
mod properties;
mod query;
mod recording;
mod repair;
mod request;
mod shape;
pub mod signature;
mod splice;
mod text;
mod time;
mod token;
pub mod v1;

pub use answer::{SUCCESS_BODY, error_body};
pub use distinct_id::stored as stored_distinct_id;
pub use error::{Error, TokenFault};
pub use events::{Captured, decode_events};
pub use lane::Lane;
pub use memory::{Busy, Memory, Unbounded};
pub use notes::{Note, Notes};
pub use recording::{Recorded, decode_recording};
pub use request::{Request, Settings};
