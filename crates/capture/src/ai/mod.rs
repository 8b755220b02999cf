//! `POST /i/v0/ai`: one event about a language model, as `multipart/form-data`.
//!
//! ```text
//! event              {"event":"$ai_…","uuid":…,"distinct_id":…}      first, at most 32 KiB
//! event.properties   {"$ai_model":…}                                 or within the event
//! ```

mod decode;
mod parts;

pub use decode::{Submitted, decode};
pub use parts::{Part, accepted_body};

/// Largest body, as sent and after decompression, in bytes: PostHog takes a tenth more than the 25 MiB
/// that parts may have.
pub const WIRE_LIMIT: usize = 25 * 1024 * 1024 / 10 * 11;
