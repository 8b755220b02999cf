//! OpenTelemetry's protocol over HTTP: logs, traces and metrics, in protobuf or JSON.
//!
//! ```text
//! body ─ encodings ─┬ JSON ──── members of each resource, byte for byte ─┐
//!                   └ protobuf ─ the same members, written as JSON ──────┴ one event a resource
//!
//! AI spans:  either ─ spans ─ provider ─ attributes as PostHog names them ─ one event a span
//! ```
//!
//! Protobuf is written as JSON straight from the wire, by a table of its messages, and never
//! becomes a tree: two bytes can stand for a message of hundreds, and the text that they become is
//! asked for before it is written. JSON is copied, and only AI spans are looked into.

mod ai;
mod documents;
mod encoding;
mod output;
mod payload;
mod protobuf;
mod raw;
mod request;
mod signal;
mod token;
mod walk;

pub use ai::decode_ai;
pub use encoding::{Encoding, success_body};
pub use raw::decode;
pub use request::{Request, Signals};
pub use signal::Signal;
