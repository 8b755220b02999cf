//! The sink `pipelines`: JSON arrays to the HTTP endpoint of a Cloudflare Pipelines stream
//! (Basin Pipelines).
//!
//! The endpoint neither recognizes a row sent twice nor checks a row against the stream's schema
//! before it says 200; rows that do not fit are dropped later and silently. So every row has a
//! stable uuid, or a key and a version, and the JSON has only columns of its table's [`schema()`], each
//! in the form that its type takes.
//!
//! At least once: after an answer that did not come the batch is sent again.

mod batch;
mod config;
mod json;
mod pace;
mod probe;
mod request;
mod resend;
mod route;
mod row;
mod sink;
mod source;
mod streams;
mod table;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use probe::probe;
pub use resend::{Resent, resend};
pub use route::Route;
pub use row::schema;
pub use sink::{Folders, PipelinesSink};
pub use source::{EventRows, JsonRow, RowSource, event_row};
pub use streams::{Stream, Streams};
pub use table::{TableRows, TableStream};
