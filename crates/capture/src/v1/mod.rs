//! Capture V1: `POST /i/v1/analytics/events` and `/i/v1/ai/events`.
//!
//! Unlike v0 it judges each event on its own and answers with a result for every uuid, so that an SDK
//! sends again only what was not stored. In exchange it is strict: who sends, when and for the how
//! many-eth time stands in required headers, members have one spelling and one type, and one that has
//! another fails the request.
//!
//! ```text
//! headers ─ content encoding ─ text ─ parse (strict) ─ uuids ─ a verdict for each event ─ event
//! ```

mod body;
mod decode;
mod error;
mod headers;
mod options;
mod parse;
mod results;

pub use decode::{Batch, Lane, Request, decode};
pub use error::Error;
pub use headers::{Head, check_headers, request_id};
pub use results::{Outcome, Verdict, results_body, retry_after, tag};

/// Largest body as sent, in bytes.
pub const WIRE_LIMIT: usize = 10 * 1024 * 1024;

/// What a body must stay below after decompression, in bytes.
pub const INFLATED_LIMIT: usize = 50 * 1024 * 1024;
